// SPDX-License-Identifier: GPL-2.0

//! Foreign functions of the regions; `helpers_vmm.c` says what each does.

use kernel::{
    bindings,
    prelude::*, //
};

// Locks without lockdep have fields without a size, which the lint takes for unsafe; they only ever
// stand behind pointers here. Not an `expect`: kernels with lockdep have nothing to warn of.
#[allow(improper_ctypes)]
extern "C" {
    pub(crate) fn rsbac_mem_vmm_prot(write: bool, exec: bool, cache: u32) -> u64;
    pub(crate) fn rsbac_mem_vmm_rewrite(addr: usize, nr: usize, prot: u64) -> usize;
    pub(crate) fn rsbac_mem_vmm_vmalloc_space(start: *mut usize, end: *mut usize);
    pub(crate) fn rsbac_mem_vmm_area_addr(area: *const bindings::vm_struct) -> usize;
    pub(crate) fn rsbac_mem_vmm_in_vmalloc(addr: usize, size: usize) -> bool;
    pub(crate) fn rsbac_mem_vmm_linear(page: *const bindings::page) -> usize;
    pub(crate) fn rsbac_mem_vmm_alloc_bulk(
        gfp: bindings::gfp_t,
        nr: usize,
        pages: *mut *mut bindings::page,
    ) -> usize;
    pub(crate) fn rsbac_mem_vmm_vmap(
        addr: usize,
        end: usize,
        prot: u64,
        pages: *mut *mut bindings::page,
    ) -> c_int;
    pub(crate) fn rsbac_mem_vmm_set_array(
        cache: u32,
        pages: *mut *mut bindings::page,
        nr: usize,
    ) -> c_int;

    pub(crate) fn rsbac_mem_vmm_get_page(page: *mut bindings::page);
    pub(crate) fn rsbac_mem_vmm_user_page() -> *mut bindings::page;
    pub(crate) fn rsbac_mem_vmm_frames(addr: usize, nr: usize, pages: *mut *mut bindings::page);
    pub(crate) fn rsbac_mem_vmm_set_vma_cache(vma: *mut bindings::vm_area_struct, cache: u32);
    pub(crate) fn rsbac_mem_vmm_new_fd(grant: *mut c_void) -> c_int;
    pub(crate) fn rsbac_mem_vmm_is_our_file(file: *const bindings::file) -> bool;

    pub(crate) fn free_vm_area(area: *mut bindings::vm_struct);
}
