// SPDX-License-Identifier: GPL-2.0

//! Write-rare: writing to sealed memory of pools that were created for it.
//!
//! Any context but NMI, also with interrupts off and under a spinlock. A call is cut at ends of
//! pages, and into pieces of [`PIECE`] bytes, between which interrupts are as they were before.
//! Each piece is checked anew, with interrupts off, which keeps the area where it is until the
//! piece is written; see `Pool::destroy`.

use super::{
    area::Area,
    arena::Spot,
    guarded::without_interrupts,
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
use core::slice;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// Bytes that are copied at a time.
const PIECE: usize = 256;

/// Who calls what, for the log and the ledger.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) caller: usize,
}

impl Call {
    #[cold]
    pub(crate) fn refuse(self, wrong: Wrong, addr: usize, size: usize) -> bool {
        let caller = match self.caller {
            0 => Caller::find(),
            addr => Caller::from_entry(addr),
        };
        refuse(self.name, wrong, addr, size, caller);
        false
    }
}

/// Writes one piece that does not cross the end of a page, after checking that the area allows it.
#[inline(always)]
fn piece(
    addr: usize,
    store: Store<'_>,
    admits: impl Fn(&Area) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    without_interrupts(|window| {
        let area = Area::owning(addr).ok_or(Wrong::Target)?;
        if !area.has(addr, store.len()) {
            return Err(Wrong::Target);
        }
        admits(area)?;
        let pfn = Spot::of(addr)
            .and_then(|spot| spot.entry().get())
            .ok_or(Wrong::Target)?
            .0;
        let _writing = area.pool().hot().writing.lock();
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
        piece(at, Store::Fill(0, len), |_| Ok(()))
    });
}

/// Writes a few bytes within one page, whatever the protection: for headers of objects.
pub(super) fn put(addr: usize, bytes: &[u8]) {
    let _ = pieces(addr, bytes.len(), PIECE, |at, len| {
        let from = at - addr;
        piece(at, Store::Bytes(&bytes[from..from + len]), |_| Ok(()))
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

/// Whether all of a target may be written, and by whom: before anything is. Notes the write.
#[inline(always)]
fn admit(call: Call, addr: usize, size: usize, cookie: Option<object::Key>) -> Result<(), Wrong> {
    // SAFETY: May be asked in any context.
    if unsafe { ffi::rsbac_mem_in_nmi() } {
        return Err(Wrong::Nmi);
    }
    without_interrupts(|_| {
        let area = Area::owning(addr).ok_or(Wrong::Target)?;
        if !area.has(addr, size) || !area.is_write_rare() {
            return Err(Wrong::Target);
        }
        let pool = area.pool();
        if pool.mode().has_cookies() {
            let key = cookie.ok_or(Wrong::Cookie)?;
            object::check_cookie(pool, area, key, addr, size)?;
        }
        pool.hot()
            .writing
            .lock()
            .ledger()
            .note(call.caller, area, addr, size);
        Ok(())
    })
}

fn still_write_rare(area: &Area) -> Result<(), Wrong> {
    if area.is_write_rare() {
        Ok(())
    } else {
        Err(Wrong::Target)
    }
}

/// Copies `size` bytes from `src` to protected memory. False if refused: nothing is written then.
///
/// # Safety
///
/// `src` must be readable for `size` bytes.
pub(crate) unsafe fn copy(
    call: Call,
    dst: usize,
    src: *const u8,
    size: usize,
    cookie: Option<object::Key>,
) -> bool {
    let result = admit(call, dst, size, cookie).and_then(|()| {
        pieces(dst, size, PIECE, |at, len| {
            // The source is read before the window opens: it may fault, or be slow.
            let mut bytes = [0u8; PIECE];
            // SAFETY: By the contract of this function; a piece is no longer than `bytes`.
            let bytes = unsafe {
                core::ptr::copy_nonoverlapping(src.add(at - dst), bytes.as_mut_ptr(), len);
                slice::from_raw_parts(bytes.as_ptr(), len)
            };
            piece(at, Store::Bytes(bytes), still_write_rare)
        })
    });
    result.map_or_else(|wrong| call.refuse(wrong, dst, size), |()| true)
}

/// Fills `size` bytes of protected memory. False if refused: nothing is written then.
pub(crate) fn fill(
    call: Call,
    dst: usize,
    byte: u8,
    size: usize,
    cookie: Option<object::Key>,
) -> bool {
    let result = admit(call, dst, size, cookie).and_then(|()| {
        pieces(dst, size, PAGE_SIZE, |at, len| {
            piece(at, Store::Fill(byte, len), still_write_rare)
        })
    });
    result.map_or_else(|wrong| call.refuse(wrong, dst, size), |()| true)
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

/// Changes a word of 1, 2, 4 or 8 bytes and returns what was there; `None` if refused. Atomic
/// against all other write-rare calls, and readers see the one value or the other.
pub(crate) fn atomic(call: Call, dst: usize, size: usize, op: Op, operand: u64) -> Option<u64> {
    let result = if matches!(size, 1 | 2 | 4 | 8) && dst % size == 0 {
        admit(call, dst, size, None).and_then(|()| atomic_word(dst, size, op, operand))
    } else {
        Err(Wrong::Alignment)
    };
    result.map_or_else(
        |wrong| {
            call.refuse(wrong, dst, size);
            None
        },
        Some,
    )
}

fn atomic_word(dst: usize, size: usize, op: Op, operand: u64) -> Result<u64, Wrong> {
    without_interrupts(|window| {
        let area = Area::owning(dst).ok_or(Wrong::Target)?;
        still_write_rare(area)?;
        let pfn = Spot::of(dst)
            .and_then(|spot| spot.entry().get())
            .ok_or(Wrong::Target)?
            .0;
        // The lock is what makes it atomic: nobody else writes to the pool.
        let _writing = area.pool().hot().writing.lock();
        let mut bytes = [0u8; 8];
        // SAFETY: An area has the word, which is aligned, and can be read.
        unsafe {
            match size {
                1 => bytes[0] = (dst as *const u8).read_volatile(),
                2 => bytes[..2].copy_from_slice(&(dst as *const u16).read_volatile().to_ne_bytes()),
                4 => bytes[..4].copy_from_slice(&(dst as *const u32).read_volatile().to_ne_bytes()),
                _ => bytes = (dst as *const u64).read_volatile().to_ne_bytes(),
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
