// SPDX-License-Identifier: GPL-2.0

//! A slab with its figures, and the checks that a free must pass.

use super::{
    errors::Wrong,
    sites::Sites, //
};
use crate::{
    counters::Counters,
    ffi,
    slab::{
        Cache,
        Reuse,
        SlabPage, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    num::NonZeroU32, //
};
use kernel::{
    bindings,
    prelude::*,
    str::CString, //
};

/// A slab of ours: one of the size classes, or one that a caller created.
pub(crate) struct Slab {
    cache: ManuallyDrop<Cache>,
    pub(super) counters: Counters,
    pub(super) sites: Option<Sites>,
    name: CString,
    pub(super) object_size: usize,
    geometry: Option<Geometry>,
    /// What the first word of a free object holds, see [`Slab::mark`]; 0 for objects that must not
    /// be marked.
    cookie: u64,
}

/// Where the objects of a slab begin.
#[derive(Clone, Copy)]
struct Geometry {
    /// Bytes from one object to the next.
    stride: NonZeroU32,
    /// Bytes before the first object.
    first: u32,
}

impl Slab {
    /// Creates a slab; the name is not in use. May sleep.
    pub(super) fn new(
        name: CString,
        size: usize,
        align: usize,
        reuse: Reuse,
        track: bool,
    ) -> Result<Self> {
        let cache = Cache::new(&name, size, align, reuse)?;
        // Readers under RCU may look at free objects, which must therefore stay as they are; and
        // objects of less than a word have no room.
        let markable = reuse == Reuse::Immediate && size >= size_of::<u64>();
        Ok(Self {
            geometry: Geometry::of(&cache, &name),
            cache: ManuallyDrop::new(cache),
            counters: Counters::new()?,
            sites: track.then(Sites::new).transpose()?,
            name,
            object_size: size,
            cookie: if markable { ffi::random() | 1 } else { 0 },
        })
    }

    pub(super) fn name(&self) -> &CStr {
        &self.name
    }

    pub(super) fn cache(&self) -> *mut bindings::kmem_cache {
        self.cache.as_ptr()
    }

    /// Flags for an allocation that has another way to go: large objects are not worth waiting
    /// and reclaiming for, and their failure is no news.
    pub(super) fn gfp_with_fallback(&self, gfp: bindings::gfp_t) -> bindings::gfp_t {
        if self.object_size > kernel::page::PAGE_SIZE {
            gfp | bindings::__GFP_NOWARN | ffi::GFP_NORETRY
        } else {
            gfp
        }
    }

    /// Allocates an object; null where there is no memory.
    #[inline(always)]
    pub(super) fn alloc(&self, gfp: bindings::gfp_t) -> *mut c_void {
        let objp = self.cache.alloc(gfp);
        if objp.is_null() {
            self.counters.fail();
            return objp;
        }
        if self.cookie != 0 {
            // SAFETY: The object is new, of a word at least, and aligned to a word.
            unsafe { objp.cast::<u64>().write(0) };
        }
        self.counters.alloc();
        if let Some(sites) = &self.sites {
            sites.add(objp);
        }
        objp
    }

    /// Whether `objp`, which lies in `page` of this slab, is an object that may be freed.
    #[inline(always)]
    pub(super) fn check(&self, objp: *const c_void, page: SlabPage) -> Result<(), Wrong> {
        // KFENCE checks its own objects.
        let Some(offset) = page.offset else {
            return Ok(());
        };
        if self
            .geometry
            .is_some_and(|geometry| !geometry.is_start(offset, page.bytes))
        {
            return Err(Wrong::Free);
        }
        // SAFETY: The object lies in a page of the slab, and is of a word at least if it is marked.
        if self.cookie != 0 && unsafe { ffi::rsbac_mem_helper_peek(objp) } == self.mark(objp) {
            return Err(Wrong::Double);
        }
        Ok(())
    }

    /// Frees an object.
    ///
    /// # Safety
    ///
    /// `objp` is an object of this slab that is allocated, and not used any more.
    #[inline(always)]
    pub(super) unsafe fn free(&self, objp: *mut c_void) {
        if let Some(sites) = &self.sites {
            sites.remove(objp);
        }
        if self.cookie != 0 {
            // SAFETY: The object is still ours, of a word at least, and aligned to a word.
            unsafe { objp.cast::<u64>().write(self.mark(objp)) };
        }
        // Counted first: as soon as it is free, someone may count it as allocated again.
        self.counters.free();
        // SAFETY: The caller's promise.
        unsafe { self.cache.free(objp) };
    }

    /// The word by which a free object is known, until the allocator needs the space for itself or
    /// hands the object out again. Live data has it by chance once in 2^64 times.
    #[inline(always)]
    fn mark(&self, objp: *const c_void) -> u64 {
        self.cookie ^ objp as u64
    }

    /// Says in the log where living objects were allocated, if that was tracked.
    pub(super) fn report_sites(&self) {
        if let Some(sites) = &self.sites {
            sites.report(&self.name);
        }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: The field is not used any more.
        let cache = unsafe { ManuallyDrop::take(&mut self.cache) };
        match self.counters.objects() {
            0 => drop(cache),
            objects => {
                self.report_sites();
                pr_warn!(
                    "slab {}: leaked {} objects, {} bytes\n",
                    &*self.name,
                    objects,
                    objects.saturating_mul(self.object_size as u64)
                );
                cache.leak();
            }
        }
    }
}

impl Geometry {
    /// Measures a new cache, whose name is `name`; `None` where that cannot be done.
    fn of(cache: &Cache, name: &CStr) -> Option<Self> {
        let stride = u32::try_from(cache.stride(name)?)
            .ok()
            .and_then(NonZeroU32::new)?;
        // An object or two may come from KFENCE, which says nothing about the slab.
        (0..8).find_map(|_| {
            let objp =
                cache.alloc(bindings::GFP_KERNEL | bindings::__GFP_NOWARN | ffi::GFP_NORETRY);
            if objp.is_null() {
                return None;
            }
            let offset = SlabPage::of(objp).and_then(|page| page.offset);
            // SAFETY: The object was allocated above, and nobody else has it.
            unsafe { cache.free(objp) };
            Some(Self {
                stride,
                first: u32::try_from(offset?).ok()? % stride,
            })
        })
    }

    /// Whether an object starts `offset` bytes into a slab of `bytes`.
    #[inline(always)]
    fn is_start(self, offset: usize, bytes: usize) -> bool {
        // Slabs are at most `KMALLOC_MAX_SIZE` long; 32-bit division is the fast one.
        let Some(offset) = (offset as u32).checked_sub(self.first) else {
            return false;
        };
        offset % self.stride == 0 && offset as usize + self.stride.get() as usize <= bytes
    }
}
