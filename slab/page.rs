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
use core::ptr;
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// Words of a page's descriptor.
const WORDS: usize = size_of::<bindings::page>() / size_of::<usize>();

/// The word that names the cache; `WORDS` until [`learn`] has found it.
static CACHE_WORD: Atomic<usize> = Atomic::new(WORDS);

/// Where an address lies.
#[derive(Clone, Copy)]
pub(crate) struct SlabPage {
    /// The cache, only to be compared: who knows whether it is ours.
    pub(crate) cache: *const bindings::kmem_cache,
    /// Bytes from the start of the slab; `None` for KFENCE's objects, which stand alone.
    pub(crate) offset: Option<usize>,
    /// Bytes that the whole slab takes.
    pub(crate) bytes: usize,
}

impl SlabPage {
    /// Finds the slab that `objp` lies in, if any. Does not sleep, and takes any address.
    #[inline(always)]
    pub(crate) fn of(objp: *const c_void) -> Option<Self> {
        let mut base = ptr::null();
        let mut bytes = 0;
        // SAFETY: The helper takes any address, and the others are valid for writes.
        let page = unsafe { ffi::rsbac_mem_helper_slab_page(objp, &mut base, &mut bytes) };
        let word = CACHE_WORD.load(Relaxed);
        if page.is_null() || word >= WORDS {
            return None;
        }
        // SAFETY: `page` is the descriptor of a page that is in use, and has `WORDS` words.
        let cache = unsafe { page.cast::<usize>().add(word).read_volatile() };
        Some(Self {
            cache: ptr::without_provenance(cache),
            offset: (!base.is_null()).then(|| objp as usize - base as usize),
            bytes,
        })
    }
}

/// Learns how to find caches, from an object of a cache made for that. May sleep.
///
/// `ENOTSUPP` means that this kernel's pages do not tell.
pub(crate) fn learn() -> Result {
    let cache = Cache::new(c"rsbac-probe", 64, 0, Reuse::Immediate)?;
    let objp = cache.alloc(bindings::GFP_KERNEL);
    if objp.is_null() {
        return Err(ENOMEM);
    }
    let (mut base, mut bytes) = (ptr::null(), 0);
    // SAFETY: The helper takes any address, and the others are valid for writes.
    let page = unsafe { ffi::rsbac_mem_helper_slab_page(objp, &mut base, &mut bytes) };
    let page = page.cast::<usize>();
    // SAFETY: `page` is the descriptor of a page that is in use, and has `WORDS` words.
    let names_cache =
        |&word: &usize| unsafe { page.add(word).read_volatile() } == cache.as_ptr() as usize;
    let word = (0..WORDS).find(|word| !page.is_null() && names_cache(word));
    // SAFETY: The object was allocated above, and nobody else has it.
    unsafe { cache.free(objp) };
    CACHE_WORD.store(word.ok_or(ENOTSUPP)?, Relaxed);
    Ok(())
}
