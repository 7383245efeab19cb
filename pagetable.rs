// SPDX-License-Identifier: GPL-2.0

//! The kernel's page tables: what maps an address, and leaf entries of ranges that are our own.
//!
//! Reading is safe for any address: the kernel never frees the tables of its own half except
//! when memory is unplugged. Changing is for the owner of an address range, who got it from
//! `vmap` or the like, so that nobody else changes its entries at the same time. Changes must be
//! followed by [`flush`] before anything relies on them.

use crate::{
    ffi::pagetable as ffi,
    symbols::{
        self,
        Symbol, //
    }, //
};
use core::{
    num::NonZero,
    ptr::NonNull, //
};
use kernel::{
    bindings::pte_t,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    }, //
};

/// Whether leaf entries can be looked up and changed here at all.
pub(crate) fn usable() -> bool {
    // SAFETY: May be asked at any time.
    unsafe { ffi::rsbac_mem_pt_usable() }
}

/// What the page tables say about one address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// The page frame that the address lies in.
    pub(crate) pfn: usize,
    pub(crate) writable: bool,
    pub(crate) executable: bool,
    /// log2 of the bytes that the leaf entry maps.
    pub(crate) shift: u32,
}

/// What maps `addr` now; `None` where nothing does. Does not sleep.
pub(crate) fn view(addr: usize) -> Option<View> {
    let mut shift = 0;
    // SAFETY: `lookup_address` takes any address of the kernel's half, and none other is mapped.
    let pte = unsafe { ffi::rsbac_mem_pt_lookup(addr, &mut shift) };
    let (flags, first) = read(NonNull::new(pte)?, shift)?;
    Some(View {
        pfn: first + ((addr & ((1 << shift) - 1)) >> PAGE_SHIFT),
        writable: flags & 2 != 0,
        executable: flags & 4 != 0,
        shift,
    })
}

/// The flags of an entry and the first page frame that it maps; `None` if it maps nothing.
fn read(pte: NonNull<pte_t>, shift: u32) -> Option<(usize, usize)> {
    let mut pfn = 0;
    // SAFETY: The callers have `pte` from a look-up of an entry of that size.
    let flags = unsafe { ffi::rsbac_mem_pt_flags(pte.as_ptr(), shift, &mut pfn) };
    (flags != 0).then_some((flags, pfn))
}

/// The entry of one 4 KiB page of an address range that is ours.
///
/// # Invariants
///
/// The pointer is to a live entry of the last level, which only the holder of the range changes.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Entry(NonNull<pte_t>);

impl Entry {
    /// Finds the entry of `addr`; `None` if there is no table, or a large page.
    ///
    /// # Safety
    ///
    /// `addr` must lie in a range of addresses that the caller owns for as long as the result is
    /// in use.
    pub(crate) unsafe fn find(addr: usize) -> Option<Self> {
        let mut shift = 0;
        // SAFETY: As in `view`.
        let pte = NonNull::new(unsafe { ffi::rsbac_mem_pt_lookup(addr, &mut shift) })?;
        // INVARIANT: A look-up that ends at this size found an entry of the last level, and the
        // range is the caller's.
        (shift as usize == PAGE_SHIFT).then_some(Self(pte))
    }

    /// The entry `n` pages after this one.
    ///
    /// # Safety
    ///
    /// It must be in the same table, and in the same range of the caller's.
    pub(crate) unsafe fn nth(self, n: usize) -> Self {
        // SAFETY: By the contract of this function. INVARIANT: likewise.
        Self(unsafe { self.0.add(n) })
    }

    /// The first entry of the table that this one is in, which need not be the caller's to use.
    pub(crate) fn table(self) -> Self {
        Self(
            self.0
                .map_addr(|addr| NonZero::new(addr.get() & !(PAGE_SIZE - 1)).unwrap_or(addr)),
        )
    }

    /// The page frame that is mapped, and whether it is writable; `None` if none is.
    pub(crate) fn get(self) -> Option<(usize, bool)> {
        read(self.0, PAGE_SHIFT as u32).map(|(flags, pfn)| (pfn, flags & 2 != 0))
    }

    /// Maps a page frame.
    ///
    /// # Safety
    ///
    /// The frame must be the caller's, and must not be freed before the entry is cleared and
    /// flushed.
    pub(crate) unsafe fn map(self, pfn: usize, writable: bool) {
        // SAFETY: By the type invariant and the contract of this function.
        unsafe { ffi::rsbac_mem_pt_map(self.0.as_ptr(), pfn, writable) };
    }

    /// Changes whether the mapped page may be written.
    pub(crate) fn set_writable(self, writable: bool) {
        // SAFETY: By the type invariant.
        unsafe { ffi::rsbac_mem_pt_protect(self.0.as_ptr(), writable) };
    }

    /// Unmaps the page.
    ///
    /// # Safety
    ///
    /// Nobody may rely on the mapping any more.
    pub(crate) unsafe fn clear(self) {
        // SAFETY: By the type invariant and the contract of this function.
        unsafe { ffi::rsbac_mem_pt_clear(self.0.as_ptr()) };
    }
}

/// Makes all CPUs forget what they know of the addresses from `start` to `end`. Interrupts must
/// be on.
pub(crate) fn flush(start: usize, end: usize) {
    if symbols::have(&[Symbol::FlushTlbKernelRange]) {
        // SAFETY: Forgetting is always allowed; the function is there.
        unsafe { crate::ffi::symbols::rsbac_mem_symbol_flush_tlb_kernel_range(start, end) };
    } else {
        // SAFETY: As above.
        unsafe { ffi::rsbac_mem_pt_flush_everywhere(start, end) };
    }
}
