// SPDX-License-Identifier: GPL-2.0

//! A slab with its figures, and the checks that a free must pass.

use super::{
    errors::Wrong,
    geometry::Geometry,
    sites::Sites, //
};
use crate::{
    counters::Counters,
    ffi,
    slab::{
        Cache,
        Reuse, //
    }, //
};
use core::mem::ManuallyDrop;
use kernel::{
    bindings,
    page::PAGE_SIZE,
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
    geometry: Geometry,
    /// What the first word of a free object holds, see [`Slab::mark`]; 0 for objects that must not
    /// be marked.
    cookie: u64,
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
        // The cache comes last: it is not given back where a later step fails.
        let counters = Counters::new()?;
        let sites = track.then(Sites::new).transpose()?;
        let cache = Cache::new(&name, size, align, reuse)?;
        // Readers under RCU may look at free objects, which must therefore stay as they are; and
        // objects of less than a word have no room.
        let markable = reuse == Reuse::Immediate && size >= size_of::<u64>();
        Ok(Self {
            geometry: Geometry::of(&cache, &name, align),
            cache: ManuallyDrop::new(cache),
            counters,
            sites,
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
        if self.object_size > PAGE_SIZE {
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

    /// Whether `objp` is an object that may be freed.
    ///
    /// # Safety
    ///
    /// `objp` lies in a slab page of the cache of this slab.
    #[inline(always)]
    pub(super) unsafe fn check(&self, objp: *const c_void) -> Result<(), Wrong> {
        // SAFETY: The caller's promise.
        if !unsafe { self.geometry.is_start(objp) } {
            return Err(Wrong::Free);
        }
        // SAFETY: The object is of a word at least if it is marked.
        if self.cookie != 0 && unsafe { peek(objp) } == self.mark(objp) {
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

/// The first word of an object that may be free.
///
/// # Safety
///
/// `objp` lies in a slab, and is aligned to a word.
#[inline(always)]
unsafe fn peek(objp: *const c_void) -> u64 {
    if cfg!(CONFIG_KASAN) {
        // SAFETY: The caller's promise. KASAN does not look into this helper.
        unsafe { ffi::rsbac_mem_helper_peek(objp) }
    } else {
        // SAFETY: Pages of slabs are mapped, and the address is aligned.
        unsafe { objp.cast::<u64>().read_volatile() }
    }
}
