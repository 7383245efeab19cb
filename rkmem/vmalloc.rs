// SPDX-License-Identifier: GPL-2.0

//! The vmalloc half of `rsbac_vkmalloc`. Each allocation is known by its address, so that a free
//! can tell ours from those of others and needs no help from the caller.

use super::figures::{
    self,
    Figures, //
};
use crate::{
    counters::{
        raise,
        Counters, //
    },
    ffi,
    irq_xarray::IrqXArray,
    kmem_cgroup::{
        self,
        Charge, //
    },
    sysfs::{
        Attr,
        Attributes, //
    }, //
};
use core::ptr;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// All that is allocated, and its figures.
pub(super) struct Vmalloc {
    /// [`Entry`]s, by page number.
    entries: IrqXArray,
    counters: Counters,
    bytes: Atomic<u64>,
    peak_bytes: Atomic<u64>,
}

/// What is known of an allocation, in one number.
struct Entry {
    pages: usize,
    /// Of the charge.
    id: u32,
}

impl Entry {
    fn to_number(&self) -> usize {
        // Numbers of charges have 20 bits, and no machine has 2^32 pages for one allocation.
        self.pages | (self.id as usize) << 32
    }

    fn from_number(number: usize) -> Self {
        Self {
            pages: number as u32 as usize,
            id: (number >> 32) as u32,
        }
    }

    fn bytes(&self) -> usize {
        self.pages * PAGE_SIZE
    }

    fn uncharge(&self) {
        Charge::of(self.id, self.bytes()).give();
    }
}

/// An allocation that was found: only this may be freed.
pub(super) struct Known(&'static Vmalloc);

/// Set when the discipline starts, and null again when it stops.
static VMALLOC: Atomic<*mut Vmalloc> = Atomic::new(ptr::null_mut());

/// Publishes the figures, or takes them back with `None`.
pub(super) fn publish(vmalloc: Option<&Vmalloc>) {
    VMALLOC.store(
        vmalloc.map_or(ptr::null_mut(), |vmalloc| ptr::from_ref(vmalloc).cast_mut()),
        Relaxed,
    );
}

fn get() -> Option<&'static Vmalloc> {
    // SAFETY: What is published lives until the module goes, after the last call into it.
    unsafe { VMALLOC.load(Relaxed).as_ref() }
}

/// Allocates `size` bytes; null where that cannot be. May sleep.
pub(super) fn alloc(size: usize) -> *mut c_void {
    get().map_or(ptr::null_mut(), |vmalloc| vmalloc.alloc(size))
}

/// Finds out whether `addr` is the start of an allocation of ours. Does not sleep.
pub(super) fn find(addr: *const c_void) -> Option<Known> {
    // SAFETY: Any address may be asked about.
    if !unsafe { ffi::rsbac_mem_helper_is_vmalloc_addr(addr) } || addr as usize % PAGE_SIZE != 0 {
        return None;
    }
    let vmalloc = get()?;
    vmalloc
        .entries
        .contains(key(addr))
        .then_some(Known(vmalloc))
}

/// Frees what was found. Does not sleep.
pub(super) fn free(known: Known, addr: *const c_void) {
    known.0.free(addr);
}

impl Vmalloc {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            entries: IrqXArray::new()?,
            counters: Counters::new()?,
            bytes: Atomic::new(0),
            peak_bytes: Atomic::new(0),
        })
    }

    fn alloc(&self, size: usize) -> *mut c_void {
        self.try_alloc(size).unwrap_or_else(|_| {
            self.counters.fail();
            ptr::null_mut()
        })
    }

    fn try_alloc(&self, size: usize) -> Result<*mut c_void> {
        let pages = size.div_ceil(PAGE_SIZE);
        if pages == 0 || u32::try_from(pages).is_err() {
            return Err(ENOMEM);
        }
        let entry = Entry {
            pages,
            id: Charge::to(kmem_cgroup::VMALLOC, pages * PAGE_SIZE)?,
        };
        let addr = self
            .obtain(size, &entry)
            .inspect_err(|_| entry.uncharge())?;
        let all = self.bytes.fetch_add(entry.bytes() as u64, Relaxed) + entry.bytes() as u64;
        raise(&self.peak_bytes, all);
        self.counters.alloc();
        Ok(addr)
    }

    /// Gets the memory, and enters it.
    fn obtain(&self, size: usize, entry: &Entry) -> Result<*mut c_void> {
        // SAFETY: Any size may be asked for.
        let addr =
            unsafe { ffi::__vmalloc_noprof(size, bindings::GFP_KERNEL | bindings::__GFP_NOWARN) };
        if addr.is_null() {
            return Err(ENOMEM);
        }
        self.entries
            .store(key(addr), entry.to_number(), bindings::GFP_KERNEL)
            .inspect_err(|_| {
                // SAFETY: The memory is new, and nobody else has it.
                unsafe { ffi::kvfree_atomic(addr) };
            })?;
        Ok(addr)
    }

    fn free(&self, addr: *const c_void) {
        // Of two frees at a time only one finds the allocation.
        if let Some(number) = self.entries.erase(key(addr)) {
            let entry = Entry::from_number(number);
            self.bytes.fetch_sub(entry.bytes() as u64, Relaxed);
            self.counters.free();
            // SAFETY: The memory is ours, and just taken out of the books.
            unsafe { ffi::kvfree_atomic(addr) };
            entry.uncharge();
        }
    }
}

impl Drop for Vmalloc {
    fn drop(&mut self) {
        let objects = self.counters.objects();
        if objects > 0 {
            pr_warn!(
                "vmalloc: leaked {} allocations, {} bytes\n",
                objects,
                self.bytes()
            );
        }
    }
}

impl Figures for Vmalloc {
    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn object_size(&self) -> usize {
        0
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Relaxed)
    }
}

static ATTRS: [Attr<Vmalloc>; figures::FILES] = figures::attributes();

impl Attributes for Vmalloc {
    fn attributes() -> &'static [Attr<Self>] {
        &ATTRS
    }
}

fn key(addr: *const c_void) -> usize {
    addr as usize / PAGE_SIZE
}
