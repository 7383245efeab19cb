// SPDX-License-Identifier: GPL-2.0

//! Files that carry an MDL buffer from a module to a program, or from one program to another.
//!
//! Such a file can be passed on and closed, nothing else; whoever has it may make a handle of it.

use super::{
    error::{
        Error,
        Result, //
    },
    mdl::Grant, //
};
use crate::ffi;
use kernel::{
    fs::LocalFile,
    prelude::*,
    types::ForeignOwnable, //
};

/// # Safety
///
/// Called once, when a file that `install` made is closed for the last time; `grant` is its private
/// data.
#[no_mangle]
unsafe extern "C" fn rsbac_mem_vmm_release_grant(grant: *mut c_void) {
    // SAFETY: By the contract of this function; `install` has left the box there.
    drop(unsafe { <KBox<Grant>>::from_foreign(grant) });
}

/// Gives the running program a new file for `grant`; returns its number.
pub(super) fn install(grant: Grant) -> Result<u32> {
    let grant = KBox::new(grant, GFP_KERNEL)?.into_foreign();
    // SAFETY: The file takes over what `rsbac_mem_vmm_release_grant` gives back.
    let fd = unsafe { ffi::vmm::rsbac_mem_vmm_new_fd(grant) };
    u32::try_from(fd).map_err(|_| {
        // SAFETY: No file was made, so the box is still ours.
        drop(unsafe { <KBox<Grant>>::from_foreign(grant) });
        Error::NoMemory
    })
}

/// What the file `fd` of the running program carries.
pub(super) fn grant(fd: u32) -> Result<Grant> {
    let file = LocalFile::fget(fd).map_err(|_| Error::InvalidHandle)?;
    // SAFETY: The file is open. Files of `install`, and only those, are ours: they have a box in
    // their private data as long as they are open.
    unsafe {
        let raw = file.as_ptr();
        if !ffi::vmm::rsbac_mem_vmm_is_our_file(raw) {
            return Err(Error::InvalidHandle);
        }
        Ok(<KBox<Grant>>::borrow((*raw).private_data).clone())
    }
}
