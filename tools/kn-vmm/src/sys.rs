// SPDX-License-Identifier: GPL-2.0

//! The system calls that regions are made of; the only unsafe part of their set-up.

use crate::Error;
use std::{ffi::c_int, ffi::c_long, ffi::c_ulong, ffi::c_void, fs::File, os::fd::AsRawFd};

extern "C" {
    fn ioctl(fd: c_int, cmd: c_ulong, ...) -> c_int;
    fn mmap(
        addr: *mut c_void,
        len: usize,
        prot: c_int,
        flags: c_int,
        fd: c_int,
        offset: c_long,
    ) -> *mut c_void;
    fn mprotect(addr: *mut c_void, len: usize, prot: c_int) -> c_int;
    fn munmap(addr: *mut c_void, len: usize) -> c_int;
}

/// `struct kn_vmm_call`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Call {
    pub(crate) addr: u64,
    pub(crate) size: u64,
    pub(crate) offset: u64,
    pub(crate) flags: u32,
    pub(crate) handle: u32,
}

/// `_IOWR(0xcb, nr, struct kn_vmm_call)`.
const fn cmd(nr: u32) -> c_ulong {
    (3 << 30 | (size_of::<Call>() as u32) << 16 | 0xcb << 8 | nr) as c_ulong
}

pub(crate) const ALLOCATE: c_ulong = cmd(1);
pub(crate) const COMMIT: c_ulong = cmd(2);
pub(crate) const DECOMMIT: c_ulong = cmd(3);
pub(crate) const CANCEL: c_ulong = cmd(5);
pub(crate) const MDL_CREATE: c_ulong = cmd(6);
pub(crate) const MDL_MAP: c_ulong = cmd(9);
pub(crate) const MDL_CLONE: c_ulong = cmd(10);
pub(crate) const MDL_SIZE: c_ulong = cmd(11);
pub(crate) const CLOSE: c_ulong = cmd(12);
pub(crate) const MDL_TO_FD: c_ulong = cmd(13);
pub(crate) const MDL_FROM_FD: c_ulong = cmd(14);

/// One ioctl.
pub(crate) fn call(file: &File, cmd: c_ulong, call: &mut Call) -> Result<(), Error> {
    // SAFETY: All commands above take a `Call`, which is valid for reads and writes. None of them
    // touches memory that a safe reference may be to: `Region::decommit` sees to that.
    match unsafe { ioctl(file.as_raw_fd(), cmd, std::ptr::from_mut(call)) } {
        0 => Ok(()),
        code if code > 0 => Err(Error::Refused(-code)),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}

/// Maps what `ALLOCATE` or `MDL_MAP` has made, at an address that the kernel chooses.
pub(crate) fn map(file: &File, made: &Call, prot: c_int) -> Result<*mut u8, Error> {
    // SAFETY: Without an address given, nothing that exists is replaced.
    let got = unsafe {
        mmap(
            std::ptr::null_mut(),
            made.size as usize,
            prot,
            1, // MAP_SHARED
            file.as_raw_fd(),
            made.offset as c_long,
        )
    };
    if got as isize == -1 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(got.cast())
}

/// Changes rights.
///
/// # Safety
///
/// The range is one of ours, and no reference needs the rights that it loses.
pub(crate) unsafe fn protect(addr: *mut u8, len: usize, prot: c_int) -> Result<(), Error> {
    // SAFETY: By the contract of this function.
    match unsafe { mprotect(addr.cast(), len, prot) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}

/// Removes a mapping.
///
/// # Safety
///
/// The range is one of ours, and nobody uses it any more.
pub(crate) unsafe fn unmap(addr: *mut u8, len: usize) {
    // SAFETY: By the contract of this function.
    unsafe { munmap(addr.cast(), len) };
}
