// SPDX-License-Identifier: GPL-2.0

//! Who uses which cache, and how much they may: `include/linux/kmem_cgroup.h`.
//!
//! An administrator marks caches of the running kernel in `/sys/kernel/slab/*/cache_account`, makes
//! groups in `/sys/kernel/config/kmem`, and attaches cgroups or processes to them. From then on
//! each object of a marked cache is charged to the group of the task that allocates it, and an
//! allocation that would lift a group over its `max` fails.
//!
//! What runs on the kernel's allocation paths is C, in `kmem_cgroup/*.c`: per-CPU words, RCU and
//! ftrace trampolines are macros and inline functions there, and every instruction counts. This
//! side has what people touch:
//!
//! - [`group`]: a group as a safe handle, and the text of its files;
//! - [`tree`]: the directories of configfs;
//! - [`mirror`]: the same figures in sysfs, for everyone to read and to poll;
//! - [`view`]: the kernel's caches, and their `cache_account` files.
//!
//! Nothing is hooked on allocation paths before the first cache is marked.

mod group;
mod mirror;
mod tree;
mod view;

use crate::{
    features,
    ffi::kmem_cgroup as ffi,
    sysfs::Root, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// The discipline while it runs.
///
/// Fields are dropped in this order: no new groups, then no new marks, then the engine.
pub(crate) struct KmemCgroup {
    _tree: Pin<KBox<tree::Tree>>,
    _mirror: mirror::Base,
    _view: Option<view::View>,
    _table: Table,
    _engine: Engine,
}

impl KmemCgroup {
    pub(crate) fn new(root: &Root) -> Result<Self> {
        let engine = Engine::start()?;
        let table = Table::start()?;
        let view = Self::view()?;
        let mirror = mirror::Base::new(root)?;
        let tree = KBox::pin_init(tree::tree(mirror.groups()?)?, GFP_KERNEL)?;
        Ok(Self {
            _tree: tree,
            _mirror: mirror,
            _view: view,
            _table: table,
            _engine: engine,
        })
    }

    /// The kernel's caches, where this kernel lets us count their objects.
    fn view() -> Result<Option<view::View>> {
        let mut why: *const c_char = core::ptr::null();
        // SAFETY: `why` is valid for the write of a pointer.
        if unsafe { ffi::kmc_hooks_possible(&mut why) } {
            features::KMEM_CGROUP.found();
            return view::View::new().map(Some);
        }
        // SAFETY: Where it says no, the engine leaves a static string of ASCII text.
        let why: &'static CStr = unsafe { CStr::from_char_ptr(why) };
        features::KMEM_CGROUP.missing(why.to_str()?);
        Ok(None)
    }
}

/// The engine: membership, pairs and hooks.
struct Engine;

impl Engine {
    fn start() -> Result<Self> {
        // SAFETY: Called once, first, while the module is loaded.
        to_result(unsafe { ffi::kmc_start() })?;
        // SAFETY: As above. Without forks being seen, children of processes in `pids` would be
        // charged to the wrong group.
        to_result(unsafe { ffi::kmc_who_start() })?;
        Ok(Self)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: All groups are gone, since each holds the module; so are the `cache_account`
        // files, whose [`view::View`] was dropped before. The hooks go first, then what they use.
        unsafe {
            ffi::kmc_stop();
            ffi::kmc_who_stop();
        }
    }
}

/// `/proc/rsbac_mem/kmem`.
struct Table;

impl Table {
    fn start() -> Result<Self> {
        // SAFETY: Called once, after the engine was started.
        to_result(unsafe { ffi::kmc_table_start() })?;
        Ok(Self)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: It was started.
        unsafe { ffi::kmc_table_stop() };
    }
}

/// `KMEM_CGROUP_VMALLOC`.
pub(crate) const VMALLOC: u32 = 2;
/// `KMEM_CGROUP_PAGES`.
pub(crate) const PAGES: u32 = 3;

/// A charge that the owner of some memory keeps: `struct kmem_cgroup_charge`.
#[repr(C)]
pub(crate) struct Charge {
    id: u32,
    bytes: usize,
}

impl Charge {
    /// Charges `bytes` of the given kind to the group of the calling task, for an owner who keeps
    /// the number that is returned. Does not sleep.
    pub(crate) fn to(kind: u32, bytes: usize) -> Result<u32> {
        let mut charge = Self { id: 0, bytes: 0 };
        charge.take(kind, bytes, false).map(|()| charge.id)
    }

    /// The charge that [`Self::to`] made of these bytes.
    pub(crate) fn of(id: u32, bytes: usize) -> Self {
        Self { id, bytes }
    }

    /// Charges `bytes` of the given kind to the group of the calling task. Does not sleep.
    pub(crate) fn take(&mut self, kind: u32, bytes: usize, force: bool) -> Result {
        if self.id != 0 || !(1..=3).contains(&kind) || bytes == 0 || bytes > isize::MAX as usize {
            return Err(EINVAL);
        }
        // SAFETY: `kind` is one that the engine has, and `bytes` is in its range.
        let id = unsafe { ffi::kmc_explicit_charge(kind, bytes, force) };
        to_result(id.min(0))?;
        self.id = id as u32;
        self.bytes = bytes;
        Ok(())
    }

    /// Gives the charge back. Does not sleep.
    pub(crate) fn give(&mut self) {
        if self.id != 0 {
            // SAFETY: The charge was taken with this number and size, and not given back since.
            unsafe { ffi::kmc_explicit_uncharge(self.id, self.bytes) };
        }
        self.id = 0;
        self.bytes = 0;
    }
}

/// Whom pages went to that another discipline charges. The pages are counted one by one, so that
/// they can be given back in other portions than they were taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Payer(u32);

impl Payer {
    /// Whoever pays for nothing.
    pub(crate) const NOBODY: Self = Self(0);

    /// For owners who keep it in a word of theirs.
    pub(crate) fn to_word(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_word(word: usize) -> Self {
        Self(word as u32)
    }

    /// Charges `pages` pages to the group of the calling task. Does not sleep.
    pub(crate) fn charge(pages: usize) -> Result<Self> {
        if pages == 0 || pages > isize::MAX as usize / kernel::page::PAGE_SIZE {
            return Err(EINVAL);
        }
        // SAFETY: The number of bytes is in the engine's range.
        let id = unsafe { ffi::kmc_explicit_charge_pages(pages) };
        to_result(id.min(0))?;
        Ok(Self(id as u32))
    }

    /// Gives back `pages` of the pages that were charged. Does not sleep.
    pub(crate) fn uncharge(self, pages: usize) {
        if self.0 != 0 {
            // SAFETY: As many pages at least were charged with this number.
            unsafe { ffi::kmc_explicit_uncharge_pages(self.0, pages) };
        }
    }
}
