// SPDX-License-Identifier: GPL-2.0

//! A slab cache of the kernel, owned: created under its own name, never merged, and destroyed when
//! it is dropped.

mod attrs;
mod page;

pub(crate) use self::{
    attrs::exists,
    page::{
        cache_of,
        learn,
        Position, //
    }, //
};

use crate::ffi;
use core::{
    mem,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// Objects of this size and more are never kept back by the allocator when they are free: a few
/// per CPU and node would soon be a machine's worth of memory.
const LARGE: usize = 16 << 10;

/// The memory of free objects is handed out again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// At once, also to others.
    Immediate,
    /// Within the cache at once, to others after an RCU grace period.
    TypesafeByRcu,
}

/// An owned cache.
///
/// # Invariants
///
/// The pointer is to a live cache that nobody else destroys.
pub(crate) struct Cache(NonNull<bindings::kmem_cache>);

// SAFETY: Caches may be used from any CPU.
unsafe impl Send for Cache {}
// SAFETY: As above; all operations of a cache are synchronised by the allocator.
unsafe impl Sync for Cache {}

impl Cache {
    /// Creates a cache of objects of `size` bytes. May sleep.
    ///
    /// `name` must be unique on the system, which the allocator does not check: see [`exists`].
    pub(crate) fn new(name: &CStr, size: usize, align: usize, reuse: Reuse) -> Result<Self> {
        let size = c_uint::try_from(size)?;
        let mut flags = slab_flag(bindings::_slab_flag_bits__SLAB_NO_MERGE);
        if reuse == Reuse::TypesafeByRcu {
            flags |= slab_flag(bindings::_slab_flag_bits__SLAB_TYPESAFE_BY_RCU);
        }
        if size as usize >= LARGE {
            // Caches that kmemleak must not trace get no per-CPU stock of free objects.
            flags |= slab_flag(bindings::_slab_flag_bits__SLAB_NOLEAKTRACE);
        }
        Self::create(name, size, align, flags)
            .or_else(|_| {
                // With `slab_debug` on the command line, the largest objects and their red zones
                // together are larger than any block of pages.
                let plain = slab_flag(bindings::_slab_flag_bits__SLAB_NO_USER_FLAGS);
                Self::create(name, size, align, flags | plain)
            })
            .inspect(|_| {
                if size as usize >= LARGE {
                    attrs::write(name, c"min_partial", c"0");
                }
            })
    }

    fn create(
        name: &CStr,
        size: c_uint,
        align: usize,
        flags: bindings::slab_flags_t,
    ) -> Result<Self> {
        let mut args = bindings::kmem_cache_args {
            align: c_uint::try_from(align)?,
            // All of it: callers copy to and from user space, as they do with kmalloc's memory.
            useroffset: 0,
            usersize: size,
            // SAFETY: A plain C struct, for which all zeroes are valid, and the default.
            ..unsafe { mem::zeroed() }
        };
        // SAFETY: `name` is a C string, which the allocator copies, and `args` is initialised.
        let cache = unsafe {
            bindings::__kmem_cache_create_args(name.as_char_ptr(), size, &mut args, flags)
        };
        // INVARIANT: The cache is new, so nobody else knows it.
        NonNull::new(cache).map(Self).ok_or(ENOMEM)
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::kmem_cache {
        self.0.as_ptr()
    }

    /// Allocates an object; null where there is no memory. May sleep if `gfp` allows it.
    #[inline(always)]
    pub(crate) fn alloc(&self, gfp: bindings::gfp_t) -> *mut c_void {
        // SAFETY: The cache is live by the type invariant.
        unsafe { ffi::kmem_cache_alloc_noprof(self.as_ptr(), gfp) }
    }

    /// Frees an object.
    ///
    /// # Safety
    ///
    /// `objp` came from [`Self::alloc`] of this cache, and is not used any more.
    #[inline(always)]
    pub(crate) unsafe fn free(&self, objp: *mut c_void) {
        // SAFETY: The cache is live by the type invariant; the rest is the caller's promise.
        unsafe { ffi::kmem_cache_free(self.as_ptr(), objp) };
    }

    /// Bytes from an object of this cache, whose name is `name`, to the next in a slab.
    pub(crate) fn stride(&self, name: &CStr) -> Option<usize> {
        usize::try_from(attrs::read(name, c"slab_size")?).ok()
    }

    /// The order of pages that a slab of this cache, whose name is `name`, is made of.
    pub(crate) fn order(&self, name: &CStr) -> Option<u64> {
        attrs::read(name, c"order")
    }

    /// Gives the cache to the kernel for good: objects of it are still in use.
    pub(crate) fn leak(self) {
        mem::forget(self);
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // SAFETY: The cache is live and ours by the type invariant.
        unsafe { ffi::kmem_cache_destroy(self.as_ptr()) };
    }
}

/// The flag of one of the allocator's bit numbers.
const fn slab_flag(bit: bindings::_slab_flag_bits) -> bindings::slab_flags_t {
    1 << bit
}
