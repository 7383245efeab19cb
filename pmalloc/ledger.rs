// SPDX-License-Identifier: GPL-2.0

//! Who wrote to a pool: the lock that writers of a pool take, and what it protects.

use super::{
    area::Area,
    stats::STATS, //
};
use crate::{
    caller::Caller,
    ffi::pmalloc as ffi, //
};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    fmt::{
        self,
        Write, //
    },
    prelude::*,
    str::Formatter,
    sync::atomic::ordering::Relaxed,
    types::Opaque, //
};

/// Different writes that a pool remembers.
const ENTRIES: usize = 32;

/// One place that writes, to one range: offset from the start of the area, and length.
#[derive(Clone, Copy, Default)]
struct Entry {
    caller: usize,
    area: usize,
    offset: usize,
    len: usize,
    count: u64,
}

/// What writers of a pool share.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Empty for pools that are not write-rare.
    entries: KVec<Entry>,
    /// Writes in all.
    pub(crate) writes: u64,
    /// Writes that found no entry.
    lost: u64,
}

impl Ledger {
    /// Notes a write.
    #[inline(always)]
    pub(crate) fn note(&mut self, caller: usize, area: &Area, addr: usize, len: usize) {
        self.writes += 1;
        STATS.writes.fetch_add(1, Relaxed);
        let offset = addr - area.addr();
        for entry in self.entries.iter_mut() {
            if entry.count == 0 {
                *entry = Entry {
                    caller,
                    area: area.addr(),
                    offset,
                    len,
                    count: 0,
                };
            }
            if entry.caller == caller
                && entry.offset == offset
                && entry.len == len
                && entry.area == area.addr()
            {
                entry.count += 1;
                return;
            }
        }
        self.lost += 1;
    }

    /// One line for each entry; see Documentation/ABI/testing.
    fn show(entries: &[Entry], lost: u64, out: &mut Formatter<'_>) -> fmt::Result {
        for entry in entries.iter().filter(|entry| entry.count != 0) {
            let caller = Caller::from_entry(entry.caller);
            let Entry {
                offset, len, count, ..
            } = entry;
            out.write_fmt(fmt!("{} {} {} {}\n", caller, offset, len, count))?;
        }
        writeln!(out, "others {lost}")
    }
}

/// The lock that writers of a pool take. Spins; interrupts are off while it is held.
#[pin_data]
pub(crate) struct Writing {
    #[pin]
    lock: Opaque<bindings::raw_spinlock_t>,
    ledger: UnsafeCell<Ledger>,
}

// SAFETY: The ledger is only reached with the lock held.
unsafe impl Sync for Writing {}

impl Writing {
    pub(crate) fn new(write_rare: bool) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            lock <- Opaque::ffi_init(|lock| {
                // SAFETY: The place is valid for a lock, and pinned.
                unsafe { ffi::rsbac_mem_raw_lock_init(lock) }
            }),
            ledger: UnsafeCell::new(Ledger {
                entries: if write_rare {
                    KVec::from_elem(Entry::default(), ENTRIES, GFP_KERNEL)?
                } else {
                    KVec::new()
                },
                ..Ledger::default()
            }),
        }? Error)
    }

    /// Takes the lock. Any context but NMI.
    #[inline(always)]
    pub(crate) fn lock(&self) -> WritingGuard<'_> {
        // SAFETY: The lock was made by `new`.
        let flags = unsafe { ffi::rsbac_mem_raw_lock(self.lock.get()) };
        WritingGuard {
            writing: self,
            flags,
        }
    }

    /// How often the pool was written to.
    pub(crate) fn writes(&self) -> u64 {
        self.lock().ledger().writes
    }

    /// Shows who wrote. May sleep.
    pub(crate) fn show(&self, out: &mut Formatter<'_>) -> fmt::Result {
        // Names of functions are not looked up under the lock.
        let mut copy = [Entry::default(); ENTRIES];
        let lost = {
            let mut guard = self.lock();
            let ledger = guard.ledger();
            for (to, from) in copy.iter_mut().zip(&ledger.entries) {
                *to = *from;
            }
            ledger.lost
        };
        Ledger::show(&copy, lost, out)
    }
}

/// Holds the lock of [`Writing`].
pub(crate) struct WritingGuard<'a> {
    writing: &'a Writing,
    flags: c_ulong,
}

impl WritingGuard<'_> {
    #[inline(always)]
    pub(crate) fn ledger(&mut self) -> &mut Ledger {
        // SAFETY: The lock is held by `self`, which is borrowed mutably.
        unsafe { &mut *self.writing.ledger.get() }
    }
}

impl Drop for WritingGuard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: The lock was taken when `self` was made.
        unsafe { ffi::rsbac_mem_raw_unlock(self.writing.lock.get(), self.flags) };
    }
}
