// SPDX-License-Identifier: GPL-2.0

//! From an address to the slab that it lies in.
//!
//! The first page of a slab names the slab's cache in one of its words. The allocator keeps to
//! itself which, so the module looks once, in a page of a cache of its own.

use super::{
    Cache,
    Reuse, //
};
use crate::ffi;
use kernel::{
    bindings,
    prelude::*, //
};

/// Learns how slabs name their cache, from a cache made for that. May sleep.
///
/// `ENOTSUPP` means that this kernel's slabs do not.
pub(crate) fn learn() -> Result {
    let cache = Cache::new(c"rsbac-probe", 64, 0, Reuse::Immediate)?;
    let objp = cache.alloc(bindings::GFP_KERNEL);
    if objp.is_null() {
        return Err(ENOMEM);
    }
    // SAFETY: The object is one of the cache.
    let learnt = unsafe { ffi::rsbac_mem_helper_learn_cache_word(objp, cache.as_ptr()) };
    // SAFETY: The object was allocated above, and nobody else has it.
    unsafe { cache.free(objp) };
    learnt.then_some(()).ok_or(ENOTSUPP)
}

/// The cache of the slab that `objp` lies in; null for other memory. Does not sleep, and takes any
/// address. Nothing is known about the cache: it is for comparing only. [`learn`] comes first.
#[inline(always)]
pub(crate) fn cache_of(objp: *const c_void) -> *const bindings::kmem_cache {
    // SAFETY: The helper takes any address.
    unsafe { ffi::rsbac_mem_helper_cache_of(objp) }
}

/// Where in its slab an address lies.
pub(crate) struct Position {
    /// Bytes from the start of the slab.
    pub(crate) offset: usize,
    /// Bytes of the whole slab.
    pub(crate) bytes: usize,
}

impl Position {
    /// Finds the place of `objp` in its slab; `None` for KFENCE's objects, which stand alone.
    ///
    /// # Safety
    ///
    /// `objp` lies in a slab.
    pub(crate) unsafe fn of(objp: *const c_void) -> Option<Self> {
        let mut bytes = 0;
        // SAFETY: The caller's promise, and `bytes` is valid for writes.
        let offset = unsafe { ffi::rsbac_mem_helper_slab_offset(objp, &mut bytes) };
        (offset != usize::MAX).then_some(Self { offset, bytes })
    }
}
