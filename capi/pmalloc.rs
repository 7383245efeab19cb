// SPDX-License-Identifier: GPL-2.0

//! `include/linux/pmalloc.h`. Arguments are checked here, the rest is [`crate::pmalloc`]'s.

use crate::{
    caller::Caller,
    pmalloc::{
        self,
        refuse,
        Area,
        Cache,
        Key,
        Op,
        Pool,
        Request,
        Wrong, //
    }, //
};
use kernel::prelude::*;

/// The pool of a handle; a wrong one is reported as a mistake of whoever makes the call.
#[inline(always)]
fn pool(call: &str, handle: *mut c_void) -> Option<&'static Pool> {
    let found = Pool::find(handle);
    if found.is_none() {
        refuse(call, Wrong::Pool, handle as usize, 0, Caller::find());
    }
    found
}

fn cache(call: &str, handle: *mut c_void) -> Option<&'static Cache> {
    let found = Cache::find(handle);
    if found.is_none() {
        refuse(call, Wrong::Pool, handle as usize, 0, Caller::find());
    }
    found
}

/// A reference to protected memory as the handle that callers get.
fn handle<T>(desc: &'static T) -> *mut c_void {
    core::ptr::from_ref(desc).cast_mut().cast()
}

#[inline(always)]
fn alloc(call: &str, handle: *mut c_void, size: usize, cookie: u64) -> *mut c_void {
    pool(call, handle)
        .and_then(|pool| pool.alloc(size, cookie))
        .map_or(core::ptr::null_mut(), |addr| addr as *mut c_void)
}

/// # Safety
///
/// `name` is null or a C string.
#[no_mangle]
unsafe extern "C" fn pmalloc_create_named_pool(
    name: *const c_char,
    refill: usize,
    align_order: c_short,
    mode: u8,
) -> *mut c_void {
    // SAFETY: By the contract of this function.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_char_ptr(name) });
    pmalloc::create(mode, refill, align_order, name).map_or(core::ptr::null_mut(), handle)
}

#[no_mangle]
extern "C" fn pmalloc(pool: *mut c_void, size: usize) -> *mut c_void {
    alloc("pmalloc", pool, size, 0)
}

#[no_mangle]
extern "C" fn pzalloc(pool: *mut c_void, size: usize) -> *mut c_void {
    // New areas are zeroed, and so are objects that are freed.
    alloc("pzalloc", pool, size, 0)
}

#[no_mangle]
extern "C" fn pmalloc_alloc_cookie(pool: *mut c_void, size: usize, cookie: u64) -> *mut c_void {
    alloc("pmalloc_alloc_cookie", pool, size, cookie)
}

/// # Safety
///
/// `s` is null or a C string.
#[no_mangle]
unsafe extern "C" fn pstrdup(pool: *mut c_void, s: *const c_char) -> *mut c_char {
    if s.is_null() {
        return core::ptr::null_mut();
    }
    // SAFETY: By the contract of this function.
    let text = unsafe { CStr::from_char_ptr(s) }.to_bytes_with_nul();
    let copy = alloc("pstrdup", pool, text.len(), 0);
    if !copy.is_null() {
        pmalloc::fill_in(copy as usize, text);
    }
    copy.cast()
}

#[no_mangle]
extern "C" fn pmalloc_protect_pool(handle: *mut c_void) {
    if let Some(pool) = pool("pmalloc_protect_pool", handle) {
        let _ = pool.protect();
    }
}

#[no_mangle]
extern "C" fn pmalloc_make_pool_ro(handle: *mut c_void) {
    if let Some(pool) = pool("pmalloc_make_pool_ro", handle) {
        let _ = pool.make_ro();
    }
}

#[no_mangle]
extern "C" fn pmalloc_destroy_pool(handle: *mut c_void) {
    if handle.is_null() {
        return;
    }
    if let Some(pool) = pool("pmalloc_destroy_pool", handle) {
        pmalloc::destroy(pool);
    }
}

#[no_mangle]
extern "C" fn is_pmalloc_object(ptr: *const c_void, n: c_ulong) -> bool {
    Area::owning(ptr as usize).is_some_and(|area| area.has(ptr as usize, n))
}

#[no_mangle]
extern "C" fn pmalloc_require(handle: *mut c_void, ptr: *const c_void, size: usize) -> bool {
    let Some(pool) = pool("pmalloc_require", handle) else {
        return false;
    };
    let owned = pool.owns(ptr as usize, size);
    if !owned {
        refuse(
            "pmalloc_require",
            Wrong::Range,
            ptr as usize,
            size,
            Caller::find(),
        );
    }
    owned
}

#[no_mangle]
extern "C" fn pmalloc_set_cap(handle: *mut c_void, bytes: usize) {
    if let Some(pool) = pool("pmalloc_set_cap", handle) {
        pool.cap.set(bytes);
    }
}

#[no_mangle]
extern "C" fn pfree(handle: *mut c_void, ptr: *const c_void) {
    let (false, Some(pool)) = (ptr.is_null(), pool("pfree", handle)) else {
        return;
    };
    if let Err(wrong) = pmalloc::free(pool, ptr as usize, None) {
        refuse("pfree", wrong, ptr as usize, 0, Caller::find());
    }
}

#[no_mangle]
extern "C" fn pmalloc_cache_create(handle_: *mut c_void, size: usize) -> *mut c_void {
    pool("pmalloc_cache_create", handle_)
        .and_then(|pool| Cache::create(pool, size).ok())
        .map_or(core::ptr::null_mut(), handle)
}

#[no_mangle]
extern "C" fn pmalloc_cache_alloc(handle: *mut c_void) -> *mut c_void {
    cache("pmalloc_cache_alloc", handle)
        .and_then(Cache::alloc)
        .map_or(core::ptr::null_mut(), |addr| addr as *mut c_void)
}

#[no_mangle]
extern "C" fn pmalloc_cache_free(handle: *mut c_void, ptr: *const c_void) {
    let (false, Some(cache)) = (ptr.is_null(), cache("pmalloc_cache_free", handle)) else {
        return;
    };
    if let Err(wrong) = cache.free(ptr as usize) {
        refuse("pmalloc_cache_free", wrong, ptr as usize, 0, Caller::find());
    }
}

#[no_mangle]
extern "C" fn pmalloc_cache_destroy(handle: *mut c_void) {
    if handle.is_null() {
        return;
    }
    if let Some(cache) = cache("pmalloc_cache_destroy", handle) {
        cache.destroy();
    }
}

#[no_mangle]
extern "C" fn pmalloc_verify(handle: *mut c_void) -> c_int {
    let result = pool("pmalloc_verify", handle)
        .ok_or(EINVAL)
        .and_then(pmalloc::verify);
    result.map_or_else(|err| err.to_errno(), |()| 0)
}

#[no_mangle]
extern "C" fn pmalloc_verify_object(ptr: *const c_void, size: usize) -> c_int {
    pmalloc::verify_object(ptr as usize, size).map_or_else(|err| err.to_errno(), |()| 0)
}

/// # Safety
///
/// `src` is readable for `size` bytes.
#[no_mangle]
unsafe extern "C" fn pmalloc_wr_memcpy(
    dst: *const c_void,
    src: *const c_void,
    size: usize,
    caller: c_ulong,
) -> bool {
    let request = Request::new("wr_memcpy", caller, dst as usize, size);
    // SAFETY: By the contract of this function.
    unsafe { request.copy(src.cast()) }
}

#[no_mangle]
extern "C" fn pmalloc_wr_memset(
    dst: *const c_void,
    c: c_int,
    size: usize,
    caller: c_ulong,
) -> bool {
    Request::new("wr_memset", caller, dst as usize, size).fill(c as u8)
}

/// # Safety
///
/// `src` is readable for `size` bytes.
#[no_mangle]
unsafe extern "C" fn pmalloc_wr_memcpy_cookie(
    obj: *const c_void,
    offset: usize,
    src: *const c_void,
    size: usize,
    cookie: u64,
    caller: c_ulong,
) -> bool {
    let object = obj as usize;
    Request::into_object(
        "wr_memcpy_cookie",
        caller,
        Key { object, cookie },
        offset,
        size,
    )
    // SAFETY: By the contract of this function.
    .is_some_and(|request| unsafe { request.copy(src.cast()) })
}

#[no_mangle]
extern "C" fn pmalloc_wr_memset_cookie(
    obj: *const c_void,
    offset: usize,
    c: c_int,
    size: usize,
    cookie: u64,
    caller: c_ulong,
) -> bool {
    let object = obj as usize;
    Request::into_object(
        "wr_memset_cookie",
        caller,
        Key { object, cookie },
        offset,
        size,
    )
    .is_some_and(|request| request.fill(c as u8))
}

/// # Safety
///
/// `old` is valid for reads and writes.
#[no_mangle]
unsafe extern "C" fn pmalloc_wr_atomic(
    dst: *const c_void,
    size: usize,
    op: c_int,
    operand: u64,
    old: *mut u64,
    caller: c_ulong,
) -> bool {
    let request = Request::new("wr_atomic", caller, dst as usize, size);
    // SAFETY: By the contract of this function. A smaller value may come with its sign.
    let expected = unsafe { old.read() } & (u64::MAX >> (64 - 8 * size.clamp(1, 8)));
    let op = match op {
        0 => Op::Add,
        1 => Op::Sub,
        2 => Op::And,
        3 => Op::Or,
        4 => Op::Xor,
        5 => Op::Xchg,
        6 => Op::Cmpxchg(expected),
        _ => return request.refuse(Wrong::Alignment),
    };
    let Some(found) = request.atomic(op, operand) else {
        return false;
    };
    // SAFETY: By the contract of this function.
    unsafe { old.write(found) };
    !matches!(op, Op::Cmpxchg(expected) if expected != found)
}
