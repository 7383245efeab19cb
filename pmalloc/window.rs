// SPDX-License-Identifier: GPL-2.0

//! Writing to a page that nobody else can write to.
//!
//! A CPU turns interrupts off, maps the page in the page tables that it alone loads
//! (`pmalloc_window.c`), loads them, stores, and goes back. No lasting alias stays behind, no
//! other CPU can see the one that there was, and no other CPU's TLB needs a flush. It neither
//! sleeps nor allocates.
//!
//! While those tables are loaded only the stores of [`Store`] happen. They are in assembly, since
//! KASAN and its kin must not look at an address that they know nothing of, and a word that is
//! aligned must be written by one instruction.

use crate::ffi::pmalloc as ffi;
use core::{
    arch::asm,
    ptr, //
};
use kernel::{
    error::to_result,
    page::PAGE_SHIFT,
    prelude::*, //
};

/// What one CPU writes through; `struct rsbac_mem_window`.
#[repr(C)]
pub(crate) struct Window {
    cr3: usize,
    keep: usize,
    entry: *mut usize,
    prot: usize,
    addr: usize,
    root: *mut c_void,
    tables: [*mut c_void; 4],
    nr_tables: usize,
}

/// What to write, at one place that does not cross the end of a page.
#[derive(Clone, Copy)]
pub(crate) enum Store<'a> {
    /// These bytes. Words that are aligned at the target are written whole.
    Bytes(&'a [u8]),
    /// This byte, so many times.
    Fill(u8, usize),
}

impl Store<'_> {
    /// How many bytes are written.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Fill(_, len) => *len,
        }
    }

    /// # Safety
    ///
    /// `dst` must be mapped writable for `len` bytes, and be nobody else's to write.
    #[inline(always)]
    unsafe fn to(self, dst: usize) {
        match self {
            Self::Bytes(bytes) => {
                // SAFETY: By the contract of this function; a word is read within `bytes`.
                unsafe { words(dst, bytes.len(), |at| bytes.as_ptr().add(at).cast()) }
            }
            Self::Fill(byte, len) => {
                let word = u64::from_ne_bytes([byte; 8]);
                // SAFETY: By the contract of this function; any word has what is to be written.
                unsafe { words(dst, len, |_| ptr::from_ref(&word)) }
            }
        }
    }
}

/// Writes `len` bytes to `dst` in words that are as large as their alignment allows. `source`
/// says where the bytes for an offset are.
///
/// # Safety
///
/// `dst` must be writable for `len` bytes, and what `source` returns for an offset must be
/// readable for as many bytes as there are from there to the end, up to 8.
#[inline(always)]
unsafe fn words(dst: usize, len: usize, source: impl Fn(usize) -> *const u64) {
    let mut done = 0;
    while done < len {
        let (to, from, left) = (dst + done, source(done), len - done);
        // SAFETY: By the contract of this function. Each is one store instruction.
        unsafe {
            if to % 8 == 0 && left >= 8 {
                let word = from.read_unaligned();
                asm!("mov [{to}], {word}", to = in(reg) to, word = in(reg) word,
                     options(nostack, preserves_flags));
                done += 8;
            } else if to % 4 == 0 && left >= 4 {
                let word = from.cast::<u32>().read_unaligned();
                asm!("mov [{to}], {word:e}", to = in(reg) to, word = in(reg) word,
                     options(nostack, preserves_flags));
                done += 4;
            } else if to % 2 == 0 && left >= 2 {
                let word = from.cast::<u16>().read_unaligned();
                asm!("mov [{to}], {word:x}", to = in(reg) to, word = in(reg) word,
                     options(nostack, preserves_flags));
                done += 2;
            } else {
                let byte = from.cast::<u8>().read();
                asm!("mov [{to}], {byte}", to = in(reg) to, byte = in(reg_byte) byte,
                     options(nostack, preserves_flags));
                done += 1;
            }
        }
    }
}

impl Window {
    /// Makes the tables in place. May sleep.
    ///
    /// # Safety
    ///
    /// `this` must be valid for writes. What is there before is not dropped, and what was made,
    /// also in part, must be given to [`Self::destroy`].
    pub(crate) unsafe fn create(this: *mut Self) -> Result {
        // SAFETY: By the contract of this function.
        to_result(unsafe { ffi::rsbac_mem_window_create(this) })
    }

    /// Frees the tables.
    pub(crate) fn destroy(&mut self) {
        // SAFETY: The tables are ours, and no CPU has them loaded.
        unsafe { ffi::rsbac_mem_window_destroy(self) };
    }

    /// Writes to the page frame `pfn`, `offset` bytes in.
    ///
    /// # Safety
    ///
    /// Interrupts are off, this is the window of this CPU, and no NMI. The frame is memory, of
    /// which the bytes written are the caller's to change; they end before the page does.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, pfn: usize, offset: usize, store: Store<'_>) {
        // SAFETY: The entry is in a table of ours, which no CPU walks now.
        unsafe { self.entry.write_volatile((pfn << PAGE_SHIFT) | self.prot) };
        let old: usize;
        // SAFETY: The root maps all of the kernel, at the places where it is, and is loaded for
        // the time of a store only, in which nothing else runs on this CPU but NMIs, which know
        // that any root may be loaded. Loading it flushes what the CPU kept of it.
        unsafe {
            asm!("mov {old}, cr3", "mov cr3, {new}", old = out(reg) old, new = in(reg) self.cr3,
                 options(nostack, preserves_flags));
        }
        // SAFETY: The window is mapped now; the rest is the contract of this function.
        unsafe { store.to(self.addr + offset) };
        // SAFETY: Back to what was loaded. Its entries in the TLB are still true: a CPU that
        // flushed them for us in the meantime waits for our interrupts, or did it.
        unsafe {
            asm!("mov cr3, {old}", old = in(reg) old | self.keep, options(nostack, preserves_flags));
            self.entry.write_volatile(0);
        }
    }
}
