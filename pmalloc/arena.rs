// SPDX-License-Identifier: GPL-2.0

//! Address ranges that all pools map their memory in, and who owns each page of them.
//!
//! An arena is a range of kernel addresses, reserved by `vmap` together with its page tables. Its
//! first pages are its own header: for each page the owner, and for each table of entries where it
//! is. So an address leads to its owner and its page-table entry in a few loads, from any context.
//! The header is protected like all else here. Arenas stay until the module is unloaded; memory
//! that pools mapped in them goes back when the pools do.
//!
//! After each run of pages one stays unmapped, so that running over the end of an area faults.

use super::{
    frames,
    guarded::{
        pages_for,
        Guarded,
        ARENAS,
        ROOT, //
    },
    store::Store, //
};
use crate::{
    ffi::pmalloc as ffi,
    pagetable::{
        self,
        Entry, //
    }, //
};
use core::mem::size_of;
use kernel::{
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// Pages of the first arena: 32 MiB of addresses.
const FIRST: usize = 8192;
/// Pages of the largest one, unless an area is larger: 4 GiB.
const LARGEST: usize = 1 << 20;
/// Entries in a page table.
const TABLE: usize = 512;

/// Who owns a page of an arena: one of these, or the address of a pool's area.
pub(crate) mod owner {
    pub(crate) const NOBODY: usize = 0;
    /// Stays unmapped, after a run of somebody's.
    pub(crate) const GUARD: usize = 1;
    /// Part of an arena's header, or the CPUs' windows.
    pub(crate) const HEADER: usize = 2;
    /// Descriptors of pools, areas and chunks, and digests.
    pub(crate) const POOLS: usize = 3;
    pub(crate) const AREAS: usize = 4;
    pub(crate) const CHUNKS: usize = 5;
    pub(crate) const CACHES: usize = 6;
    pub(crate) const DIGESTS: usize = 7;
    pub(crate) const LAST: usize = 15;
}

/// One page of an arena.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    base: usize,
    pages: usize,
    page: usize,
}

impl Spot {
    /// The page that `addr` lies in, if any arena has it. Any context.
    #[inline(always)]
    pub(crate) fn of(addr: usize) -> Option<Self> {
        for arena in ROOT.arenas.iter().take(ROOT.count.get()) {
            let base = arena.base.get();
            let page = addr.wrapping_sub(base) >> PAGE_SHIFT;
            let pages = arena.pages.get();
            if page < pages {
                return Some(Self { base, pages, page });
            }
        }
        None
    }

    /// The first page of arena `index`.
    fn first(index: usize) -> Option<Self> {
        let arena = (index < ROOT.count.get()).then(|| ROOT.arenas.get(index))??;
        Some(Self {
            base: arena.base.get(),
            pages: arena.pages.get(),
            page: 0,
        })
    }

    /// All pages of all arenas.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..ROOT.count.get())
            .filter_map(Self::first)
            .flat_map(|first| (0..first.pages).filter_map(move |n| first.nth(n)))
    }

    pub(crate) fn addr(self) -> usize {
        self.base + (self.page << PAGE_SHIFT)
    }

    /// The page `n` after this one, in the same arena.
    fn nth(self, n: usize) -> Option<Self> {
        let page = self.page.checked_add(n)?;
        (page < self.pages).then_some(Self { page, ..self })
    }

    #[inline(always)]
    fn owner_cell(self) -> &'static Guarded<usize> {
        // SAFETY: The header starts with a word for each page, and arenas stay.
        unsafe { &*(self.base as *const Guarded<usize>).add(self.page) }
    }

    #[inline(always)]
    pub(crate) fn owner(self) -> usize {
        self.owner_cell().get()
    }

    /// The page-table entry of the page.
    #[inline(always)]
    pub(crate) fn entry(self) -> Entry {
        // Tables start at multiples of what they map, the arena anywhere.
        let from_table = ((self.base >> PAGE_SHIFT) % TABLE) + self.page;
        // SAFETY: The owners are followed by the first entry of each table, for as many tables
        // as the arena's addresses lie in.
        unsafe {
            let table = (self.base as *const Entry)
                .add(self.pages)
                .add(from_table / TABLE)
                .read_volatile();
            table.nth(from_table % TABLE)
        }
    }
}

/// Pages that the header of an arena of `pages` pages takes.
fn header_pages(pages: usize) -> Option<usize> {
    let words = pages.checked_add(pages / TABLE + 2)?;
    pages_for(words.checked_mul(size_of::<usize>())?)
}

/// A run of pages in an arena.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    first: Spot,
    pages: usize,
}

impl Run {
    pub(crate) fn addr(&self) -> usize {
        self.first.addr()
    }

    /// The run that starts at `addr`.
    pub(crate) fn at(addr: usize, pages: usize) -> Option<Self> {
        let first = Spot::of(addr)?;
        (pages <= first.pages - first.page).then_some(Self { first, pages })
    }

    pub(crate) fn spots(self) -> impl Iterator<Item = Spot> {
        (0..self.pages).filter_map(move |n| self.first.nth(n))
    }

    /// Finds `pages` pages that nobody owns, with one more after them.
    fn find(store: &mut Store, pages: usize) -> Result<Self> {
        let want = pages.checked_add(1).ok_or(ENOMEM)?;
        for round in 0..2 {
            for index in 0..ROOT.count.get() {
                let arena = Spot::first(index).ok_or(EFAULT)?;
                // The last place first: it is likely to go on there.
                let from = if round == 0 { store.hints[index] } else { 0 };
                if let Some(page) = free_run(arena, from, want) {
                    store.hints[index] = page + want - 1;
                    let first = arena.nth(page).ok_or(EFAULT)?;
                    return Ok(Self { first, pages });
                }
            }
        }
        let index = add_arena(store, want)?;
        let arena = Spot::first(index).ok_or(EFAULT)?;
        let page = free_run(arena, 0, want).ok_or(ENOMEM)?;
        let first = arena.nth(page).ok_or(EFAULT)?;
        Ok(Self { first, pages })
    }

    /// Maps `pages` pages of zeroed memory, writable, and gives them to `owner`. May sleep.
    pub(crate) fn map(store: &mut Store, pages: usize, owner: usize) -> Result<Self> {
        let run = Self::find(store, pages)?;
        let frames = frames::take(store, pages)?;
        for (spot, &pfn) in run.spots().zip(frames.iter()) {
            // SAFETY: The frame was taken for this, and goes back after the entry is cleared.
            unsafe { spot.entry().map(pfn, true) };
        }
        // SAFETY: The pages were just mapped, for us alone. Nothing was mapped there that any CPU
        // might remember: runs are flushed when they are unmapped.
        unsafe { core::ptr::write_bytes(run.addr() as *mut u8, 0, pages << PAGE_SHIFT) };
        run.set_owner(owner);
        Ok(run)
    }

    /// Changes who owns the pages; the one after them becomes, or stops being, a guard.
    pub(crate) fn set_owner(&self, owner: usize) {
        for spot in self.spots() {
            spot.owner_cell().set(owner);
        }
        if let Some(guard) = self.first.nth(self.pages) {
            guard.owner_cell().set(match owner {
                owner::NOBODY => owner::NOBODY,
                _ => owner::GUARD,
            });
        }
    }

    /// Write-protects the pages. [`Self::flush`] must follow.
    pub(crate) fn protect(&self) {
        for spot in self.spots() {
            spot.entry().set_writable(false);
        }
    }

    /// Makes all CPUs forget how the pages were mapped.
    pub(crate) fn flush(&self) {
        pagetable::flush(self.addr(), self.addr() + (self.pages << PAGE_SHIFT));
    }

    /// Unmaps the pages, and gives their memory back. May sleep.
    ///
    /// # Safety
    ///
    /// Nobody may use the memory any more, nor find it: the owner must have been cleared, and all
    /// who might have seen it must be through.
    pub(crate) unsafe fn unmap(self, store: &mut Store) {
        // Cleared entries still say which frame it was to this loop alone, hence two passes with
        // the flush in between: no frame may be used anew while a CPU can reach it from here.
        let mut frames = frames::Batch::new();
        let mut spots = self.spots();
        loop {
            let mut from = None;
            let mut end = 0;
            for spot in spots.by_ref().take(frames::Batch::SIZE) {
                from.get_or_insert(spot.addr());
                end = spot.addr() + PAGE_SIZE;
                if let Some((pfn, _)) = spot.entry().get() {
                    // SAFETY: By the contract of this function.
                    unsafe { spot.entry().clear() };
                    frames.push(pfn);
                }
            }
            let Some(start) = from else { break };
            pagetable::flush(start, end);
            frames::give(store, &mut frames);
        }
    }
}

/// The first of `want` pages without an owner, from page `from` on.
fn free_run(arena: Spot, from: usize, want: usize) -> Option<usize> {
    let (mut start, mut len) = (from, 0);
    for page in from..arena.pages {
        if arena.nth(page)?.owner() == owner::NOBODY {
            len += 1;
            if len == want {
                // Large areas get whole chunks of memory wherever they start.
                return Some(start);
            }
        } else {
            (start, len) = (page + 1, 0);
        }
    }
    None
}

/// Makes an arena in which a run of `want` pages fits; returns its number.
pub(crate) fn add_arena(store: &mut Store, want: usize) -> Result<usize> {
    let index = ROOT.count.get();
    let arena = ROOT.arenas.get(index).ok_or(ENOMEM)?;
    let mut pages = FIRST
        .checked_shl(index as u32)
        .unwrap_or(LARGEST)
        .min(LARGEST);
    let (base, pages) = loop {
        // Twice `want` has room for the header, which is a five-hundredth of the arena.
        let least = want.checked_add(want / 64 + 8).ok_or(ENOMEM)?;
        pages = pages.max(least);
        // SAFETY: Any number may be asked for.
        let base = unsafe { ffi::rsbac_mem_arena_reserve(pages) } as usize;
        if base != 0 {
            break (base, pages);
        }
        if pages == least {
            return Err(ENOMEM);
        }
        pages /= 2;
    };
    pagetable::flush(base, base + (pages << PAGE_SHIFT));
    let done = fill_header(store, base, pages);
    if let Err(err) = done {
        // SAFETY: The range came from `vmap`, and nothing is mapped in it.
        unsafe { ffi::vunmap(base as *const c_void) };
        return Err(err);
    }
    arena.base.set(base);
    arena.pages.set(pages);
    ROOT.count.set(index + 1);
    Ok(index)
}

/// Maps and fills the header of an arena that nobody knows yet, and protects it.
fn fill_header(store: &mut Store, base: usize, pages: usize) -> Result {
    let header = header_pages(pages).ok_or(ENOMEM)?;
    let frames = frames::take(store, header)?;
    let entry = |page: usize| {
        // SAFETY: The range is ours.
        unsafe { Entry::find(base + (page << PAGE_SHIFT)) }.ok_or(EFAULT)
    };
    for (page, &pfn) in frames.iter().enumerate() {
        // SAFETY: The frame was taken for this; arenas stay until everything goes.
        unsafe { entry(page)?.map(pfn, true) };
    }
    let words = base as *mut usize;
    let lead = (base >> PAGE_SHIFT) % TABLE;
    // SAFETY: The header was just mapped and has room for all of this; see `header_pages`.
    unsafe {
        core::ptr::write_bytes(base as *mut u8, 0, header << PAGE_SHIFT);
        for page in 0..header {
            words.add(page).write(owner::HEADER);
        }
        words.add(header).write(owner::GUARD);
        for table in 0..=(lead + pages - 1) / TABLE {
            // The first table may start before us.
            let page = (table * TABLE).saturating_sub(lead);
            words
                .add(pages + table)
                .cast::<Entry>()
                .write(entry(page)?.table());
        }
    }
    for page in 0..header {
        entry(page)?.set_writable(false);
    }
    pagetable::flush(base, base + (header << PAGE_SHIFT));
    Ok(())
}

/// Unmaps all arenas. Their frames are the caller's again.
///
/// # Safety
///
/// Nobody may use anything in them any more; the windows are not in them.
pub(crate) unsafe fn remove_all(bases: &[usize; ARENAS]) {
    for &base in bases.iter().filter(|&&base| base != 0) {
        // SAFETY: The range came from `vmap`; the rest is the contract of this function.
        unsafe { ffi::vunmap(base as *const c_void) };
    }
}
