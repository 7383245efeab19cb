// SPDX-License-Identifier: GPL-2.0

//! From a cache of the kernel to our [`Slab`], in a few instructions and without a lock.
//!
//! A hash table with open addressing in static memory: readers touch nothing that could be freed
//! under them. Writers hold the registry's lock.

use super::slab::Slab;
// Not those of the `kernel` crate, whose loads are calls into C: this is the hottest path.
use core::{
    ptr,
    sync::atomic::{
        AtomicPtr,
        AtomicUsize,
        Ordering::{
            Acquire,
            Relaxed,
            Release, //
        }, //
    }, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// Slots; a power of two.
const SLOTS: usize = 4096;
/// Slabs that there may be at a time. Half of the slots stay free, so that probing ends soon.
const MAX: usize = SLOTS / 2;

/// The key of a slot that never held a slab: probing ends here.
const NEVER: usize = 0;
/// The key of a slot that holds a slab no longer: probing goes on.
const GONE: usize = 1;

struct Slot {
    /// The address of the cache.
    cache: AtomicUsize,
    slab: AtomicPtr<Slab>,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        cache: AtomicUsize::new(NEVER),
        slab: AtomicPtr::new(ptr::null_mut()),
    }
}; SLOTS];

/// Where to start looking for `cache`.
#[inline(always)]
fn start(cache: usize) -> usize {
    // Caches are a few hundred bytes apart at least; multiplying spreads them (Knuth, vol. 3, 6.4).
    (cache >> 6).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - SLOTS.ilog2())
}

/// The slots to look at for `cache`, in order.
#[inline(always)]
fn probe(cache: usize) -> impl Iterator<Item = &'static Slot> {
    (start(cache)..start(cache) + SLOTS).map(|i| &TABLE[i % SLOTS])
}

/// Our slab that owns `cache`, if any.
///
/// `cache` is an address of the kernel, and so no key with a meaning of its own. The slab lives as long as it has objects, or its creator does not destroy it.
#[inline(always)]
pub(super) fn find(cache: *const bindings::kmem_cache) -> Option<&'static Slab> {
    for slot in probe(cache as usize) {
        let key = slot.cache.load(Acquire);
        if key == cache as usize {
            // SAFETY: Slots in use point to slabs that live.
            return unsafe { slot.slab.load(Relaxed).as_ref() };
        }
        if key == NEVER {
            break;
        }
    }
    None
}

/// Enters `slab`; `in_use` is how many there are. The registry's lock is held.
pub(super) fn insert(slab: &Slab, in_use: usize) -> Result {
    if in_use >= MAX {
        return Err(ENOSPC);
    }
    let cache = slab.cache() as usize;
    let slot = probe(cache)
        .find(|slot| matches!(slot.cache.load(Relaxed), NEVER | GONE))
        .ok_or(ENOSPC)?;
    slot.slab.store(ptr::from_ref(slab).cast_mut(), Relaxed);
    slot.cache.store(cache, Release);
    Ok(())
}

/// Removes the slab of `cache`. The registry's lock is held.
pub(super) fn remove(cache: *const bindings::kmem_cache) {
    let holds = |slot: &Slot| slot.cache.load(Relaxed) == cache as usize;
    let Some(mut i) = probe(cache as usize).position(holds) else {
        return;
    };
    i += start(cache as usize);
    TABLE[i % SLOTS].cache.store(GONE, Release);
    TABLE[i % SLOTS].slab.store(ptr::null_mut(), Relaxed);
    // Where probing ends behind the slot, it may as well end at the slot, and before it.
    while TABLE[(i + 1) % SLOTS].cache.load(Relaxed) == NEVER
        && TABLE[i % SLOTS].cache.load(Relaxed) == GONE
    {
        TABLE[i % SLOTS].cache.store(NEVER, Relaxed);
        i += SLOTS - 1;
    }
}
