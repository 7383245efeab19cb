// SPDX-License-Identifier: GPL-2.0

//! The files of `/sys/kernel/rsbac_mem/slabs/<name>/`.

use super::slab::Slab;
use crate::{
    counters::Counters,
    sysfs::{
        Attr,
        Attributes, //
    }, //
};
use kernel::{
    fmt::Write,
    prelude::*, //
};

/// What is shown of one kind of memory.
pub(super) trait Figures {
    fn counters(&self) -> &Counters;

    /// Bytes per object; 0 where objects are of any size.
    fn object_size(&self) -> usize;

    /// Bytes that are allocated now.
    fn bytes(&self) -> u64 {
        self.counters().objects() * self.object_size() as u64
    }

    /// The most bytes that were allocated at a time.
    fn peak_bytes(&self) -> u64 {
        self.counters().peak() * self.object_size() as u64
    }
}

/// How many files there are.
pub(super) const FILES: usize = 7;

/// The files, one for each figure.
pub(super) const fn attributes<T: Figures>() -> [Attr<T>; FILES] {
    [
        Attr::ro(c"object_size", |f, out| {
            out.write_fmt(fmt!("{}\n", f.object_size()))
        }),
        Attr::ro(c"objects", |f, out| {
            out.write_fmt(fmt!("{}\n", f.counters().objects()))
        }),
        Attr::ro(c"bytes", |f, out| out.write_fmt(fmt!("{}\n", f.bytes()))),
        Attr::ro(c"peak_bytes", |f, out| {
            out.write_fmt(fmt!("{}\n", f.peak_bytes()))
        }),
        Attr::ro(c"allocs", |f, out| {
            out.write_fmt(fmt!("{}\n", f.counters().allocs()))
        }),
        Attr::ro(c"frees", |f, out| {
            out.write_fmt(fmt!("{}\n", f.counters().frees()))
        }),
        Attr::ro(c"failed", |f, out| {
            out.write_fmt(fmt!("{}\n", f.counters().failed()))
        }),
    ]
}

impl Figures for Slab {
    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn object_size(&self) -> usize {
        self.object_size
    }
}

static SLAB_ATTRS: [Attr<Slab>; FILES] = attributes();

impl Attributes for Slab {
    fn attributes() -> &'static [Attr<Self>] {
        &SLAB_ATTRS
    }
}
