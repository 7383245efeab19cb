// SPDX-License-Identifier: GPL-2.0

//! Where each living object of a slab was allocated; kept under the module parameter `track`.

use crate::{
    caller::Caller,
    irq_xarray::IrqXArray, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// Sites that a report names; objects of further ones are given as a sum.
const NAMED: usize = 16;

/// The allocation sites, by object.
pub(super) struct Sites {
    callers: IrqXArray,
    /// Objects for which there was no memory to remember their site.
    untracked: Atomic<u64>,
}

impl Sites {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            callers: IrqXArray::new()?,
            untracked: Atomic::new(0),
        })
    }

    /// Remembers who allocates `objp`. Does not sleep.
    #[cold]
    #[inline(never)]
    pub(super) fn add(&self, objp: *const c_void) {
        let gfp = bindings::GFP_ATOMIC | bindings::__GFP_NOWARN;
        let entry = Caller::find().to_entry();
        if self.callers.store(key(objp), entry, gfp).is_err() {
            self.untracked.fetch_add(1, Relaxed);
        }
    }

    /// Forgets `objp`.
    #[cold]
    #[inline(never)]
    pub(super) fn remove(&self, objp: *const c_void) {
        self.callers.erase(key(objp));
    }

    /// Says in the log how many objects of the slab `name` are from where.
    pub(super) fn report(&self, name: &CStr) {
        let mut named: [(usize, u64); NAMED] = [(0, 0); NAMED];
        let mut others = 0u64;
        self.callers.for_each(|entry| {
            match named
                .iter_mut()
                .find(|(site, count)| *count == 0 || *site == entry)
            {
                Some(slot) => *slot = (entry, slot.1 + 1),
                None => others += 1,
            }
        });
        for (entry, count) in named.into_iter().filter(|&(_, count)| count > 0) {
            pr_warn!(
                "slab {}: {} from {}\n",
                name,
                count,
                Caller::from_entry(entry)
            );
        }
        if others > 0 {
            pr_warn!("slab {}: {} from other sites\n", name, others);
        }
        let untracked = self.untracked.load(Relaxed);
        if untracked > 0 {
            pr_warn!(
                "slab {}: {} allocations could not be tracked\n",
                name,
                untracked
            );
        }
    }
}

/// Objects are a word apart at least.
fn key(objp: *const c_void) -> usize {
    objp as usize / size_of::<usize>()
}
