// SPDX-License-Identifier: GPL-2.0

//! Walks the page tables of all that should be protected, and says what is not.
//!
//! Both views are looked at: the addresses that a pool handed out, and the direct map.

use super::{
    area::Area,
    arena::{
        owner,
        Spot, //
    },
    frames::direct,
    guarded::{
        Root,
        ROOT, //
    },
    store, //
};
use crate::pagetable;
use kernel::{
    fmt::{
        self,
        Write, //
    },
    str::Formatter, //
};

/// Pools with damage that are named in one reading.
const NAMED: usize = 16;

/// What one walk found.
#[derive(Default)]
pub(crate) struct Audit {
    /// Pages of sealed areas, and of our own metadata.
    protected: usize,
    /// Of these: read-only in both views, or in the one that this kernel lets us protect.
    ok: usize,
    /// Of these: not.
    bad: usize,
    /// Pools with pages that are not, and how many pages.
    pools: [(usize, usize); NAMED],
    /// Pages of our own metadata that are not.
    metadata: usize,
}

impl Audit {
    /// Walks all page tables of all pools. May sleep.
    pub(crate) fn new() -> Self {
        let mut audit = Self::default();
        // The lock keeps areas where they are.
        let guard = store::STORE.lock();
        let Some(store) = guard.as_ref() else {
            return audit;
        };
        for spot in Spot::all() {
            let pool = match spot.owner() {
                owner::NOBODY | owner::GUARD => continue,
                owner::HEADER..=owner::LAST => None,
                area => {
                    // SAFETY: Owners are areas' descriptors if not one of the numbers.
                    let area = unsafe { &*(area as *const Area) };
                    if !area.is_sealed() {
                        continue;
                    }
                    Some(area.pool().id.get())
                }
            };
            audit.look_at(spot, pool, store.full_protection);
        }
        // What everything is found from.
        let root = core::ptr::from_ref::<Root>(&ROOT) as usize;
        let writable = pagetable::view(root).is_none_or(|view| view.writable);
        audit.count(!writable, None);
        audit
    }

    fn look_at(&mut self, spot: Spot, pool: Option<usize>, both: bool) {
        let right = spot.entry().get().is_some_and(|(pfn, writable)| {
            let alias = pagetable::view(direct(pfn));
            let alias_writable = alias.is_some_and(|view| view.writable);
            !(writable || both && alias_writable)
        });
        self.count(right, pool);
    }

    fn count(&mut self, right: bool, pool: Option<usize>) {
        self.protected += 1;
        if right {
            self.ok += 1;
            return;
        }
        self.bad += 1;
        let Some(id) = pool else {
            self.metadata += 1;
            return;
        };
        let place = self
            .pools
            .iter_mut()
            .find(|place| place.0 == id || place.0 == 0);
        if let Some(place) = place {
            *place = (id, place.1 + 1);
        }
    }

    /// See Documentation/ABI/testing.
    pub(crate) fn show(
        &self,
        out: &mut Formatter<'_>,
        name: impl Fn(usize, &mut Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        writeln!(
            out,
            "protected {}\nok {}\nbad {}",
            self.protected, self.ok, self.bad
        )?;
        if self.metadata != 0 {
            writeln!(out, "metadata {}", self.metadata)?;
        }
        for (id, pages) in self.pools.iter().filter(|place| place.0 != 0) {
            out.write_str("pool ")?;
            name(*id, out)?;
            writeln!(out, " {pages}")?;
        }
        Ok(())
    }
}
