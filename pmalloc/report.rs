// SPDX-License-Identifier: GPL-2.0

//! Calls that are refused: counted each time, named in the log once for each place that makes them.

use super::stats::STATS;
use crate::caller::{
    Caller,
    Hashed, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// What is wrong with a call.
#[derive(Clone, Copy)]
#[repr(usize)]
pub(crate) enum Wrong {
    /// The handle is not one of a living pool, or cache.
    Pool = 1,
    /// The mode or the alignment does not exist.
    Mode,
    /// There is no such alignment.
    Align,
    /// The kernel cannot protect as `require_full_protection` demands.
    Protection,
    /// The target of a write is in no write-rare pool, or not wholly.
    Target,
    /// An atomic operation is not aligned, or of a strange size.
    Alignment,
    /// The cookie is not the one of the object, or is missing.
    Cookie,
    /// The pointer is not the start of an object of this pool.
    Object,
    /// The range is not memory of this pool.
    Range,
    /// NMI context.
    Nmi,
    /// The pool was not created for this.
    Unsupported,
}

impl Wrong {
    fn text(self) -> &'static str {
        match self {
            Self::Pool => "is not a pool",
            Self::Mode => "is not a mode",
            Self::Align => "is not an alignment",
            Self::Protection => "cannot be protected fully on this kernel",
            Self::Target => "is not in a write-rare pool, nothing was written",
            Self::Alignment => "is not aligned for that, nothing was written",
            Self::Cookie => "was given the wrong cookie, nothing was written",
            Self::Object => "is not an object of this pool",
            Self::Range => "is not memory of this pool",
            Self::Nmi => "cannot be written from an NMI",
            Self::Unsupported => "is in a pool that was not created for that",
        }
    }
}

/// Places that were named already, by a hash.
static NAMED: [Atomic<usize>; 64] = [const { Atomic::new(0) }; 64];

/// Counts a refused call, and names it in the log if its place was not named yet. Any context.
#[cold]
pub(crate) fn refuse(call: &str, wrong: Wrong, addr: usize, size: usize, caller: Caller) {
    STATS.refused.fetch_add(1, Relaxed);
    let place = (caller.to_entry() << 4) | wrong as usize;
    let slot = &NAMED[(place ^ (place >> 10)) % NAMED.len()];
    if slot.xchg(place, Relaxed) == place {
        return;
    }
    pr_warn!(
        "pmalloc: {}: {} ({} bytes) {} (caller {})\n",
        call,
        Hashed(addr as *const c_void),
        size,
        wrong.text(),
        caller
    );
}
