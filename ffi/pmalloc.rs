// SPDX-License-Identifier: GPL-2.0

//! The functions of `pmalloc_window.c`, and what the bindings leave out for pmalloc.

#![allow(
    improper_ctypes,
    reason = "lockdep's structs are empty where it is off"
)]

use crate::pmalloc::Window;
use kernel::{
    bindings,
    prelude::*, //
};

extern "C" {
    pub(crate) fn rsbac_mem_window_create(window: *mut Window) -> c_int;
    pub(crate) fn rsbac_mem_window_destroy(window: *mut Window);
    pub(crate) fn rsbac_mem_arena_reserve(pages: c_ulong) -> *mut c_void;
    pub(crate) fn rsbac_mem_alloc_frames(order: c_uint) -> c_ulong;
    pub(crate) fn vunmap(addr: *const c_void);

    pub(crate) fn rsbac_mem_irq_save() -> c_ulong;
    pub(crate) fn rsbac_mem_irq_restore(flags: c_ulong);
    pub(crate) fn rsbac_mem_raw_lock_init(lock: *mut bindings::raw_spinlock_t);
    pub(crate) fn rsbac_mem_raw_lock(lock: *mut bindings::raw_spinlock_t) -> c_ulong;
    pub(crate) fn rsbac_mem_raw_unlock(lock: *mut bindings::raw_spinlock_t, flags: c_ulong);
    pub(crate) fn rsbac_mem_in_nmi() -> bool;
    pub(crate) fn rsbac_mem_siphash(data: *const c_void, len: usize, key: *const [u64; 2]) -> u64;
}
