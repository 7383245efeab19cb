// SPDX-License-Identifier: GPL-2.0

//! Figures of all pools together.

use kernel::sync::atomic::Atomic;

pub(crate) struct Stats {
    /// Bytes that were taken from the kernel.
    pub(crate) reserved: Atomic<usize>,
    /// Large pages of the direct map that had to be split.
    pub(crate) splits: Atomic<u64>,
    /// Flushes of all CPUs' TLBs that protecting and unprotecting took.
    pub(crate) flushes: Atomic<u64>,
    /// Areas that were sealed.
    pub(crate) seals: Atomic<u64>,
    /// Writes through write-rare, none of which flushes another CPU's TLB.
    pub(crate) writes: Atomic<u64>,
    /// Calls that were refused: wrong pools, wrong targets, wrong cookies.
    pub(crate) refused: Atomic<u64>,
}

pub(crate) static STATS: Stats = Stats {
    reserved: Atomic::new(0),
    splits: Atomic::new(0),
    flushes: Atomic::new(0),
    seals: Atomic::new(0),
    writes: Atomic::new(0),
    refused: Atomic::new(0),
};
