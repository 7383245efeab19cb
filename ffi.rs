// SPDX-License-Identifier: GPL-2.0

//! Foreign functions: those of `helpers.c`, and what the kernel's bindings leave out.
//!
//! This is the only `extern` block of the module. The C side says what each does.

pub(crate) mod kmem_cgroup;
pub(crate) mod pagetable;
pub(crate) mod pmalloc;
pub(crate) mod symbols;
pub(crate) mod vmm;

use kernel::{
    bindings,
    prelude::*, //
};

pub(crate) use kernel::bindings::{
    kmem_cache_alloc_noprof,
    kmem_cache_destroy,
    kmem_cache_free, //
};

/// `__GFP_NORETRY`, which the bindings know by its bit only.
pub(crate) const GFP_NORETRY: bindings::gfp_t = 1 << bindings::___GFP_NORETRY_BIT;

// Locks without lockdep have fields without a size, which the lint takes for unsafe; they only ever
// stand behind pointers here. Not an `expect`: kernels with lockdep have nothing to warn of.
#[allow(improper_ctypes)]
extern "C" {
    pub(crate) fn rsbac_mem_helper_version() -> *const c_char;
    pub(crate) fn rsbac_mem_helper_is_ours(addr: c_ulong) -> bool;
    pub(crate) fn rsbac_mem_helper_context_gfp() -> bindings::gfp_t;

    pub(crate) fn rsbac_mem_helper_direct_map() -> usize;
    pub(crate) fn rsbac_mem_helper_alloc_percpu(size: usize, align: usize) -> *mut c_void;
    // Where counters.rs has no instruction of its own for it.
    #[cfg(not(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML))))]
    pub(crate) fn rsbac_mem_helper_count(counter: *mut u64) -> u64;
    pub(crate) fn rsbac_mem_helper_sum(counter: *mut u64) -> u64;

    pub(crate) fn rsbac_mem_helper_learn_cache_word(
        objp: *const c_void,
        cache: *const bindings::kmem_cache,
    ) -> bool;
    pub(crate) fn rsbac_mem_helper_cache_of(objp: *const c_void) -> *mut bindings::kmem_cache;
    pub(crate) fn rsbac_mem_helper_slab_offset(objp: *const c_void, bytes: *mut usize) -> usize;
    pub(crate) fn rsbac_mem_helper_peek(objp: *const c_void) -> u64;
    pub(crate) fn rsbac_mem_helper_is_vmalloc_addr(addr: *const c_void) -> bool;

    pub(crate) fn rsbac_mem_helper_find_attr(
        kobj: *mut bindings::kobject,
        name: *const c_char,
    ) -> *mut bindings::attribute;

    pub(crate) fn rsbac_mem_helper_xa_init(xa: *mut bindings::xarray);
    pub(crate) fn rsbac_mem_helper_xa_store(
        xa: *mut bindings::xarray,
        index: c_ulong,
        value: c_ulong,
        gfp: bindings::gfp_t,
    ) -> c_int;
    pub(crate) fn rsbac_mem_helper_xa_erase(
        xa: *mut bindings::xarray,
        index: c_ulong,
        value: *mut c_ulong,
    ) -> bool;

    pub(crate) fn __vmalloc_noprof(size: c_ulong, gfp: bindings::gfp_t) -> *mut c_void;
    pub(crate) fn kvfree_atomic(addr: *const c_void);
}

/// A random number, for what nobody should guess.
pub(crate) fn random() -> u64 {
    let mut word = [0u8; 8];
    // SAFETY: `word` is valid for writes of its length.
    unsafe { bindings::get_random_bytes(word.as_mut_ptr().cast(), word.len()) };
    u64::from_ne_bytes(word)
}
