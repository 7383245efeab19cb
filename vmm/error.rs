// SPDX-License-Identifier: GPL-2.0

//! Why a call failed: the codes of `include/rtl/retcode.h`, counted, and who is to blame.

use crate::{
    caller::Caller,
    kmem_cgroup::Payer, //
};
use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// A failed call. The numbers are those of the header, negated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Error {
    InvalidFlags = 1,
    Unaligned = 2,
    InvalidSize = 3,
    InvalidProtection = 4,
    Denied = 5,
    NoRegion = 6,
    NotCommitted = 7,
    Committed = 8,
    Busy = 9,
    NoMemory = 10,
    Limit = 11,
    NotSupported = 12,
    InvalidHandle = 13,
    NoRights = 14,
    GrowDown = 15,
    NoDevice = 16,
}

/// What the calls of this discipline return.
pub(crate) type Result<T = ()> = core::result::Result<T, Error>;

/// How many codes there are, with 0 for success.
const CODES: usize = 17;

/// How often each code was returned to callers in the kernel.
static COUNTS: [Atomic<u64>; CODES] = [const { Atomic::new(0) }; CODES];

/// Calls for which the caller is to blame.
static WRONG: Atomic<u64> = Atomic::new(0);

/// Places that are named in the log; wrong calls from further ones are only counted.
static NAMED: [Atomic<usize>; 128] = [const { Atomic::new(0) }; 128];

impl Error {
    /// The code of the header.
    pub(crate) fn to_retcode(self) -> c_int {
        -c_int::from(self as u8)
    }

    /// Whether it is the caller who did something wrong, not the machine that has no more to give.
    fn is_wrong_call(self) -> bool {
        !matches!(
            self,
            Self::NoMemory | Self::Limit | Self::NotSupported | Self::NoDevice
        )
    }

    fn name(self) -> &'static str {
        match self {
            Self::InvalidFlags => "rcInvalidFlags",
            Self::Unaligned => "rcUnaligned",
            Self::InvalidSize => "rcInvalidSize",
            Self::InvalidProtection => "rcInvalidProtection",
            Self::Denied => "rcDenied",
            Self::NoRegion => "rcNoRegion",
            Self::NotCommitted => "rcNotCommitted",
            Self::Committed => "rcCommitted",
            Self::Busy => "rcBusy",
            Self::NoMemory => "rcNoMemory",
            Self::Limit => "rcLimit",
            Self::NotSupported => "rcNotSupported",
            Self::InvalidHandle => "rcInvalidHandle",
            Self::NoRights => "rcNoRights",
            Self::GrowDown => "rcGrowDown",
            Self::NoDevice => "rcNoDevice",
        }
    }

    /// Counts the error and, if the caller is to blame, names it in the log: once for each place
    /// that calls. `what` says what was asked for.
    pub(crate) fn report(self, call: &str, what: kernel::fmt::Arguments<'_>) {
        COUNTS[self as usize].fetch_add(1, Relaxed);
        if self.is_wrong_call() {
            WRONG.fetch_add(1, Relaxed);
            let caller = Caller::find();
            // One place can be wrong in several ways: the kind goes into the unused top bits.
            if first_time(caller.to_entry() ^ (self as usize) << 56) {
                pr_warn!("{call}: {what}: {} (called from {caller})\n", self.name());
            }
        }
    }
}

/// Whether `place` was not named yet; it is from now on.
fn first_time(place: usize) -> bool {
    for slot in &NAMED {
        match slot.cmpxchg(0, place, Relaxed) {
            Ok(_) => return true,
            Err(other) if other == place => return false,
            Err(_) => {}
        }
    }
    false
}

/// All calls so far for which the caller is to blame.
pub(super) fn wrong_calls() -> u64 {
    WRONG.load(Relaxed)
}

/// How often `error` was returned to callers in the kernel.
pub(super) fn count(error: Error) -> u64 {
    COUNTS[error as usize].load(Relaxed)
}

impl From<AllocError> for Error {
    fn from(_: AllocError) -> Self {
        Self::NoMemory
    }
}

impl From<kernel::error::Error> for Error {
    /// What the kernel's own functions return here: they run out of memory, or of something else
    /// that this module can say nothing better about.
    fn from(_: kernel::error::Error) -> Self {
        Self::NoMemory
    }
}

/// Charges pages to the group of the running task; its limit has a code of its own.
pub(super) fn charge(pages: usize) -> Result<Payer> {
    Payer::charge(pages).map_err(|_| Error::Limit)
}
