// SPDX-License-Identifier: GPL-2.0

//! The kernel's functions that are not exported, as far as this kernel has them.
//!
//! `symbols.c` finds them, all at once, when the first of them is asked for: a module that is
//! loaded and not used pays nothing. Each is optional. A discipline asks [`have`] for those that a
//! feature of its own needs, and does without the feature where one is missing.
//!
//! The functions are called through `ffi::symbols`. Calling one that was not found
//! does nothing and returns rubbish, so that [`have`] comes first; the owners of mappings and
//! frames do it once, when they are made.

use crate::ffi;
use kernel::{
    prelude::*,
    sync::SetOnce, //
};

/// The entries of the table in `symbols.c`, in its order.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(dead_code, reason = "the table is whole, whoever uses it")]
pub(crate) enum Symbol {
    SetMemoryRo,
    SetMemoryRw,
    SetMemoryX,
    SetMemoryNx,
    SetMemoryWb,
    SetMemoryWc,
    SetMemoryUc,
    SetDirectMapInvalidNoflush,
    SetDirectMapDefaultNoflush,
    SetDirectMapValidNoflush,
    FlushTlbKernelRange,
    GetVmArea,
    GetVmAreaCaller,
    SetMemoryWt,
    VmapPagesRange,
    VunmapRange,
    VmallocNodeRange,
}

/// Bit n is set where entry n was found.
static FOUND: SetOnce<u64> = SetOnce::new();

/// Whether this kernel has all of `wanted`. The first call finds the whole table and may sleep.
pub(crate) fn have(wanted: &[Symbol]) -> bool {
    let found = FOUND.copy().unwrap_or_else(find);
    wanted
        .iter()
        .all(|&symbol| found & (1 << symbol as u32) != 0)
}

#[cold]
fn find() -> u64 {
    // Two who come here at the same time find the same and set the same: no lock is needed.
    // SAFETY: May be called from any context that may sleep.
    let found = unsafe { ffi::symbols::rsbac_mem_symbols_find() };
    if !FOUND.populate(found) {
        return found;
    }
    for n in 0.. {
        // SAFETY: Any number may be asked about.
        let name = unsafe { ffi::symbols::rsbac_mem_symbol_name(n) };
        if name.is_null() {
            break;
        }
        if found & (1 << n) == 0 {
            // SAFETY: The names are static strings.
            pr_info!("the kernel has no {} for us\n", unsafe {
                CStr::from_char_ptr(name)
            });
        }
    }
    found
}
