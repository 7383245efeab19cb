// SPDX-License-Identifier: GPL-2.0

//! The functions of `pagetable.c`. [`crate::pagetable`] is their face.

use kernel::{
    bindings::pte_t,
    prelude::*, //
};

extern "C" {
    pub(crate) fn rsbac_mem_pt_usable() -> bool;
    pub(crate) fn rsbac_mem_pt_lookup(addr: c_ulong, shift: *mut c_uint) -> *mut pte_t;
    pub(crate) fn rsbac_mem_pt_flags(
        pte: *const pte_t,
        shift: c_uint,
        pfn: *mut c_ulong,
    ) -> c_ulong;
    pub(crate) fn rsbac_mem_pt_map(pte: *mut pte_t, pfn: c_ulong, writable: bool);
    pub(crate) fn rsbac_mem_pt_protect(pte: *mut pte_t, writable: bool);
    pub(crate) fn rsbac_mem_pt_clear(pte: *mut pte_t);
    pub(crate) fn rsbac_mem_pt_flush_everywhere(start: c_ulong, end: c_ulong);
}
