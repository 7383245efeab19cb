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
    /// Bytes in whole pages, by page number.
    sizes: IrqXArray,
    counters: Counters,
    bytes: Atomic<u64>,
    peak_bytes: Atomic<u64>,
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
    vmalloc.sizes.contains(key(addr)).then_some(Known(vmalloc))
}

/// Frees what was found. Does not sleep.
pub(super) fn free(known: Known, addr: *const c_void) {
    known.0.free(addr);
}

impl Vmalloc {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            sizes: IrqXArray::new()?,
            counters: Counters::new()?,
            bytes: Atomic::new(0),
            peak_bytes: Atomic::new(0),
        })
    }

    fn alloc(&self, size: usize) -> *mut c_void {
        let Some(pages) = size.checked_next_multiple_of(PAGE_SIZE) else {
            self.counters.fail();
            return ptr::null_mut();
        };
        // SAFETY: Any size may be asked for.
        let addr =
            unsafe { ffi::__vmalloc_noprof(size, bindings::GFP_KERNEL | bindings::__GFP_NOWARN) };
        if addr.is_null() {
            self.counters.fail();
            return addr;
        }
        if self
            .sizes
            .store(key(addr), pages, bindings::GFP_KERNEL)
            .is_err()
        {
            // SAFETY: The memory is new, and nobody else has it.
            unsafe { ffi::kvfree_atomic(addr) };
            self.counters.fail();
            return ptr::null_mut();
        }
        let bytes = self.bytes.fetch_add(pages as u64, Relaxed) + pages as u64;
        raise(&self.peak_bytes, bytes);
        self.counters.alloc();
        addr
    }

    fn free(&self, addr: *const c_void) {
        // Of two frees at a time only one finds the allocation.
        if let Some(pages) = self.sizes.erase(key(addr)) {
            self.bytes.fetch_sub(pages as u64, Relaxed);
            self.counters.free();
            // SAFETY: The memory is ours, and just taken out of the books.
            unsafe { ffi::kvfree_atomic(addr) };
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
