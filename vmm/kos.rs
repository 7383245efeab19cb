// SPDX-License-Identifier: GPL-2.0

//! The calls of `include/kos/alloc.h`: each piece of memory is a region of its own.

use super::{
    error::{
        Error,
        Result, //
    },
    find,
    flags::Prot,
    publish,
    region::Region,
    unmap, //
};
use crate::vmm::flags::Shape;
use kernel::page::PAGE_SIZE;

/// The largest alignment that is served.
const MAX_ALIGN: usize = 1 << 30;

/// `KosMemAllocEx()`: returns the address. The memory is zeroed, whether asked for or not.
pub(crate) fn alloc(size: usize, align: usize) -> Result<usize> {
    if !align.is_power_of_two() || align > MAX_ALIGN {
        return Err(Error::Unaligned);
    }
    let bytes = size
        .max(1)
        .checked_next_multiple_of(PAGE_SIZE)
        .ok_or(Error::InvalidSize)?;
    // Address space costs nothing: take more than is needed, and commit the aligned part alone.
    let slack = align.max(PAGE_SIZE) - PAGE_SIZE;
    let whole = bytes.checked_add(slack).ok_or(Error::InvalidSize)?;
    let region = Region::reserve(None, whole / PAGE_SIZE, Shape::PLAIN, Prot::READ_WRITE)?;
    let addr = region.base().next_multiple_of(align.max(PAGE_SIZE));
    region.commit(addr, bytes, true, None)?;
    region.set_piece(addr, bytes);
    publish(region)?;
    Ok(addr)
}

/// `KosMemGetSize()`: in bytes.
pub(crate) fn size(addr: usize) -> Result<usize> {
    find(addr)?.piece(addr).ok_or(Error::NoRegion)
}

/// `KosMemFree()`.
pub(crate) fn free(addr: usize) -> Result {
    let region = find(addr)?;
    region.piece(addr).ok_or(Error::NoRegion)?;
    unmap(region.base(), region.size())
}
