// SPDX-License-Identifier: GPL-2.0

//! What all regions take together, and the files in `/sys/kernel/rsbac_mem/vmm/`.

use super::{
    error,
    flags, //
};
use crate::sysfs::{
    Attr,
    Attributes, //
};
use kernel::{
    fmt::Write,
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// A sum that goes up and down, in pages unless its user says otherwise.
pub(super) struct Sum(Atomic<usize>);

impl Sum {
    const fn new() -> Self {
        Self(Atomic::new(0))
    }

    pub(super) fn add(&self, n: usize) -> usize {
        self.0.fetch_add(n, Relaxed).wrapping_add(n)
    }

    pub(super) fn sub(&self, n: usize) {
        self.0.fetch_add(n.wrapping_neg(), Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Relaxed)
    }

    fn bytes(&self) -> usize {
        self.get().saturating_mul(PAGE_SIZE)
    }
}

/// Regions of the kernel and of processes.
pub(super) static REGIONS: Sum = Sum::new();
/// Address space of all regions, without guards.
pub(super) static RESERVED: Sum = Sum::new();
/// Pages with memory.
static COMMITTED: Sum = Sum::new();
/// Those of them that were committed with `VMM_FLAG_LOCKED`.
static LOCKED: Sum = Sum::new();
/// The most that was committed at once.
static PEAK: Atomic<usize> = Atomic::new(0);
/// MDL buffers.
pub(super) static MDLS: Sum = Sum::new();
/// Pages of MDL buffers with memory of their own.
pub(super) static MDL_PAGES: Sum = Sum::new();

/// Counts pages that got memory.
pub(super) fn committed(pages: usize, locked: usize) {
    let now = COMMITTED.add(pages);
    LOCKED.add(locked);
    let mut peak = PEAK.load(Relaxed);
    while now > peak {
        match PEAK.cmpxchg(peak, now, Relaxed) {
            Ok(_) => break,
            Err(seen) => peak = seen,
        }
    }
}

/// Counts pages that lost their memory.
pub(super) fn decommitted(pages: usize, locked: usize) {
    COMMITTED.sub(pages);
    LOCKED.sub(locked);
}

/// Counts pages of a program as locked; their memory is counted by itself.
pub(super) fn locked(pages: usize) {
    LOCKED.add(pages);
}

/// The end of [`locked`].
pub(super) fn unlocked(pages: usize) {
    LOCKED.sub(pages);
}

/// The directory's data: the figures themselves are static, as those who count know no directory.
pub(super) struct Figures;

macro_rules! figure {
    ($name:literal, $value:expr) => {
        Attr::ro($name, |_, out| out.write_fmt(fmt!("{}\n", $value)))
    };
}

static ATTRS: [Attr<Figures>; 10] = [
    figure!(c"regions", REGIONS.get()),
    figure!(c"reserved_bytes", RESERVED.bytes()),
    figure!(c"committed_bytes", COMMITTED.bytes()),
    figure!(c"locked_bytes", LOCKED.bytes()),
    figure!(c"peak_bytes", PEAK.load(Relaxed).saturating_mul(PAGE_SIZE)),
    figure!(c"mdl_buffers", MDLS.get()),
    figure!(c"mdl_bytes", MDL_PAGES.bytes()),
    figure!(c"wx_given", flags::wx_given()),
    figure!(c"wx_denied", error::count(error::Error::Denied)),
    figure!(c"wrong_calls", error::wrong_calls()),
];

impl Attributes for Figures {
    fn attributes() -> &'static [Attr<Self>] {
        &ATTRS
    }
}
