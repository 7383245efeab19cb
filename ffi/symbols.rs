// SPDX-License-Identifier: GPL-2.0

//! The functions of `symbols.c`: the kernel's own that are not exported.
//!
//! [`crate::symbols`] says which of them are there, and has safe or checked faces for them.

#![allow(dead_code, reason = "the table is whole, whoever uses it")]
#![allow(
    improper_ctypes,
    reason = "lockdep's structs are empty where it is off"
)]

use kernel::{
    bindings,
    prelude::*, //
};

extern "C" {
    pub(crate) fn rsbac_mem_symbols_find() -> u64;
    pub(crate) fn rsbac_mem_symbol_name(n: c_uint) -> *const c_char;

    pub(crate) fn rsbac_mem_symbol_set_memory_ro(addr: c_ulong, numpages: c_int) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_memory_rw(addr: c_ulong, numpages: c_int) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_memory_x(addr: c_ulong, numpages: c_int) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_memory_nx(addr: c_ulong, numpages: c_int) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_memory_wb(addr: c_ulong, numpages: c_int) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_memory_wc(addr: c_ulong, numpages: c_int) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_memory_uc(addr: c_ulong, numpages: c_int) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_direct_map_invalid_noflush(
        page: *mut bindings::page,
    ) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_direct_map_default_noflush(
        page: *mut bindings::page,
    ) -> c_int;
    pub(crate) fn rsbac_mem_symbol_set_direct_map_valid_noflush(
        page: *mut bindings::page,
        nr: c_uint,
        valid: bool,
    ) -> c_int;
    pub(crate) fn rsbac_mem_symbol_flush_tlb_kernel_range(start: c_ulong, end: c_ulong);
    pub(crate) fn rsbac_mem_symbol_get_vm_area(
        size: c_ulong,
        flags: c_ulong,
    ) -> *mut bindings::vm_struct;
    pub(crate) fn rsbac_mem_symbol___get_vm_area_caller(
        size: c_ulong,
        flags: c_ulong,
        start: c_ulong,
        end: c_ulong,
        caller: *const c_void,
    ) -> *mut bindings::vm_struct;
    pub(crate) fn rsbac_mem_symbol_vmap_pages_range(
        addr: c_ulong,
        end: c_ulong,
        prot: bindings::pgprot_t,
        pages: *mut *mut bindings::page,
        page_shift: c_uint,
    ) -> c_int;
    pub(crate) fn rsbac_mem_symbol_vunmap_range(start: c_ulong, end: c_ulong);
}
