// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/rsbac_mem/kmem_cgroup/`: figures for everyone, and files to poll.
//!
//! Files of configfs have a fixed mode and cannot be polled. So each group has a directory below
//! `groups/` here, too, with what anybody may read; `poll()` on its `events` wakes up when an
//! allocation was refused.

use super::{
    ffi,
    group::Group, //
};
use crate::sysfs::{
    Attr,
    Attributes,
    Dir,
    Parent,
    Root, //
};
use kernel::{
    bindings,
    fmt::{
        self,
        Write, //
    },
    prelude::*,
    str::Formatter,
    sync::Arc, //
};

/// How true the figures are.
pub(crate) struct Accuracy;

fn stat(which: usize) -> c_ulong {
    const { assert!(ffi::RECONCILED < ffi::STATS) };
    // SAFETY: The constants are indices of the engine's table.
    unsafe { ffi::kmc_stat(which as c_uint) }
}

fn show_accuracy(_: &Accuracy, out: &mut Formatter<'_>) -> fmt::Result {
    match stat(ffi::UNTRACKED) {
        0 => out.write_str("exact\n"),
        n => out.write_fmt(fmt!("up to {n} objects more than shown\n")),
    }
}

static ACCURACY: [Attr<Accuracy>; 5] = [
    Attr::ro(c"accuracy", show_accuracy),
    Attr::ro(c"bookkeeping_bytes", |_, out| {
        // SAFETY: May be called at any time while the engine runs.
        out.write_fmt(fmt!("{}\n", unsafe { ffi::kmc_bookkeeping() }))
    }),
    Attr::ro(c"misplaced", |_, out| {
        out.write_fmt(fmt!("{}\n", stat(ffi::MISPLACED)))
    }),
    Attr::ro(c"reconciled", |_, out| {
        out.write_fmt(fmt!("{}\n", stat(ffi::RECONCILED)))
    }),
    Attr::ro(c"untracked", |_, out| {
        out.write_fmt(fmt!("{}\n", stat(ffi::UNTRACKED)))
    }),
];

impl Attributes for Accuracy {
    fn attributes() -> &'static [Attr<Self>] {
        &ACCURACY
    }
}

/// A group's directory.
pub(crate) struct Files(Arc<Group>);

static FILES: [Attr<Files>; 5] = [
    Attr::ro(c"current", |files, out| files.0.show_current(out)),
    Attr::ro(c"events", |files, out| files.0.show_events(out)),
    Attr::ro(c"failcnt", |files, out| files.0.show_failcnt(out)),
    Attr::ro(c"max", |files, out| files.0.show_max(out)),
    Attr::ro(c"peak", |files, out| files.0.show_peak(out)),
];

impl Attributes for Files {
    fn attributes() -> &'static [Attr<Self>] {
        &FILES
    }
}

/// The directory of one group; it lives as long as this value.
pub(crate) type Mirror = Dir<Files>;

/// Makes the directory of `group`, and has pollers of its `events` notified. May sleep.
pub(crate) fn mirror(parent: &impl Parent, name: &CStr, group: Arc<Group>) -> Result<Mirror> {
    let dir = Dir::new(parent, name, Files(group))?;
    // SAFETY: The kobject is registered, so its directory is there and has the file.
    let kn = unsafe {
        bindings::kernfs_find_and_get_ns(
            (*dir.kobj()).sd,
            c"events".as_char_ptr(),
            core::ptr::null(),
        )
    };
    // SAFETY: The reference that the search took is given up.
    unsafe { dir.0.watch(kn) };
    Ok(dir)
}

/// The directory of the discipline.
pub(crate) struct Base {
    dir: Dir<Accuracy>,
}

impl Base {
    pub(crate) fn new(root: &Root) -> Result<Self> {
        Ok(Self {
            dir: Dir::new(root, c"kmem_cgroup", Accuracy)?,
        })
    }

    /// Makes the directory of the root group.
    pub(crate) fn groups(&self) -> Result<(Arc<Group>, Mirror)> {
        let group = Arc::new(Group::root(), GFP_KERNEL)?;
        let dir = mirror(&self.dir, c"groups", group.clone())?;
        Ok((group, dir))
    }
}
