// SPDX-License-Identifier: GPL-2.0

//! The memory behind the pools: pages whose alias in the direct map is read-only.
//!
//! Memory is taken from the kernel in chunks of 2 MiB, aligned, and write-protected in the direct
//! map as a whole, once, before any pool gets a part of it. So no large page of the direct map is
//! split, however many pools there are and however small, and sealing an area only needs to change
//! the entries that map the area itself. Where no such chunk is to be had, smaller ones are taken,
//! each of which costs a split; `/sys/kernel/rsbac_mem/pmalloc/splits` counts them.
//!
//! A chunk goes back to the kernel, writable again, when no page of it is used.

use super::{
    guarded::Guarded,
    stats::STATS,
    store::{
        Desc,
        Store, //
    }, //
};
use crate::{
    ffi::symbols as ffi,
    pagetable,
    pmalloc::arena::owner, //
};
use kernel::{
    bindings,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    pr_warn_once,
    prelude::*,
    sync::atomic::ordering::Relaxed, //
};

/// log2 of the pages of a chunk: 2 MiB, the size of a large page; and what is tried after it.
const ORDERS: [u32; 4] = [9, 6, 3, 0];
/// Chunks that are looked at for one that lies in 2 MiB pages of the direct map, not in 1 GiB ones.
const TRIES: usize = 8;

/// A piece of the kernel's memory. Lives in protected memory itself.
#[repr(C)]
pub(crate) struct Chunk {
    state: Guarded<usize>,
    pfn: Guarded<usize>,
    /// log2 of its pages.
    order: Guarded<usize>,
    /// How many of its pages are used, and which.
    count: Guarded<usize>,
    used: [Guarded<u64>; 8],
}

/// The first chunk, which holds the descriptors of all others.
#[link_section = ".data..ro_after_init"]
pub(crate) static FIRST_CHUNK: Chunk = Chunk {
    state: Guarded::new(0),
    pfn: Guarded::new(0),
    order: Guarded::new(0),
    count: Guarded::new(0),
    used: [const { Guarded::new(0) }; 8],
};

impl Desc for Chunk {
    const OWNER: usize = owner::CHUNKS;

    fn state(&self) -> &Guarded<usize> {
        &self.state
    }
}

impl Chunk {
    pub(crate) fn first_pfn(&self) -> usize {
        self.pfn.get()
    }

    pub(crate) fn pages(&self) -> usize {
        1 << self.order.get()
    }

    /// Takes up to `want` pages, as many as one word of the map has; returns how many.
    fn take_some(&self, want: usize, frames: &mut KVVec<usize>) -> Result<usize> {
        for (index, word) in self.used.iter().enumerate() {
            let old = word.get();
            let limit = self.pages().saturating_sub(index * 64).min(64);
            let mut new = old;
            let mut taken = 0;
            while taken < want && (new.trailing_ones() as usize) < limit {
                let bit = new.trailing_ones() as usize;
                frames.push(self.pfn.get() + index * 64 + bit, GFP_KERNEL)?;
                new |= 1 << bit;
                taken += 1;
            }
            if taken > 0 {
                word.set(new);
                self.count.set(self.count.get() + taken);
                return Ok(taken);
            }
        }
        Ok(0)
    }
}

/// Takes `count` pages. May sleep. Either all are taken or none.
pub(crate) fn take(store: &mut Store, count: usize) -> Result<KVVec<usize>> {
    let mut frames = KVVec::with_capacity(count, GFP_KERNEL)?;
    let result = fill(store, count, &mut frames);
    if let Err(err) = result {
        let mut batch = Batch::new();
        for pfn in frames {
            batch.push(pfn);
            if batch.len == Batch::SIZE {
                give(store, &mut batch);
            }
        }
        give(store, &mut batch);
        return Err(err);
    }
    Ok(frames)
}

fn fill(store: &mut Store, count: usize, frames: &mut KVVec<usize>) -> Result {
    for chunk in store.chunks.iter() {
        let left = count - frames.len();
        // A large area gets chunks of its own, and leaves what is in use to the small ones.
        if left >= chunk.pages() && chunk.count.get() != 0 {
            continue;
        }
        while frames.len() < count && chunk.take_some(count - frames.len(), frames)? > 0 {}
    }
    while frames.len() < count {
        let chunk = add_chunk(store)?;
        while frames.len() < count && chunk.take_some(count - frames.len(), frames)? > 0 {}
    }
    Ok(())
}

/// Page frames on their way back.
pub(crate) struct Batch {
    pfns: [usize; Self::SIZE],
    len: usize,
}

impl Batch {
    pub(crate) const SIZE: usize = 64;

    pub(crate) fn new() -> Self {
        Self {
            pfns: [0; Self::SIZE],
            len: 0,
        }
    }

    /// Adds one; there is room for [`Self::SIZE`].
    pub(crate) fn push(&mut self, pfn: usize) {
        if let Some(place) = self.pfns.get_mut(self.len) {
            *place = pfn;
            self.len += 1;
        }
    }
}

/// Gives pages back that nothing maps any more, but for the direct map. Empties `batch`.
pub(crate) fn give(store: &mut Store, batch: &mut Batch) {
    let pfns = &batch.pfns[..batch.len];
    let mut rest = pfns;
    while let [pfn, ..] = *rest {
        let Some((index, chunk)) = store.chunk_of(pfn) else {
            pr_warn_once!("pmalloc: a page is in no chunk: not freed\n");
            rest = &rest[1..];
            continue;
        };
        // As many as lie in the same word of the map are marked at once.
        let word = (pfn - chunk.first_pfn()) / 64;
        let (mut mask, mut same) = (0u64, 0);
        for pfn in rest {
            let page = pfn.wrapping_sub(chunk.first_pfn());
            if page / 64 != word || page >= chunk.pages() {
                break;
            }
            mask |= 1 << (page % 64);
            same += 1;
        }
        rest = &rest[same..];
        let cell = &chunk.used[word];
        let freed = (cell.get() & mask).count_ones() as usize;
        cell.set(cell.get() & !mask);
        chunk.count.set(chunk.count.get() - freed);
        if chunk.count.get() == 0 {
            remove_chunk(store, index);
        }
    }
    batch.len = 0;
}

/// Gets a chunk from the kernel, zeroed, and protects it in the direct map.
fn add_chunk(store: &mut Store) -> Result<&'static Chunk> {
    store.provide_chunk_desc()?;
    for order in ORDERS {
        let Some(pfn) = alloc(order) else { continue };
        STATS.reserved.fetch_add(PAGE_SIZE << order, Relaxed);
        let protected = protect(store, pfn, order);
        let desc = match protected.and_then(|()| store.pop_desc::<Chunk>().ok_or(ENOMEM)) {
            Ok(desc) => desc,
            Err(err) => {
                free_chunk(store, pfn, order);
                return Err(err);
            }
        };
        desc.pfn.set(pfn);
        desc.order.set(order as usize);
        desc.count.set(0);
        for word in &desc.used {
            word.set(0);
        }
        store.insert_chunk(desc);
        return Ok(desc);
    }
    Err(ENOMEM)
}

/// Gives a chunk back of which no page is used.
fn remove_chunk(store: &mut Store, index: usize) {
    let Ok(chunk) = store.chunks.remove(index) else {
        return;
    };
    let (pfn, order) = (chunk.first_pfn(), chunk.order.get() as u32);
    store.give_desc(chunk);
    free_chunk(store, pfn, order);
}

/// Makes memory writable in the direct map, and frees it.
pub(crate) fn free_chunk(store: &Store, pfn: usize, order: u32) {
    STATS.reserved.fetch_sub(PAGE_SIZE << order, Relaxed);
    if unprotect(store, pfn, order).is_ok() {
        release(pfn, order);
    } else {
        pr_warn!(
            "pmalloc: {} pages stay read-only and are lost\n",
            1 << order
        );
    }
}

/// Allocates zeroed memory, if possible such that protecting it splits nothing.
fn alloc(order: u32) -> Option<usize> {
    let mut spare = [None; TRIES];
    let mut found = None;
    for place in &mut spare {
        let Some(pfn) = alloc_once(order) else { break };
        // What is mapped by pages no larger than the chunk need not be split.
        let fits = pagetable::view(direct(pfn))
            .is_some_and(|view| view.shift as usize <= order as usize + PAGE_SHIFT);
        if fits || order != ORDERS[0] {
            found = Some(pfn);
            break;
        }
        *place = Some(pfn);
    }
    let mut rest = spare.iter().flatten();
    let found = found.or_else(|| rest.next().copied());
    rest.for_each(|&pfn| release(pfn, order));
    found
}

fn alloc_once(order: u32) -> Option<usize> {
    // SAFETY: Any context that may sleep may allocate.
    let addr = unsafe { crate::ffi::pmalloc::rsbac_mem_alloc_frames(order) };
    (addr != 0).then(|| (addr - direct(0)) >> PAGE_SHIFT)
}

/// Frees what `alloc_once` allocated.
fn release(pfn: usize, order: u32) {
    // SAFETY: The callers own the memory, and nothing maps it but the direct map, writable.
    unsafe { bindings::free_pages(direct(pfn), order) };
}

/// The address of a page frame in the direct map.
pub(crate) fn direct(pfn: usize) -> usize {
    // SAFETY: Anybody may ask where the direct map begins.
    unsafe { crate::ffi::rsbac_mem_helper_direct_map() + (pfn << PAGE_SHIFT) }
}

fn protect(store: &Store, pfn: usize, order: u32) -> Result {
    if !store.full_protection {
        return Ok(());
    }
    let splits = pagetable::view(direct(pfn))
        .is_some_and(|view| view.shift as usize > order as usize + PAGE_SHIFT);
    STATS.flushes.fetch_add(1, Relaxed);
    // SAFETY: The memory is ours, and the function is there: see `Store::full_protection`.
    kernel::error::to_result(unsafe {
        ffi::rsbac_mem_symbol_set_memory_ro(direct(pfn), 1 << order)
    })?;
    if splits {
        STATS.splits.fetch_add(1, Relaxed);
    }
    Ok(())
}

fn unprotect(store: &Store, pfn: usize, order: u32) -> Result {
    if !store.full_protection {
        return Ok(());
    }
    STATS.flushes.fetch_add(1, Relaxed);
    // SAFETY: As in `protect`.
    kernel::error::to_result(unsafe {
        ffi::rsbac_mem_symbol_set_memory_rw(direct(pfn), 1 << order)
    })
}
