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
mod geometry;
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
        cache_of,
        Reuse, //
    },
    sysfs::Root, //
};
use kernel::{
    bindings,
    fmt,
    prelude::*, //
};

/// The name of the call that is being served, for messages. A pointer to it fits a register.
#[derive(Clone, Copy)]
pub(crate) struct Call(pub(crate) &'static &'static str);

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

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

/// The slab of ours that `objp`, any address, lies in.
#[inline(always)]
fn slab_of(objp: *const c_void) -> Option<&'static Slab> {
    let cache = cache_of(objp);
    if cache.is_null() {
        return None;
    }
    table::find(cache)
}

/// Frees memory of [`kmalloc`] or of a slab that a caller created. Does not sleep.
#[inline(always)]
pub(crate) fn kfree(call: Call, objp: *const c_void) {
    if objp.is_null() {
        return;
    }
    match slab_of(objp) {
        // SAFETY: The object lies in the slab.
        Some(slab) => unsafe { free_object(call, slab, objp) },
        None => free_outside(call, objp, None),
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
pub(crate) fn vkfree(call: Call, objp: *const c_void, vmalloc_used: bool) {
    if objp.is_null() {
        return;
    }
    match slab_of(objp) {
        Some(slab) => {
            if vmalloc_used {
                wrong_flag(call, objp, "a slab");
            }
            // SAFETY: The object lies in the slab.
            unsafe { free_object(call, slab, objp) }
        }
        None => free_outside(call, objp, Some(vmalloc_used)),
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
pub(crate) fn slab_destroy(call: Call, cache: *mut bindings::kmem_cache) {
    if !cache.is_null() {
        registry::destroy(call, cache);
    }
}

/// Allocates an object of a slab of [`slab_create`].
#[inline(always)]
pub(crate) fn smalloc(
    call: Call,
    cache: *mut bindings::kmem_cache,
    sleep: Sleep,
    fill: Fill,
) -> *mut c_void {
    let Some(slab) = table::find(cache) else {
        no_slab(call, cache);
        return core::ptr::null_mut();
    };
    match sleep.gfp() {
        Some(gfp) => slab.alloc(gfp | fill.gfp()),
        None => core::ptr::null_mut(),
    }
}

/// Frees an object of the slab `cache`. Does not sleep.
#[inline(always)]
pub(crate) fn sfree(call: Call, cache: *mut bindings::kmem_cache, objp: *const c_void) {
    if cache.is_null() {
        return kfree(call, objp);
    }
    if objp.is_null() {
        return;
    }
    let Some(slab) = table::find(cache) else {
        return no_slab(call, cache);
    };
    if cache_of(objp) == cache.cast_const() {
        // SAFETY: The object lies in the slab.
        unsafe { free_object(call, slab, objp) };
    } else {
        wrong_slab(call, objp, slab);
    }
}

/// Frees `objp` if it is an object of `slab`.
///
/// # Safety
///
/// `objp` lies in a slab page of the cache of `slab`.
#[inline(always)]
unsafe fn free_object(call: Call, slab: &Slab, objp: *const c_void) {
    // SAFETY: The caller's promise.
    match unsafe { slab.check(objp) } {
        // SAFETY: The address is the start of an object of the slab that is in use as far as can
        // be told; that nobody uses it any more is what the caller says with the call.
        Ok(()) => unsafe { slab.free(objp.cast_mut()) },
        Err(wrong) => refused(call, objp, slab, wrong),
    }
}

/// Frees memory that is not in a slab of ours: from vmalloc, or not ours at all. `vmalloc_used` is
/// what the caller says, if anything.
#[inline(never)]
fn free_outside(call: Call, objp: *const c_void, vmalloc_used: Option<bool>) {
    match vmalloc::find(objp) {
        Some(known) => {
            if vmalloc_used != Some(true) {
                wrong_flag(call, objp, "vmalloc");
            }
            vmalloc::free(known, objp);
        }
        None => Wrong::Free.report(fmt!(
            "{call}: {} is not memory of ours, left alone",
            Hashed(objp)
        )),
    }
}

#[cold]
#[inline(never)]
fn wrong_flag(call: Call, objp: *const c_void, origin: &str) {
    Wrong::Flag.report(fmt!(
        "{call}: {} is from {origin}, freed that way in spite of what the caller says",
        Hashed(objp)
    ));
}

#[cold]
#[inline(never)]
fn wrong_slab(call: Call, objp: *const c_void, slab: &Slab) {
    Wrong::Slab.report(fmt!(
        "{call}: {} is not from slab {}, left alone",
        Hashed(objp),
        slab.name()
    ));
}

#[cold]
#[inline(never)]
fn no_slab(call: Call, cache: *const bindings::kmem_cache) {
    Wrong::Slab.report(fmt!(
        "{call}: {} is no slab of ours, left alone",
        Hashed(cache.cast())
    ));
}

#[cold]
#[inline(never)]
fn refused(call: Call, objp: *const c_void, slab: &Slab, wrong: Wrong) {
    wrong.report(fmt!(
        "{call}: {} {} of slab {}, left alone",
        Hashed(objp),
        wrong.words(),
        slab.name()
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
