// SPDX-License-Identifier: GPL-2.0

//! A range of the kernel's address space, and what is mapped there.

use super::{
    error::{
        Error,
        Result, //
    },
    flags::{
        Cache,
        Prot, //
    },
    frames::Frame, //
};
use crate::{
    features,
    ffi,
    symbols::{
        self,
        Symbol, //
    }, //
};
use core::{
    ops::Range,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The kernel's functions that regions cannot do without.
const NEEDED: [Symbol; 6] = [
    Symbol::GetVmAreaCaller,
    Symbol::VmapPagesRange,
    Symbol::VunmapRange,
    Symbol::FlushTlbKernelRange,
    Symbol::SetMemoryRo,
    Symbol::SetMemoryRw,
];

/// An area whose pages come and go.
const SPARSE: c_ulong = 0x1000;

/// Whether this kernel lets us have regions; says so where features are listed.
pub(super) fn supported() -> bool {
    let supported = symbols::have(&NEEDED);
    if supported {
        features::VMM.found();
    } else {
        features::VMM.missing("the kernel's functions for mappings were not found");
    }
    supported
}

/// A reserved range of the vmalloc space, given back on drop.
///
/// # Invariants
///
/// `area` was reserved by us, for `start` and the pages that the owner asked for, and nobody else
/// maps anything there. The functions in [`NEEDED`] were found.
pub(super) struct Area {
    area: NonNull<bindings::vm_struct>,
    start: usize,
}

// SAFETY: The area belongs to no task; its owner serialises what is done to its pages.
unsafe impl Send for Area {}
// SAFETY: As above.
unsafe impl Sync for Area {}

impl Area {
    /// Reserves `pages` pages, at `start` if given, else anywhere. May sleep.
    pub(super) fn reserve(start: Option<usize>, pages: usize) -> Result<Self> {
        if !supported() {
            return Err(Error::NotSupported);
        }
        let size = pages.checked_mul(PAGE_SIZE).ok_or(Error::InvalidSize)?;
        // The kernel adds a guard page of its own to each area.
        let whole = size.checked_add(PAGE_SIZE).ok_or(Error::InvalidSize)?;
        let space = vmalloc_space();
        if whole > space.1 - space.0 {
            return Err(Error::InvalidSize);
        }
        // SAFETY: Any numbers may be asked about.
        let fits = |start| unsafe { ffi::vmm::rsbac_mem_vmm_in_vmalloc(start, whole) };
        let (from, to) = match start {
            Some(start) if fits(start) => (start, start + whole),
            Some(_) => return Err(Error::Busy),
            None => space,
        };
        // SAFETY: The function was found, see `supported`; any range may be asked for.
        let area = unsafe {
            ffi::symbols::rsbac_mem_symbol___get_vm_area_caller(size, SPARSE, from, to, ptr::null())
        };
        let area = NonNull::new(area).ok_or(match start {
            Some(_) => Error::Busy,
            None => Error::NoMemory,
        })?;
        // SAFETY: The area is live as long as we do not free it.
        let start = unsafe { ffi::vmm::rsbac_mem_vmm_area_addr(area.as_ptr()) };
        // INVARIANT: Just reserved.
        Ok(Self { area, start })
    }

    /// The first address.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Maps `frames` at `addr`, where nothing is mapped. On failure nothing is mapped there.
    pub(super) fn map(
        &self,
        addr: usize,
        frames: &mut [Frame],
        prot: Prot,
        cache: Cache,
    ) -> Result {
        let end = addr + frames.len() * PAGE_SIZE;
        let bits = entry(prot, cache);
        // SAFETY: By the type invariant the range is ours and the function was found; the frames
        // are valid, as many as the range has pages.
        let err = unsafe { ffi::vmm::rsbac_mem_vmm_vmap(addr, end, bits, frames.as_mut_ptr()) };
        if err != 0 {
            self.unmap(addr, frames.len());
            return Err(Error::NoMemory);
        }
        Ok(())
    }

    /// Removes what is mapped, and from all TLBs.
    pub(super) fn unmap(&self, addr: usize, pages: usize) {
        // SAFETY: By the type invariant the range is ours and the function was found.
        unsafe { ffi::symbols::rsbac_mem_symbol_vunmap_range(addr, addr + pages * PAGE_SIZE) };
    }

    /// Gives pages, all of them mapped, other rights, in all TLBs when this returns.
    pub(super) fn protect(&self, addr: usize, pages: usize, prot: Prot, cache: Cache) {
        // SAFETY: By the type invariant nobody else writes entries of this range, and the function
        // that flushes was found.
        let done = unsafe {
            let done = ffi::vmm::rsbac_mem_vmm_rewrite(addr, pages, entry(prot, cache));
            ffi::symbols::rsbac_mem_symbol_flush_tlb_kernel_range(addr, addr + pages * PAGE_SIZE);
            done
        };
        debug_assert!(done == pages);
    }

    /// Lets the direct map write the frames of pages, all of them mapped, or no longer. Changes the
    /// view on the way. On failure the direct map is as it was.
    pub(super) fn set_write(&self, addr: usize, pages: usize, write: bool) -> Result {
        // SAFETY: By the type invariant the range is ours and both functions were found.
        let set = |write| unsafe {
            if write {
                ffi::symbols::rsbac_mem_symbol_set_memory_rw(addr, pages as c_int)
            } else {
                ffi::symbols::rsbac_mem_symbol_set_memory_ro(addr, pages as c_int)
            }
        };
        if set(write) == 0 {
            return Ok(());
        }
        if set(!write) != 0 {
            pr_err!("the direct map of {pages} pages could not be restored\n");
        }
        Err(Error::NoMemory)
    }

    /// Collects the frames that are mapped from `addr` on, one for each of `frames`.
    pub(super) fn frames(&self, addr: usize, frames: &mut [Frame]) {
        // SAFETY: By the type invariant the range is ours, and our caller says that it is mapped;
        // `frames` is valid for writes of its length.
        unsafe { ffi::vmm::rsbac_mem_vmm_frames(addr, frames.len(), frames.as_mut_ptr()) };
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is ours; the owner has unmapped all pages.
        unsafe { ffi::vmm::free_vm_area(self.area.as_ptr()) };
    }
}

/// Where regions can be.
fn vmalloc_space() -> (usize, usize) {
    let (mut start, mut end) = (0, 0);
    // SAFETY: Both pointers are valid for writes.
    unsafe { ffi::vmm::rsbac_mem_vmm_vmalloc_space(&mut start, &mut end) };
    (start, end)
}

/// The bits of a page table entry.
fn entry(prot: Prot, cache: Cache) -> u64 {
    // SAFETY: Computes a number.
    unsafe { ffi::vmm::rsbac_mem_vmm_prot(prot.write, prot.exec, cache as u32) }
}

/// Addresses of `pages`, counted from `base`.
pub(super) fn addresses(base: usize, pages: &Range<usize>) -> (usize, usize) {
    (base + pages.start * PAGE_SIZE, pages.len())
}
