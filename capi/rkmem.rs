// SPDX-License-Identifier: GPL-2.0

//! `include/rsbac/rkmem.h`.

use crate::{
    rkmem::{
        self,
        Call,
        Fill,
        Sleep, //
    },
    slab::Reuse, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// RSBAC's truth type: 0 is false.
type Boolean = c_int;

#[no_mangle]
extern "C" fn rsbac_kmalloc(size: usize) -> *mut c_void {
    rkmem::kmalloc(size, Sleep::IfPossible, Fill::Anything)
}

#[no_mangle]
extern "C" fn rsbac_kmalloc_clear(size: usize) -> *mut c_void {
    rkmem::kmalloc(size, Sleep::IfPossible, Fill::Zero)
}

#[no_mangle]
extern "C" fn rsbac_kmalloc_unlocked(size: usize) -> *mut c_void {
    rkmem::kmalloc(size, Sleep::Always, Fill::Anything)
}

#[no_mangle]
extern "C" fn rsbac_kmalloc_clear_unlocked(size: usize) -> *mut c_void {
    rkmem::kmalloc(size, Sleep::Always, Fill::Zero)
}

#[no_mangle]
extern "C" fn rsbac_kfree(objp: *const c_void) {
    rkmem::kfree(Call(&"rsbac_kfree"), objp);
}

/// # Safety
///
/// `vmalloc_used_p` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn rsbac_vkmalloc(size: usize, vmalloc_used_p: *mut Boolean) -> *mut c_void {
    let (objp, vmalloc_used) = rkmem::vkmalloc(size);
    if !vmalloc_used_p.is_null() {
        // SAFETY: By the contract of this function.
        unsafe { vmalloc_used_p.write(Boolean::from(vmalloc_used)) };
    }
    objp
}

#[no_mangle]
extern "C" fn rsbac_vkfree(objp: *mut c_void, vmalloc_used: Boolean) {
    rkmem::vkfree(Call(&"rsbac_vkfree"), objp, vmalloc_used != 0);
}

/// # Safety
///
/// `name` is null or a C string.
unsafe fn slab_create(name: *const c_char, size: usize, reuse: Reuse) -> *mut bindings::kmem_cache {
    let name = if name.is_null() {
        c""
    } else {
        // SAFETY: By the contract of this function.
        unsafe { CStr::from_char_ptr(name) }
    };
    rkmem::slab_create(name, size, reuse)
}

/// # Safety
///
/// `name` is null or a C string.
#[no_mangle]
unsafe extern "C" fn rsbac_slab_create(
    name: *const c_char,
    size: usize,
) -> *mut bindings::kmem_cache {
    // SAFETY: By the contract of this function.
    unsafe { slab_create(name, size, Reuse::Immediate) }
}

/// # Safety
///
/// `name` is null or a C string.
#[no_mangle]
unsafe extern "C" fn rsbac_slab_create_rcu(
    name: *const c_char,
    size: usize,
) -> *mut bindings::kmem_cache {
    // SAFETY: By the contract of this function.
    unsafe { slab_create(name, size, Reuse::TypesafeByRcu) }
}

#[no_mangle]
extern "C" fn rsbac_slab_destroy(cache: *mut bindings::kmem_cache) {
    rkmem::slab_destroy(Call(&"rsbac_slab_destroy"), cache);
}

#[no_mangle]
extern "C" fn rsbac_smalloc(cache: *mut bindings::kmem_cache) -> *mut c_void {
    rkmem::smalloc(
        Call(&"rsbac_smalloc"),
        cache,
        Sleep::IfPossible,
        Fill::Anything,
    )
}

#[no_mangle]
extern "C" fn rsbac_smalloc_clear(cache: *mut bindings::kmem_cache) -> *mut c_void {
    rkmem::smalloc(
        Call(&"rsbac_smalloc_clear"),
        cache,
        Sleep::IfPossible,
        Fill::Zero,
    )
}

#[no_mangle]
extern "C" fn rsbac_smalloc_unlocked(cache: *mut bindings::kmem_cache) -> *mut c_void {
    rkmem::smalloc(
        Call(&"rsbac_smalloc_unlocked"),
        cache,
        Sleep::Always,
        Fill::Anything,
    )
}

#[no_mangle]
extern "C" fn rsbac_smalloc_clear_unlocked(cache: *mut bindings::kmem_cache) -> *mut c_void {
    rkmem::smalloc(
        Call(&"rsbac_smalloc_clear_unlocked"),
        cache,
        Sleep::Always,
        Fill::Zero,
    )
}

#[no_mangle]
extern "C" fn rsbac_sfree(cache: *mut bindings::kmem_cache, mem: *mut c_void) {
    rkmem::sfree(Call(&"rsbac_sfree"), cache, mem);
}
