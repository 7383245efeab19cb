// SPDX-License-Identifier: GPL-2.0

//! The engine of [`crate::kmem_cgroup`], in C: `kmem_cgroup/engine.h` says what each does.

#![allow(
    improper_ctypes,
    reason = "lockdep's structs are empty where it is off"
)]

use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

/// `struct kmc_group`; only the engine looks inside.
#[repr(transparent)]
pub(crate) struct Group(Opaque<u8>);

/// `struct kmc_figures`, in bytes and in times.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) current: c_ulong,
    pub(crate) max: c_ulong,
    pub(crate) peak: c_ulong,
    pub(crate) hits: c_ulong,
    pub(crate) failed: c_ulong,
    pub(crate) refused: c_ulong,
}

/// `KMC_NO_MAX`.
pub(crate) const NO_MAX: c_ulong = c_ulong::MAX >> 1;

/// The indices of `kmc_stats`, and how many there are.
pub(crate) const UNTRACKED: usize = 0;
pub(crate) const MISPLACED: usize = 1;
pub(crate) const RECONCILED: usize = 2;
pub(crate) const STATS: usize = 3;

extern "C" {
    pub(crate) static kmc_root: Group;

    pub(crate) fn kmc_start() -> c_int;
    pub(crate) fn kmc_stop();
    pub(crate) fn kmc_who_start() -> c_int;
    pub(crate) fn kmc_who_stop();
    pub(crate) fn kmc_table_start() -> c_int;
    pub(crate) fn kmc_table_stop();
    pub(crate) fn kmc_watch_on() -> c_int;
    pub(crate) fn kmc_watch_off();
    pub(crate) fn kmc_kset_find() -> c_int;
    pub(crate) fn kmc_kset_get(name: *const c_char) -> *mut bindings::kobject;
    pub(crate) fn kmc_kset_next(prev: *mut bindings::kobject) -> *mut bindings::kobject;
    pub(crate) fn kmc_kset_has_file(kobj: *mut bindings::kobject, name: *const c_char) -> bool;
    pub(crate) fn kmc_kset_aliases(
        kobj: *mut bindings::kobject,
        buf: *mut c_char,
        len: usize,
    ) -> c_int;
    pub(crate) fn kmc_hooks_possible(why: *mut *const c_char) -> bool;
    pub(crate) fn kmc_stat(which: c_uint) -> c_ulong;
    pub(crate) fn kmc_bookkeeping() -> c_ulong;

    pub(crate) fn kmc_group_new(parent: *const Group, name: *const c_char) -> *mut Group;
    pub(crate) fn kmc_group_remove(group: *const Group);
    pub(crate) fn kmc_group_put(group: *const Group);
    pub(crate) fn kmc_group_watch(group: *const Group, kn: *mut bindings::kernfs_node);
    pub(crate) fn kmc_group_figures(group: *const Group, figures: *mut Figures);
    pub(crate) fn kmc_group_reset(group: *const Group, peak: bool);
    pub(crate) fn kmc_group_set_max(
        group: *const Group,
        text: *const c_char,
        none: *const c_char,
    ) -> c_int;
    pub(crate) fn kmc_group_caches(group: *const Group, buf: *mut c_char, len: usize) -> isize;
    pub(crate) fn kmc_group_attach(group: *const Group, path: *const c_char) -> c_int;
    pub(crate) fn kmc_group_attached(group: *const Group, buf: *mut c_char, len: usize) -> isize;
    pub(crate) fn kmc_pid_attach(group: *const Group, pid: c_int) -> c_int;
    pub(crate) fn kmc_pid_list(group: *const Group, buf: *mut c_char, len: usize) -> isize;

    pub(crate) fn kmc_mark(
        cache: *mut bindings::kmem_cache,
        kobj: *mut bindings::kobject,
        name: *const c_char,
        size: u32,
        memcg: bool,
    ) -> c_int;
    pub(crate) fn kmc_unmark(cache: *const bindings::kmem_cache) -> c_int;
    pub(crate) fn kmc_marked(cache: *const bindings::kmem_cache) -> c_int;

    pub(crate) fn kmc_explicit_charge(kind: u32, bytes: usize, force: bool) -> c_int;
    pub(crate) fn kmc_explicit_uncharge(id: u32, bytes: usize);
    pub(crate) fn kmc_explicit_charge_pages(nr: usize) -> c_int;
    pub(crate) fn kmc_explicit_uncharge_pages(id: u32, nr: usize);
}
