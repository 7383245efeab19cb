// SPDX-License-Identifier: GPL-2.0

//! RSBAC's memory calls: slabs apart from the kernel's own, and kmalloc or vmalloc by size.
//!
//! The calls of `include/rsbac/rkmem.h` are served here. Every object lives in a [`slab::Slab`],
//! which counts it: one for each size class ([`classes`]) and one for each slab that a caller
//! created. On a free, the page that the object lies in names its cache, and [`table`] leads from
//! there to the `Slab`, so that wrong calls are recognised and left without effect ([`errors`]).
//!
//! The calls that may be made with locks held decide by the context whether to sleep, see
//! [`Sleep::IfPossible`].
//!
//! Lock order: `SLABS` is the only lock; the kernel's own locks of caches and sysfs nest in it.

mod classes;
mod errors;
mod figures;
mod registry;
mod sites;
mod slab;
mod table;
mod vmalloc;

use self::{
    errors::Wrong,
    slab::Slab, //
};
use crate::{
    caller::Hashed,
    features,
    ffi,
    slab::{
        Reuse,
        SlabPage, //
    },
    sysfs::Root, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// How a call may wait for memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// As the context allows: like `GFP_KERNEL` where the kernel can tell that sleeping is
    /// allowed, like `GFP_ATOMIC` where it is not, or where the kernel cannot tell because it does
    /// not count how often preemption was turned off.
    IfPossible,
    /// The caller promises that it may sleep.
    Always,
}

impl Sleep {
    /// The flags for an allocation now; `None` where nothing may be allocated at all.
    #[inline(always)]
    fn gfp(self) -> Option<bindings::gfp_t> {
        match self {
            // SAFETY: Any context may ask.
            Self::IfPossible => match unsafe { ffi::rsbac_mem_helper_context_gfp() } {
                0 => None,
                gfp => Some(gfp),
            },
            Self::Always => Some(bindings::GFP_KERNEL),
        }
    }
}

/// What new memory holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    Anything,
    Zero,
}

impl Fill {
    #[inline(always)]
    fn gfp(self) -> bindings::gfp_t {
        match self {
            Self::Anything => 0,
            Self::Zero => bindings::__GFP_ZERO,
        }
    }
}

/// Allocates `size` bytes from the size classes; null where that cannot be.
#[inline(always)]
pub(crate) fn kmalloc(size: usize, sleep: Sleep, fill: Fill) -> *mut c_void {
    match (classes::find(size), sleep.gfp()) {
        (Some(slab), Some(gfp)) => slab.alloc(gfp | fill.gfp()),
        _ => core::ptr::null_mut(),
    }
}

/// Where memory of ours comes from.
enum Origin<'a> {
    Slab(&'a Slab, SlabPage),
    Vmalloc(vmalloc::Known),
}

impl Origin<'_> {
    /// Finds out whose memory `objp` is; `None` if not ours.
    #[inline(always)]
    fn of(objp: *const c_void) -> Option<Self> {
        if let Some(page) = SlabPage::of(objp) {
            return Some(Self::Slab(table::find(page.cache)?, page));
        }
        vmalloc::find(objp).map(Self::Vmalloc)
    }
}

/// Frees memory of [`kmalloc`] or of a slab that a caller created. Does not sleep.
#[inline(always)]
pub(crate) fn kfree(call: &str, objp: *const c_void) {
    if objp.is_null() {
        return;
    }
    match Origin::of(objp) {
        Some(Origin::Slab(slab, page)) => free_object(call, slab, page, objp),
        Some(Origin::Vmalloc(known)) => {
            Wrong::Flag.report(fmt!(
                "{call}: {} is from vmalloc; freed that way",
                Hashed(objp)
            ));
            vmalloc::free(known, objp);
        }
        None => not_ours(call, objp),
    }
}

/// Allocates `size` bytes, with vmalloc where the size classes do not serve. Returns the memory
/// and whether it is from vmalloc.
pub(crate) fn vkmalloc(size: usize) -> (*mut c_void, bool) {
    let Some(gfp) = Sleep::IfPossible.gfp() else {
        return (core::ptr::null_mut(), false);
    };
    let may_sleep = gfp == bindings::GFP_KERNEL;
    if let Some(slab) = classes::find(size) {
        let gfp = if may_sleep {
            slab.gfp_with_fallback(gfp)
        } else {
            gfp
        };
        let objp = slab.alloc(gfp);
        if !objp.is_null() {
            return (objp, false);
        }
    }
    if size == 0 || !may_sleep {
        return (core::ptr::null_mut(), false);
    }
    let addr = vmalloc::alloc(size);
    (addr, !addr.is_null())
}

/// Frees memory of [`vkmalloc`] the way that it was allocated, whatever `vmalloc_used` says.
pub(crate) fn vkfree(call: &str, objp: *const c_void, vmalloc_used: bool) {
    if objp.is_null() {
        return;
    }
    let Some(origin) = Origin::of(objp) else {
        return not_ours(call, objp);
    };
    if matches!(origin, Origin::Vmalloc(_)) != vmalloc_used {
        Wrong::Flag.report(fmt!(
            "{call}: vmalloc_used is {vmalloc_used}, which is wrong for {}; freed the right way",
            Hashed(objp)
        ));
    }
    match origin {
        Origin::Slab(slab, page) => free_object(call, slab, page, objp),
        Origin::Vmalloc(known) => vmalloc::free(known, objp),
    }
}

/// Creates a slab for a caller. May sleep.
pub(crate) fn slab_create(name: &CStr, size: usize, reuse: Reuse) -> *mut bindings::kmem_cache {
    match registry::create(name, size, reuse) {
        Ok(cache) => cache,
        Err(why) => {
            pr_warn!("no slab {:?} of {} bytes: {}\n", name, size, why);
            core::ptr::null_mut()
        }
    }
}

/// Destroys a slab of [`slab_create`] unless it has objects. May sleep.
pub(crate) fn slab_destroy(call: &str, cache: *mut bindings::kmem_cache) {
    if !cache.is_null() {
        registry::destroy(call, cache);
    }
}

/// Allocates an object of a slab of [`slab_create`].
#[inline(always)]
pub(crate) fn smalloc(
    call: &str,
    cache: *mut bindings::kmem_cache,
    sleep: Sleep,
    fill: Fill,
) -> *mut c_void {
    let Some(slab) = table::find(cache) else {
        Wrong::Slab.report(fmt!("{call}: {} is no slab of ours", Hashed(cache.cast())));
        return core::ptr::null_mut();
    };
    match sleep.gfp() {
        Some(gfp) => slab.alloc(gfp | fill.gfp()),
        None => core::ptr::null_mut(),
    }
}

/// Frees an object of the slab `cache`. Does not sleep.
#[inline(always)]
pub(crate) fn sfree(call: &str, cache: *mut bindings::kmem_cache, objp: *const c_void) {
    if cache.is_null() {
        return kfree(call, objp);
    }
    if objp.is_null() {
        return;
    }
    let Some(slab) = table::find(cache) else {
        return Wrong::Slab.report(fmt!("{call}: {} is no slab of ours", Hashed(cache.cast())));
    };
    match SlabPage::of(objp) {
        Some(page) if page.cache == cache.cast_const() => free_object(call, slab, page, objp),
        _ => Wrong::Slab.report(fmt!(
            "{call}: {} is not from slab {}, left alone",
            Hashed(objp),
            slab.name()
        )),
    }
}

/// Frees an object of `slab`, in whose page it lies, if it is one.
#[inline(always)]
fn free_object(call: &str, slab: &Slab, page: SlabPage, objp: *const c_void) {
    match slab.check(objp, page) {
        // SAFETY: The address is the start of an object of the slab that is in use as far as can
        // be told; that nobody uses it any more is what the caller says with the call.
        Ok(()) => unsafe { slab.free(objp.cast_mut()) },
        Err(wrong) => wrong.report(fmt!(
            "{call}: {} {} of slab {}, left alone",
            Hashed(objp),
            wrong.words(),
            slab.name()
        )),
    }
}

#[cold]
fn not_ours(call: &str, objp: *const c_void) {
    Wrong::Free.report(fmt!(
        "{call}: {} is not memory of ours, left alone",
        Hashed(objp)
    ));
}

/// The running discipline; dropping it reports what was left allocated.
pub(crate) struct Rkmem {
    _errors: errors::Errors,
}

impl Rkmem {
    /// Starts the discipline. With `track` each object's allocation site is remembered.
    ///
    /// Returns `None` where this kernel does not allow it.
    pub(crate) fn new(root: &Root, track: bool) -> Result<Option<Self>> {
        let errors = errors::Errors::new(root)?;
        registry::start(root, track)?;
        // Undoes what `registry::start` did if there is no more to come.
        let this = Self { _errors: errors };
        match registry::fill() {
            Ok(()) => features::RKMEM.found(),
            Err(err) if err == ENOTSUPP => {
                features::RKMEM.missing("this kernel's slab pages do not name their cache");
                return Ok(None);
            }
            Err(err) => return Err(err),
        }
        Ok(Some(this))
    }
}

impl Drop for Rkmem {
    fn drop(&mut self) {
        registry::stop();
    }
}
