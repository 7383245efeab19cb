// SPDX-License-Identifier: GPL-2.0

//! The list of regions, for root: `/sys/kernel/debug/rsbac_mem_vmm/regions`.
//!
//! It tells addresses and can be long, which sysfs is not made for.

use super::{
    region::Region,
    with,
    Registry, //
};
use kernel::{
    debugfs,
    fmt,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

/// The file; lives as long as the module.
pub(super) struct List {
    _file: Pin<KBox<debugfs::File<Regions>>>,
    _dir: debugfs::Dir,
}

impl List {
    pub(super) fn new() -> kernel::error::Result<Self> {
        let dir = debugfs::Dir::new(c"rsbac_mem_vmm");
        let file = KBox::pin_init(dir.read_only_file(c"regions", Regions), GFP_KERNEL)?;
        Ok(Self {
            _file: file,
            _dir: dir,
        })
    }
}

/// What the file shows: base, bytes, bytes committed and locked, and flags, a line per region.
struct Regions;

impl debugfs::Writer for Regions {
    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut addr = 0;
        // One at a time, so that the registry is not held while a region is asked.
        while let Some(region) = next(addr) {
            let (committed, locked) = region.counts();
            out.write_fmt(fmt!(
                "{:#x} {} {} {} {:#06x}\n",
                region.base(),
                region.size(),
                committed * PAGE_SIZE,
                locked * PAGE_SIZE,
                region.shape().to_flags()
            ))?;
            addr = region.span().1 + 1;
        }
        Ok(())
    }
}

fn next(addr: usize) -> Option<Arc<Region>> {
    with(|registry: &Registry| Ok(registry.regions.after(addr))).ok()?
}
