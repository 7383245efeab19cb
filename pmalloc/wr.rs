// SPDX-License-Identifier: GPL-2.0

//! Write-rare: writing to sealed memory of pools that were created for it.
//!
//! Any context but NMI, also with interrupts off and under a spinlock. A call is cut at ends of
//! pages, and into pieces of [`PIECE`] bytes, between which interrupts are as they were before.
//! Each piece is checked anew, with interrupts off, which keeps the area where it is until the
//! piece is written; see `Pool::destroy`. The first is checked for the whole call.

use super::{
    area::Area,
    arena::Spot,
    guarded::without_interrupts,
    ledger::WritingGuard,
    object,
    report::{
        refuse,
        Wrong, //
    },
    verify,
    window::Store, //
};
use crate::{
    caller::Caller,
    ffi::pmalloc as ffi, //
};
use core::{
    mem::MaybeUninit,
    ptr,
    slice, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Bytes that are copied at a time.
const PIECE: usize = 256;

/// Writes one piece that does not cross the end of a page, after asking whether the area allows it.
#[inline(always)]
fn piece(
    addr: usize,
    store: Store<'_>,
    admits: impl FnOnce(&Area, &mut WritingGuard<'_>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    without_interrupts(|window| {
        let area = Area::owning(addr).ok_or(Wrong::Target)?;
        let pfn = Spot::of(addr)
            .and_then(|spot| spot.entry().get())
            .ok_or(Wrong::Target)?
            .0;
        let mut writing = area.pool().hot().writing.lock();
        if !area.has(addr, store.len()) {
            return Err(Wrong::Target);
        }
        admits(area, &mut writing)?;
        let change = verify::Change::begin(area, addr, store.len());
        // SAFETY: Interrupts are off and the window is this CPU's. The area is the pool's, which
        // allows the write, and stays: see the head of this file.
        unsafe { window.write(pfn, addr & (PAGE_SIZE - 1), store) };
        if let Some(change) = change {
            change.end();
        }
        Ok(())
    })
}

/// Zeroes memory of an area whatever its protection: for objects that are freed.
pub(super) fn wipe(addr: usize, size: usize) {
    let _ = pieces(addr, size, PAGE_SIZE, |at, len| {
        piece(at, Store::Fill(0, len), |_, _| Ok(()))
    });
}

/// Writes a few bytes within one page, whatever the protection: for headers of objects.
pub(super) fn put(addr: usize, bytes: &[u8]) {
    let _ = pieces(addr, bytes.len(), PIECE, |at, len| {
        let from = at - addr;
        piece(at, Store::Bytes(&bytes[from..from + len]), |_, _| Ok(()))
    });
}

/// Fills in memory that was just allocated, through the window where it is write-rare already.
pub(crate) fn fill_in(addr: usize, bytes: &[u8]) {
    put(addr, bytes);
}

/// Cuts a range into pieces of at most `most` bytes that do not cross ends of pages.
#[inline(always)]
fn pieces(
    addr: usize,
    size: usize,
    most: usize,
    mut each: impl FnMut(usize, usize) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut done = 0;
    while done < size {
        let at = addr + done;
        let len = (size - done)
            .min(most)
            .min(PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        each(at, len)?;
        done += len;
    }
    Ok(())
}

/// A write as its caller asked for it: who wants to write how many bytes where.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    name: &'static str,
    caller: usize,
    dst: usize,
    size: usize,
    key: Option<object::Key>,
}

impl Request {
    /// `name` and `caller` are for the log and the ledger; `caller` may be 0.
    #[inline(always)]
    pub(crate) fn new(name: &'static str, caller: usize, dst: usize, size: usize) -> Self {
        Self {
            name,
            caller,
            dst,
            size,
            key: None,
        }
    }

    /// A write into an object that takes a cookie. Refuses an offset that overflows.
    pub(crate) fn into_object(
        name: &'static str,
        caller: usize,
        key: object::Key,
        offset: usize,
        size: usize,
    ) -> Option<Self> {
        let request = Self::new(name, caller, key.object, size);
        let Some(dst) = key.object.checked_add(offset) else {
            request.refuse(Wrong::Target);
            return None;
        };
        Some(Self {
            dst,
            key: Some(key),
            ..request
        })
    }

    #[cold]
    pub(crate) fn refuse(self, wrong: Wrong) -> bool {
        let caller = match self.caller {
            0 => Caller::find(),
            addr => Caller::from_entry(addr),
        };
        refuse(self.name, wrong, self.dst, self.size, caller);
        false
    }

    /// Asked for each piece. The first decides for the whole, and is noted.
    #[inline(always)]
    fn admit(&self, at: usize, area: &Area, writing: &mut WritingGuard<'_>) -> Result<(), Wrong> {
        if !area.is_write_rare() {
            return Err(Wrong::Target);
        }
        if at != self.dst {
            return Ok(());
        }
        if !area.has(self.dst, self.size) {
            return Err(Wrong::Target);
        }
        if area.pool().mode().has_cookies() {
            let key = self.key.ok_or(Wrong::Cookie)?;
            object::check_cookie(area.pool(), area, key, self.dst, self.size)?;
        }
        writing
            .ledger()
            .note(self.caller, area, self.dst, self.size);
        Ok(())
    }

    /// Calls `each` for the pieces; false, and a word in the log, if any is refused.
    #[inline(always)]
    fn serve(self, most: usize, each: impl FnMut(usize, usize) -> Result<(), Wrong>) -> bool {
        // SAFETY: May be asked in any context.
        let result = if unsafe { ffi::rsbac_mem_in_nmi() } {
            Err(Wrong::Nmi)
        } else {
            pieces(self.dst, self.size, most, each)
        };
        match result {
            Ok(()) => true,
            Err(wrong) => self.refuse(wrong),
        }
    }
    /// Whether all of the range may be written, as far as can be said with interrupts on.
    fn may_write(&self) -> bool {
        Area::owning(self.dst)
            .is_some_and(|area| area.is_write_rare() && area.has(self.dst, self.size))
    }

    /// Copies from `src` to protected memory. False if refused: nothing is written then.
    ///
    /// # Safety
    ///
    /// `src` must be readable for as many bytes as are to be written.
    pub(crate) unsafe fn copy(self, src: *const u8) -> bool {
        // Before the source is read: where the size is wrong, it is likely to end before that.
        if self.size > size_of::<u64>() && !self.may_write() {
            return self.refuse(Wrong::Target);
        }
        self.serve(PIECE, |at, len| {
            // The source is read before the window opens: it may fault, or be slow.
            let mut bytes = [const { MaybeUninit::<u8>::uninit() }; PIECE];
            // SAFETY: By the contract of this function; a piece is no longer than `bytes`.
            let bytes = unsafe {
                let from = src.add(at - self.dst);
                if len == 8 {
                    let word = from.cast::<u64>().read_unaligned();
                    bytes.as_mut_ptr().cast::<u64>().write_unaligned(word);
                } else {
                    ptr::copy_nonoverlapping(from, bytes.as_mut_ptr().cast(), len);
                }
                slice::from_raw_parts(bytes.as_ptr().cast(), len)
            };
            piece(at, Store::Bytes(bytes), |area, writing| {
                self.admit(at, area, writing)
            })
        })
    }

    /// Fills protected memory. False if refused: nothing is written then.
    pub(crate) fn fill(self, byte: u8) -> bool {
        self.serve(PAGE_SIZE, |at, len| {
            piece(at, Store::Fill(byte, len), |area, writing| {
                self.admit(at, area, writing)
            })
        })
    }

    /// Changes a word of 1, 2, 4 or 8 bytes and returns what was there; `None` if refused. Atomic
    /// against all other write-rare calls, and readers see the one value or the other.
    pub(crate) fn atomic(self, op: Op, operand: u64) -> Option<u64> {
        if !matches!(self.size, 1 | 2 | 4 | 8) || self.dst % self.size != 0 {
            self.refuse(Wrong::Alignment);
            return None;
        }
        let mut old = 0;
        self.serve(self.size, |_, _| {
            old = atomic_word(&self, op, operand)?;
            Ok(())
        })
        .then_some(old)
    }
}

/// What an atomic operation does: `enum pmalloc_wr_op` of the public header.
#[derive(Clone, Copy)]
pub(crate) enum Op {
    Add,
    Sub,
    And,
    Or,
    Xor,
    Xchg,
    /// Writes only if the value was this one.
    Cmpxchg(u64),
}

impl Op {
    fn apply(self, old: u64, operand: u64) -> Option<u64> {
        match self {
            Self::Add => Some(old.wrapping_add(operand)),
            Self::Sub => Some(old.wrapping_sub(operand)),
            Self::And => Some(old & operand),
            Self::Or => Some(old | operand),
            Self::Xor => Some(old ^ operand),
            Self::Xchg => Some(operand),
            Self::Cmpxchg(expected) => (old == expected).then_some(operand),
        }
    }
}

fn atomic_word(request: &Request, op: Op, operand: u64) -> Result<u64, Wrong> {
    let (dst, size) = (request.dst, request.size);
    without_interrupts(|window| {
        let area = Area::owning(dst).ok_or(Wrong::Target)?;
        let pfn = Spot::of(dst)
            .and_then(|spot| spot.entry().get())
            .ok_or(Wrong::Target)?
            .0;
        // The lock is what makes it atomic: nobody else writes to the pool.
        let mut writing = area.pool().hot().writing.lock();
        request.admit(dst, area, &mut writing)?;
        let mut bytes = [0u8; 8];
        // SAFETY: An area has the word, which is aligned, and can be read.
        unsafe {
            match size {
                1 => bytes[0] = (dst as *const u8).read_volatile(),
                2 => bytes[..2].copy_from_slice(&(dst as *const u16).read_volatile().to_le_bytes()),
                4 => bytes[..4].copy_from_slice(&(dst as *const u32).read_volatile().to_le_bytes()),
                _ => bytes = (dst as *const u64).read_volatile().to_le_bytes(),
            }
        }
        let old = u64::from_le_bytes(bytes);
        if let Some(new) = op.apply(old, operand) {
            let change = verify::Change::begin(area, dst, size);
            let new = new.to_le_bytes();
            // SAFETY: As in `piece`.
            unsafe { window.write(pfn, dst & (PAGE_SIZE - 1), Store::Bytes(&new[..size])) };
            if let Some(change) = change {
                change.end();
            }
        }
        Ok(old)
    })
}
