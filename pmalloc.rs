// SPDX-License-Identifier: GPL-2.0

//! Pools of memory that can be sealed read-only, and rarely written.
//!
//! `include/linux/pmalloc.h` has the contract. How it is kept:
//!
//! - [`frames`]: pages come from 2 MiB chunks that are read-only in the direct map as a whole, so
//!   that sealing splits no large page;
//! - [`arena`]: pools see them at addresses of their own, where they are writable until sealed;
//! - [`window`]: sealed memory is written through page tables that one CPU alone has loaded;
//! - [`guarded`]: all that decides about protection is itself only written that way;
//! - [`pool`], [`object`]: where the next object goes, and freeing single ones;
//! - [`wr`]: the write-rare calls; [`ledger`] remembers who made them;
//! - [`mod@verify`] and [`audit`]: whether sealed memory and its page tables are as they should be.

mod area;
mod arena;
mod attrs;
mod audit;
mod cache;
mod frames;
mod guarded;
mod ledger;
mod live;
mod mode;
mod object;
mod pool;
mod report;
mod stats;
mod store;
mod verify;
mod window;
mod wr;

pub(crate) use self::{
    area::Area,
    cache::Cache,
    mode::Mode,
    object::{
        free,
        Key, //
    },
    pool::Pool,
    report::{
        refuse,
        Wrong, //
    },
    window::Window,
    wr::{
        fill_in,
        Op,
        Request, //
    }, //
};

use crate::{
    caller::Caller,
    sysfs::Root, //
};
use kernel::{
    page::PAGE_SHIFT,
    prelude::*,
    sync::SetOnce, //
};

/// The largest `align_order`: areas start at pages.
const MAX_ALIGN_ORDER: i16 = PAGE_SHIFT as i16;
/// What a negative `align_order` stands for: as kmalloc() would align.
const DEFAULT_ALIGN: usize = 8;

/// How the module was loaded.
#[derive(Clone, Copy)]
pub(crate) struct Config {
    /// The module itself, which each pool holds.
    pub(crate) module: &'static ThisModule,
    /// Refuse to create pools that cannot be protected in the direct map.
    pub(crate) require_full_protection: bool,
    /// Do as on a kernel that lets us protect the areas alone: for tests.
    pub(crate) area_only: bool,
}

static CONFIG: SetOnce<Config> = SetOnce::new();

fn area_only() -> bool {
    CONFIG.as_ref().is_some_and(|config| config.area_only)
}

fn this_module() -> Result<*mut kernel::bindings::module> {
    CONFIG
        .as_ref()
        .map(|config| config.module.as_ptr())
        .ok_or(ENODEV)
}

/// The discipline, from load to unload.
pub(crate) struct Pmalloc(());

impl Pmalloc {
    /// Gets ready; memory and page tables are only set up for the first pool.
    ///
    /// # Safety
    ///
    /// Must be called once, when the module is loaded.
    pub(crate) unsafe fn new(root: &Root, config: Config) -> Result<Self> {
        CONFIG.populate(config);
        // SAFETY: By the contract of this function.
        unsafe { live::start(root) }?;
        store::look();
        Ok(Self(()))
    }
}

impl Drop for Pmalloc {
    fn drop(&mut self) {
        live::stop();
    }
}

/// Creates a pool. The module cannot be unloaded until it is destroyed. May sleep.
pub(crate) fn create(
    mode: u8,
    refill: usize,
    align_order: i16,
    name: Option<&CStr>,
) -> Result<&'static Pool> {
    let refused = |wrong: Wrong| {
        refuse("pmalloc_create_pool", wrong, 0, refill, Caller::find());
        EINVAL
    };
    let mode = Mode::new(mode).ok_or_else(|| refused(Wrong::Mode))?;
    if align_order > MAX_ALIGN_ORDER {
        return Err(refused(Wrong::Align));
    }
    let align = if align_order < 0 {
        DEFAULT_ALIGN
    } else {
        1 << align_order
    };
    let required = CONFIG
        .as_ref()
        .is_some_and(|config| config.require_full_protection);
    if required && !store::with(|store| Ok(store.full_protection))? {
        return Err(refused(Wrong::Protection));
    }
    let this = this_module()?;
    // SAFETY: This code runs, so that the module is there.
    if !unsafe { kernel::bindings::try_module_get(this) } {
        return Err(ENODEV);
    }
    live::create(mode, refill, align, name, Caller::find).inspect_err(|_| {
        // SAFETY: Taken above.
        unsafe { kernel::bindings::module_put(this) }
    })
}

/// Destroys a pool with all that was allocated from it. May sleep.
pub(crate) fn destroy(pool: &'static Pool) {
    if live::destroy(pool).is_err() {
        refuse("pmalloc_destroy_pool", Wrong::Pool, 0, 0, Caller::find());
        return;
    }
    // SAFETY: Taken when the pool was created. Callers hold the module by its symbols.
    let _ = this_module().map(|this| unsafe { kernel::bindings::module_put(this) });
}

/// Compares all sealed memory of a pool with its digests. May sleep.
pub(crate) fn verify(pool: &'static Pool) -> Result {
    verify::pool(pool)
}

/// Compares the pages that an object lies in with their digests.
pub(crate) fn verify_object(addr: usize, size: usize) -> Result {
    verify::object(addr, size)
}
