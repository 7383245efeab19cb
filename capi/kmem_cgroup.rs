// SPDX-License-Identifier: GPL-2.0

//! The calls of `include/linux/kmem_cgroup.h`.

use crate::{
    ffi,
    kmem_cgroup::{
        Charge,
        PAGES,
        VMALLOC, //
    }, //
};
use kernel::{
    bindings,
    page::{
        PAGE_MASK,
        PAGE_SIZE, //
    },
    prelude::*, //
};

const NOFAIL: bindings::gfp_t = 1 << bindings::___GFP_NOFAIL_BIT;

fn charge(charge: Option<&mut Charge>, kind: u32, bytes: usize, gfp: bindings::gfp_t) -> c_int {
    charge
        .ok_or(EINVAL)
        .and_then(|charge| charge.take(kind, bytes, gfp & NOFAIL != 0))
        .map_or_else(Error::to_errno, |()| 0)
}

/// # Safety
///
/// `to` is NULL, or points to a charge that nobody else uses during the call.
#[no_mangle]
unsafe extern "C" fn kmem_cgroup_charge(
    to: *mut Charge,
    kind: c_uint,
    bytes: usize,
    gfp: bindings::gfp_t,
) -> c_int {
    // SAFETY: By the contract of this function.
    charge(unsafe { to.as_mut() }, kind, bytes, gfp)
}

/// # Safety
///
/// As [`kmem_cgroup_charge`]. Any address may be given.
#[no_mangle]
unsafe extern "C" fn kmem_cgroup_charge_vmalloc(
    to: *mut Charge,
    addr: *const c_void,
    bytes: usize,
    gfp: bindings::gfp_t,
) -> c_int {
    // SAFETY: Any address may be asked about.
    let known = unsafe { ffi::rsbac_mem_helper_is_vmalloc_addr(addr) };
    let pages = bytes
        .checked_add(PAGE_SIZE - 1)
        .map(|bytes| bytes & PAGE_MASK);
    match pages {
        Some(bytes) if known && addr as usize & !PAGE_MASK == 0 => {
            // SAFETY: By the contract of this function.
            charge(unsafe { to.as_mut() }, VMALLOC, bytes, gfp)
        }
        _ => EINVAL.to_errno(),
    }
}

/// # Safety
///
/// As [`kmem_cgroup_charge`].
#[no_mangle]
unsafe extern "C" fn kmem_cgroup_charge_pages(
    to: *mut Charge,
    order: c_uint,
    gfp: bindings::gfp_t,
) -> c_int {
    if order > bindings::MAX_PAGE_ORDER {
        return EINVAL.to_errno();
    }
    // SAFETY: By the contract of this function.
    charge(unsafe { to.as_mut() }, PAGES, PAGE_SIZE << order, gfp)
}

/// # Safety
///
/// As [`kmem_cgroup_charge`].
#[no_mangle]
unsafe extern "C" fn kmem_cgroup_uncharge(charge: *mut Charge) {
    // SAFETY: By the contract of this function.
    if let Some(charge) = unsafe { charge.as_mut() } {
        charge.give();
    }
}
