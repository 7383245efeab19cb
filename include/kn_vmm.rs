// SPDX-License-Identifier: GPL-2.0

//! Safe Rust on top of the regions of `rsbac_mem.ko`; `<coresrv/vmm/vmm_api.h>` has the contract.
//!
//! This file is all there is to it. A module takes it in as one of its own `mod`s:
//!
//! ```ignore
//! #[path = "../../include/kn_vmm.rs"]
//! mod kn_vmm;
//!
//! let region = kn_vmm::Region::reserve(1 << 30, kn_vmm::Guards::BOTH)?;
//! let mut head = region.commit(0, 16 * PAGE_SIZE)?; // Committed: a `&mut [u8]`
//! head[0] = 1;
//! let head = head.protect()?; // Protected: a `&[u8]` that nobody can write
//! assert!(head[0] == 1);
//! drop(head); // gives the memory back, keeps the range
//! drop(region); // gives the range back
//! # Ok::<(), kernel::error::Error>(())
//! ```
//!
//! All of it may sleep.

// A module need not use all of it.
#![allow(dead_code)]

use core::{
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::{
        self,
        NonNull, //
    },
    slice, //
};
use kernel::{
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*, //
};

// As in <coresrv/vmm/vmm_api.h>.
extern "C" {
    fn KnVmTryAllocate(
        addr: *mut c_void,
        size: usize,
        flags: c_int,
        base: *mut *mut c_void,
    ) -> c_int;
    fn KnVmCommit(addr: *mut c_void, size: usize, flags: c_int) -> c_int;
    fn KnVmDecommit(addr: *mut c_void, size: usize) -> c_int;
    fn KnVmProtect(addr: *mut c_void, size: usize, new_flags: c_int) -> c_int;
    fn KnVmUnmap(addr: *mut c_void, size: usize) -> c_int;
}

// As in <vmm/flags.h>.
const RESERVE: c_int = 0x1;
const LOCKED: c_int = 0x4;
const READ: c_int = 0x100;
const WRITE: c_int = 0x200;

/// The error for a code of `<rtl/retcode.h>`.
fn check(code: c_int) -> Result {
    match code {
        0 => Ok(()),
        -4..=-1 => Err(EINVAL),
        -5 | -14 => Err(EPERM),
        -9 => Err(EBUSY),
        -10 | -11 => Err(ENOMEM),
        -12 => Err(ENOTSUPP),
        _ => Err(ENXIO),
    }
}

/// Guard pages of a region.
#[derive(Clone, Copy)]
pub(crate) struct Guards(c_int);

impl Guards {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const LOW: Self = Self(0x10);
    pub(crate) const HIGH: Self = Self(0x20);
    pub(crate) const BOTH: Self = Self(0x30);
}

/// A range of addresses, given back on drop.
///
/// # Invariants
///
/// `base` is a region of `size` bytes that is ours alone.
pub(crate) struct Region {
    base: NonNull<u8>,
    size: usize,
}

// SAFETY: A region belongs to no task.
unsafe impl Send for Region {}
// SAFETY: The calls may be made from several tasks at a time.
unsafe impl Sync for Region {}

impl Region {
    /// Reserves `size` bytes, a multiple of the page size, to be read and written.
    pub(crate) fn reserve(size: usize, guards: Guards) -> Result<Self> {
        let mut base = ptr::null_mut();
        let flags = RESERVE | READ | WRITE | guards.0;
        // SAFETY: `base` is valid for a write.
        check(unsafe { KnVmTryAllocate(ptr::null_mut(), size, flags, &mut base) })?;
        let base = NonNull::new(base.cast()).ok_or(ENOMEM)?;
        // INVARIANT: Just made, and not known to anybody else.
        Ok(Self { base, size })
    }

    /// In bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Gives pages memory, zeroed. Fails where any of them has some, so that what is returned is the
    /// only way to it.
    pub(crate) fn commit(&self, offset: usize, size: usize) -> Result<Committed<'_>> {
        if offset.checked_add(size).is_none_or(|end| end > self.size) {
            return Err(EINVAL);
        }
        // SAFETY: The range is inside the region.
        let start = unsafe { self.base.add(offset) };
        // SAFETY: Any range may be asked for; the call checks it.
        check(unsafe { KnVmCommit(start.as_ptr().cast(), size, LOCKED) })?;
        // INVARIANT: Just committed, with the region's rights.
        Ok(Committed(Piece {
            _region: self,
            start,
            size,
        }))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; pieces borrow the region, so that none is left.
        unsafe { KnVmUnmap(self.base.as_ptr().cast(), self.size) };
    }
}

/// Committed pages; given back on drop.
///
/// # Invariants
///
/// The pages are committed, and readable, and this is the only one for them.
struct Piece<'a> {
    _region: &'a Region,
    start: NonNull<u8>,
    size: usize,
}

impl Piece<'_> {
    fn set(&self, flags: c_int) -> Result {
        // SAFETY: By the type invariant the pages are ours.
        check(unsafe { KnVmProtect(self.start.as_ptr().cast(), self.size, flags) })
    }
}

impl Deref for Piece<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: By the type invariant.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.size) }
    }
}

impl Drop for Piece<'_> {
    fn drop(&mut self) {
        // Whoever commits them next will want to write. Cannot fail for pages that are writable.
        let _ = self.set(READ | WRITE);
        // SAFETY: By the type invariant nobody else uses the pages.
        unsafe { KnVmDecommit(self.start.as_ptr().cast(), self.size) };
    }
}

/// Memory of a region.
///
/// # Invariants
///
/// The pages may be written.
pub(crate) struct Committed<'a>(Piece<'a>);

impl<'a> Committed<'a> {
    /// Takes the right to write away, in all views and on all CPUs.
    pub(crate) fn protect(self) -> Result<Protected<'a>> {
        self.0.set(READ)?;
        Ok(Protected(self.0))
    }
}

impl Deref for Committed<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Committed<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: By the type invariants, and nobody else has the pages.
        unsafe { slice::from_raw_parts_mut(self.0.start.as_ptr(), self.0.size) }
    }
}

/// Memory of a region that nobody can write.
pub(crate) struct Protected<'a>(Piece<'a>);

impl<'a> Protected<'a> {
    /// Gives the right to write back.
    pub(crate) fn unprotect(self) -> Result<Committed<'a>> {
        self.0.set(READ | WRITE)?;
        // INVARIANT: Just made writable.
        Ok(Committed(self.0))
    }
}

impl Deref for Protected<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
