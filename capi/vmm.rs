// SPDX-License-Identifier: GPL-2.0

//! `include/coresrv/vmm/vmm_api.h`, `include/coresrv/handle/handle_api.h`, `include/kos/alloc.h`.

use crate::{
    caller::Hashed,
    vmm::{
        self,
        kos,
        Error,
        Info,
        Result, //
    }, //
};
use core::{
    slice, //
};
use kernel::{
    fmt,
    page::PAGE_SIZE,
    prelude::*, //
};

/// `rcOk`, or one of the other codes.
type Retcode = c_int;

/// `rcOk`.
const OK: Retcode = 0;

/// `struct VmmInfo`.
#[repr(C)]
struct VmmInfo {
    base: usize,
    size: usize,
    flags: c_int,
    state: c_int,
    protection: c_int,
    locked: c_int,
    run_base: usize,
    run_size: usize,
}

impl From<Info> for VmmInfo {
    fn from(info: Info) -> Self {
        let (state, protection, locked) = match info.attr {
            None => (3, 0, false),
            Some(attr) => (
                if attr.committed { 2 } else { 1 },
                attr.prot.to_flags() as c_int,
                attr.locked,
            ),
        };
        Self {
            base: info.base,
            size: info.size,
            flags: info.shape.to_flags() as c_int,
            state,
            protection,
            locked: c_int::from(locked),
            run_base: info.run.0,
            run_size: info.run.1,
        }
    }
}

/// The code for `result`, which is counted and logged where it is an error.
fn retcode(call: &str, result: Result, what: fmt::Arguments<'_>) -> Retcode {
    match result {
        Ok(()) => OK,
        Err(error) => {
            error.report(call, what);
            error.to_retcode()
        }
    }
}

/// As [`retcode`]; stores what was found to `out`, which must not be null.
///
/// # Safety
///
/// `out` is null or valid for writes.
unsafe fn store<T>(
    call: &str,
    out: *mut T,
    result: impl FnOnce() -> Result<T>,
    what: fmt::Arguments<'_>,
) -> Retcode {
    let stored = if out.is_null() {
        Err(Error::InvalidFlags)
    } else {
        result().map(|value| {
            // SAFETY: By the contract of this function.
            unsafe { out.write(value) }
        })
    };
    retcode(call, stored, what)
}

#[no_mangle]
extern "C" fn KnVmAllocate(addr: *mut c_void, size: usize, flags: c_int) -> *mut c_void {
    vmm::allocate(addr as usize, size, flags as u32)
        .inspect_err(|error| {
            error.report("KnVmAllocate", fmt!("{size} bytes, flags {flags:#x}"));
        })
        .unwrap_or(0) as *mut c_void
}

/// # Safety
///
/// `base` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnVmTryAllocate(
    addr: *mut c_void,
    size: usize,
    flags: c_int,
    base: *mut *mut c_void,
) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnVmTryAllocate",
            base,
            || vmm::allocate(addr as usize, size, flags as u32).map(|base| base as *mut c_void),
            fmt!("{size} bytes, flags {flags:#x}"),
        )
    }
}

#[no_mangle]
extern "C" fn KnVmCommit(addr: *mut c_void, size: usize, flags: c_int) -> Retcode {
    retcode(
        "KnVmCommit",
        vmm::commit(addr as usize, size, flags as u32),
        fmt!("{} and {size} bytes, flags {flags:#x}", Hashed(addr)),
    )
}

#[no_mangle]
extern "C" fn KnVmDecommit(addr: *mut c_void, size: usize) -> Retcode {
    retcode(
        "KnVmDecommit",
        vmm::decommit(addr as usize, size),
        fmt!("{} and {size} bytes", Hashed(addr)),
    )
}

#[no_mangle]
extern "C" fn KnVmProtect(addr: *mut c_void, size: usize, new_flags: c_int) -> Retcode {
    retcode(
        "KnVmProtect",
        vmm::protect(addr as usize, size, new_flags as u32),
        fmt!("{} and {size} bytes, flags {new_flags:#x}", Hashed(addr)),
    )
}

#[no_mangle]
extern "C" fn KnVmUnmap(addr: *mut c_void, size: usize) -> Retcode {
    retcode(
        "KnVmUnmap",
        vmm::unmap(addr as usize, size),
        fmt!("{} and {size} bytes", Hashed(addr)),
    )
}

/// # Safety
///
/// `info` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnVmQuery(addr: *const c_void, info: *mut VmmInfo) -> Retcode {
    if info.is_null() {
        return retcode(
            "KnVmQuery",
            Err(Error::InvalidFlags),
            fmt!("no place for the answer"),
        );
    }
    match vmm::query(addr as usize) {
        Ok(found) => {
            // SAFETY: By the contract of this function.
            unsafe { info.write(found.into()) };
            OK
        }
        // Asking is no mistake: not counted, not logged.
        Err(error) => error.to_retcode(),
    }
}

/// # Safety
///
/// `handle` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlCreate(size: usize, flags: c_int, handle: *mut u32) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlCreate",
            handle,
            || vmm::mdl_create(size, flags as u32),
            fmt!("{size} bytes, flags {flags:#x}"),
        )
    }
}

/// # Safety
///
/// `buf` is null or valid for reads of `size` bytes, `handle` null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlCreateFromBuf(
    buf: *const c_void,
    size: usize,
    flags: c_int,
    handle: *mut u32,
) -> Retcode {
    let create = || {
        if buf.is_null() {
            return Err(Error::InvalidFlags);
        }
        if size > isize::MAX as usize {
            return Err(Error::InvalidSize);
        }
        // SAFETY: By the contract of this function.
        let data = unsafe { slice::from_raw_parts(buf.cast(), size) };
        vmm::mdl_from_data(data, flags as u32)
    };
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlCreateFromBuf",
            handle,
            create,
            fmt!("{size} bytes, flags {flags:#x}"),
        )
    }
}

/// # Safety
///
/// `handle` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlCreateFromVm(
    addr: *mut c_void,
    size: usize,
    flags: c_int,
    handle: *mut u32,
) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlCreateFromVm",
            handle,
            || vmm::mdl_from_region(addr as usize, size, flags as u32),
            fmt!("{} and {size} bytes, flags {flags:#x}", Hashed(addr)),
        )
    }
}

/// # Safety
///
/// `addr` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlMap(
    handle: u32,
    offset: usize,
    length: usize,
    hint: *mut c_void,
    flags: c_int,
    addr: *mut *mut c_void,
) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlMap",
            addr,
            || {
                vmm::mdl_map(handle, offset, length, hint as usize, flags as u32)
                    .map(|addr| addr as *mut c_void)
            },
            fmt!("handle {handle}, {length} bytes at {offset}, flags {flags:#x}"),
        )
    }
}

/// # Safety
///
/// `clone` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlClone(handle: u32, flags: c_int, clone: *mut u32) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlClone",
            clone,
            || vmm::mdl_clone(handle, flags as u32),
            fmt!("handle {handle}, flags {flags:#x}"),
        )
    }
}

/// # Safety
///
/// `size` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlGetSize(handle: u32, size: *mut usize) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlGetSize",
            size,
            || vmm::mdl_size(handle),
            fmt!("handle {handle}"),
        )
    }
}

/// # Safety
///
/// `fd` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlToFd(handle: u32, flags: c_int, fd: *mut c_int) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlToFd",
            fd,
            || vmm::mdl_to_fd(handle, flags as u32).map(|fd| fd as c_int),
            fmt!("handle {handle}, flags {flags:#x}"),
        )
    }
}

/// # Safety
///
/// `handle` is null or valid for writes.
#[no_mangle]
unsafe extern "C" fn KnPmmMdlFromFd(fd: c_int, handle: *mut u32) -> Retcode {
    // SAFETY: By the contract of this function.
    unsafe {
        store(
            "KnPmmMdlFromFd",
            handle,
            || vmm::mdl_from_fd(fd as u32),
            fmt!("file {fd}"),
        )
    }
}

#[no_mangle]
extern "C" fn KnHandleClose(handle: u32) -> Retcode {
    retcode(
        "KnHandleClose",
        vmm::handle_close(handle),
        fmt!("handle {handle}"),
    )
}

#[no_mangle]
extern "C" fn KosMemAlloc(size: usize) -> *mut c_void {
    kos_alloc("KosMemAlloc", size, PAGE_SIZE)
}

#[no_mangle]
extern "C" fn KosMemAllocEx(size: usize, align: usize, _zeroed: c_int) -> *mut c_void {
    kos_alloc("KosMemAllocEx", size, align)
}

#[no_mangle]
extern "C" fn KosMemZalloc(size: usize) -> *mut c_void {
    kos_alloc("KosMemZalloc", size, PAGE_SIZE)
}

fn kos_alloc(call: &str, size: usize, align: usize) -> *mut c_void {
    kos::alloc(size, align)
        .inspect_err(|error| error.report(call, fmt!("{size} bytes, aligned to {align}")))
        .unwrap_or(0) as *mut c_void
}

#[no_mangle]
extern "C" fn KosMemGetSize(ptr: *mut c_void) -> usize {
    if ptr.is_null() {
        return 0;
    }
    kos::size(ptr as usize)
        .inspect_err(|error| error.report("KosMemGetSize", fmt!("{}", Hashed(ptr))))
        .unwrap_or(0)
}

#[no_mangle]
extern "C" fn KosMemFree(ptr: *mut c_void) {
    if ptr.is_null() {
        return;
    }
    if let Err(error) = kos::free(ptr as usize) {
        error.report("KosMemFree", fmt!("{}", Hashed(ptr)));
    }
}
