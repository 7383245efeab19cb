// SPDX-License-Identifier: GPL-2.0

//! Areas: the runs of pages that a pool consists of.

use super::{
    arena::{
        owner,
        Run,
        Spot, //
    },
    guarded::Guarded,
    pool::Pool,
    store::{
        Desc,
        LIVE, //
    }, //
};
use kernel::page::PAGE_SHIFT;

/// A run of pages of a pool, protected as a whole.
#[repr(C)]
pub(crate) struct Area {
    pub(crate) state: Guarded<usize>,
    pub(crate) pool: Guarded<*const Pool>,
    pub(crate) next: Guarded<*const Area>,
    pub(crate) base: Guarded<usize>,
    pub(crate) pages: Guarded<usize>,
    /// [`crate::kmem_cgroup::Payer`].
    pub(crate) payer: Guarded<usize>,
    /// [`SEALED`], [`WRITE_RARE`].
    pub(crate) flags: Guarded<usize>,
    /// Where the lowest object starts, once the area is full or sealed.
    pub(crate) low: Guarded<usize>,
    /// Objects in it, in pools that can free them.
    pub(crate) live: Guarded<usize>,
    /// A digest for each page, in pools that have them, once the area is sealed.
    pub(crate) digests: Guarded<*const Guarded<u64>>,
}

/// The area's pages are read-only.
pub(crate) const SEALED: usize = 1;
/// The write-rare calls may write to it.
pub(crate) const WRITE_RARE: usize = 2;

impl Desc for Area {
    const OWNER: usize = owner::AREAS;

    fn state(&self) -> &Guarded<usize> {
        &self.state
    }
}

impl Area {
    pub(crate) fn addr(&self) -> usize {
        self.base.get()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.pages.get() << PAGE_SHIFT
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages.get()
    }

    pub(crate) fn pool(&self) -> &'static Pool {
        // SAFETY: Descriptors stay mapped; a living area has a living pool.
        unsafe { &*self.pool.get() }
    }

    pub(crate) fn run(&self) -> Option<Run> {
        Run::at(self.addr(), self.pages())
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.flags.get() & SEALED != 0
    }

    #[inline(always)]
    pub(crate) fn is_write_rare(&self) -> bool {
        self.flags.get() & WRITE_RARE != 0
    }

    /// The area that owns the page at `addr`, if one does. Any context; with interrupts off, the
    /// area and its pool stay until they are on again.
    #[inline(always)]
    pub(crate) fn owning(addr: usize) -> Option<&'static Self> {
        let owner = Spot::of(addr)?.owner();
        if owner <= owner::LAST {
            return None;
        }
        // SAFETY: Owners are protected, and are areas' descriptors if not one of the numbers.
        let area = unsafe { &*(owner as *const Self) };
        (area.state.get() == LIVE).then_some(area)
    }

    /// Whether `size` bytes from `addr` on lie within the area. Does not overflow.
    #[inline(always)]
    pub(crate) fn has(&self, addr: usize, size: usize) -> bool {
        addr.checked_sub(self.addr())
            .and_then(|offset| self.bytes().checked_sub(offset))
            .is_some_and(|room| size <= room)
    }
}
