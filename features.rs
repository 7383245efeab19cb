// SPDX-License-Identifier: GPL-2.0

//! What this kernel allows, found out at load: `/sys/kernel/rsbac_mem/features/`.
//!
//! A discipline that misses something of the kernel says so here and in the log, and goes without
//! the one feature that needs it.

use crate::sysfs::{
    Attr,
    Attributes,
    Dir,
    Root, //
};
use kernel::{
    fmt::{
        self,
        Write, //
    },
    prelude::*,
    str::Formatter,
    sync::SetOnce, //
};

/// Something that a kernel may lack.
pub(crate) struct Feature {
    name: &'static str,
    /// `None` where the kernel allows it, else why it does not.
    missing: SetOnce<Option<&'static str>>,
}

impl Feature {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            missing: SetOnce::new(),
        }
    }

    /// Notes that this kernel allows the feature.
    pub(crate) fn found(&self) {
        self.missing.populate(None);
    }

    /// Notes that this kernel does not allow the feature, and says why in the log, once.
    pub(crate) fn missing(&self, why: &'static str) {
        if self.missing.populate(Some(why)) {
            pr_warn!("no {}: {}\n", self.name, why);
        }
    }

    fn show(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.missing.copy() {
            None => out.write_str("unknown: not asked for yet\n"),
            Some(None) => out.write_str("yes\n"),
            Some(Some(why)) => out.write_fmt(fmt!("no: {}\n", why)),
        }
    }
}

/// The RSBAC calls: they need to find the slab that an address belongs to, since otherwise wrong
/// pointers could not be told from right ones.
pub(crate) static RKMEM: Feature = Feature::new("rkmem");

/// Regions: they need the kernel's functions that map pages into a reserved range.
pub(crate) static VMM: Feature = Feature::new("vmm");

/// Pools: they need x86-64's page tables, and to write to them.
pub(crate) static PMALLOC: Feature = Feature::new("pmalloc");

/// Sealed memory is read-only in the direct map as well.
pub(crate) static PMALLOC_DIRECT_MAP: Feature = Feature::new("pmalloc_direct_map");

/// Counting and limiting the kernel's own caches: allocation functions must be enterable.
pub(crate) static KMEM_CGROUP: Feature = Feature::new("kmem_cgroup");

static ATTRS: [Attr<Table>; 5] = [
    Attr::ro(c"kmem_cgroup", |_, out| KMEM_CGROUP.show(out)),
    Attr::ro(c"rkmem", |_, out| RKMEM.show(out)),
    Attr::ro(c"vmm", |_, out| VMM.show(out)),
    Attr::ro(c"pmalloc", |_, out| PMALLOC.show(out)),
    Attr::ro(c"pmalloc_direct_map", |_, out| PMALLOC_DIRECT_MAP.show(out)),
];

/// The features themselves are static, since those who find out do not know the directory.
pub(crate) struct Table;

impl Attributes for Table {
    fn attributes() -> &'static [Attr<Self>] {
        &ATTRS
    }
}

/// The directory; lives as long as the module.
pub(crate) struct Features {
    _dir: Dir<Table>,
}

impl Features {
    pub(crate) fn new(root: &Root) -> Result<Self> {
        Ok(Self {
            _dir: Dir::new(root, c"features", Table)?,
        })
    }
}
