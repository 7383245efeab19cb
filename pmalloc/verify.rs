// SPDX-License-Identifier: GPL-2.0

//! Digests of sealed memory: what changes it from below the page tables is told.
//!
//! A page's digest is the exclusive or, over its blocks of 64 bytes, of a SipHash of the block
//! and its address, with a key of the pool. So a write takes two hashes of each block that it
//! touches, and not one of the page. Digests are kept in protected memory.

use super::{
    area::Area,
    arena::{
        owner,
        Run, //
    },
    guarded::{
        pages_for,
        Guarded, //
    },
    mode::Mode,
    pool::Pool,
    store::Store, //
};
use crate::ffi::pmalloc as ffi;
use core::mem::size_of;
use kernel::{
    bindings,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// Bytes of a block.
const BLOCK: usize = 64;

/// 64 bits that nobody can guess.
pub(crate) fn random() -> u64 {
    let mut word = 0u64;
    // SAFETY: The word is valid for writes of its size.
    unsafe { bindings::get_random_bytes((&raw mut word).cast(), size_of::<u64>()) };
    word
}

/// A keyed hash of some words.
pub(crate) fn hash(words: &[u64], key: &[u64; 2]) -> u64 {
    // SAFETY: The words are valid for reads of their size.
    unsafe { ffi::rsbac_mem_siphash(words.as_ptr().cast(), size_of_val(words), key) }
}

/// The part of a page's digest that comes from the blocks which `len` bytes at `addr` touch.
pub(crate) fn part(addr: usize, len: usize, key: &[u64; 2]) -> u64 {
    let mut sum = 0;
    let mut block = addr & !(BLOCK - 1);
    while block < addr + len {
        let mut words = [0u64; BLOCK / 8 + 1];
        for (n, word) in words.iter_mut().take(BLOCK / 8).enumerate() {
            // SAFETY: The callers have a mapped page, and blocks do not cross its end. Others may
            // write it only through write-rare, which the callers keep out.
            *word = unsafe { (block as *const u64).add(n).read_volatile() };
        }
        words[BLOCK / 8] = block as u64;
        sum ^= hash(&words, key);
        block += BLOCK;
    }
    sum
}

fn page_digest(addr: usize, key: &[u64; 2]) -> u64 {
    part(addr, PAGE_SIZE, key)
}

/// Pages that the digests of `pages` pages take.
fn table_pages(pages: usize) -> Option<usize> {
    pages_for(pages.checked_mul(size_of::<u64>())?)
}

/// Room for the digests of `pages` pages; null if the pool has none.
pub(crate) fn new_digests(
    store: &mut Store,
    mode: Mode,
    pages: usize,
) -> Result<*const Guarded<u64>> {
    if !mode.is_verified() {
        return Ok(core::ptr::null());
    }
    let table = table_pages(pages).ok_or(ENOMEM)?;
    let run = Run::map(store, table, owner::DIGESTS)?;
    run.protect();
    run.flush();
    Ok(run.addr() as *const Guarded<u64>)
}

/// Gives the room of an area's digests back. Nobody finds the area any more.
pub(crate) fn remove_digests(store: &mut Store, area: &Area) {
    let table = area.digests.get() as usize;
    let run = table_pages(area.pages()).and_then(|pages| Run::at(table, pages));
    if let (false, Some(run)) = (table == 0, run) {
        run.set_owner(owner::NOBODY);
        // SAFETY: Only the area led to them.
        unsafe { run.unmap(store) };
    }
}

/// The place of the digest of the page at `addr`.
#[inline(always)]
fn cell(area: &Area, addr: usize) -> Option<&'static Guarded<u64>> {
    let table = area.digests.get();
    if table.is_null() {
        return None;
    }
    // SAFETY: There is a word for each page of the area, and `addr` is in it.
    Some(unsafe { &*table.add((addr - area.addr()) >> PAGE_SHIFT) })
}

/// Takes the digests of an area that was just write-protected.
pub(crate) fn seal(pool: &Pool, area: &Area) {
    let key = pool.key();
    for page in 0..area.pages() {
        let addr = area.addr() + (page << PAGE_SHIFT);
        let Some(cell) = cell(area, addr) else { return };
        let _writing = pool.hot().writing.lock();
        cell.set(page_digest(addr, &key));
    }
}

/// A write that changes a digest; for the time of the write.
pub(crate) struct Change {
    cell: &'static Guarded<u64>,
    key: [u64; 2],
    addr: usize,
    len: usize,
    before: u64,
}

impl Change {
    /// To be called before the write, under the pool's writing lock.
    #[inline(always)]
    pub(crate) fn begin(area: &Area, addr: usize, len: usize) -> Option<Self> {
        if !area.is_sealed() {
            return None;
        }
        let cell = cell(area, addr)?;
        let key = area.pool().key();
        Some(Self {
            cell,
            key,
            addr,
            len,
            before: part(addr, len, &key),
        })
    }

    /// To be called after the write.
    pub(crate) fn end(self) {
        let after = part(self.addr, self.len, &self.key);
        self.cell.set(self.cell.get() ^ self.before ^ after);
    }
}

/// Compares the pages of an area that `size` bytes at `addr` touch. Does not sleep.
fn check(area: &Area, addr: usize, size: usize) -> Result {
    if !area.is_sealed() {
        return Ok(());
    }
    let key = area.pool().key();
    let mut page = addr & !(PAGE_SIZE - 1);
    while page < addr + size {
        let cell = cell(area, page).ok_or(EOPNOTSUPP)?;
        let _writing = area.pool().hot().writing.lock();
        if cell.get() != page_digest(page, &key) {
            return Err(EBADMSG);
        }
        page += PAGE_SIZE;
    }
    Ok(())
}

/// Compares all sealed memory of a pool with its digests. May sleep.
pub(crate) fn pool(pool: &'static Pool) -> Result {
    if !pool.mode().is_verified() {
        return Err(EOPNOTSUPP);
    }
    let _cursor = pool.hot().cursor.lock();
    for area in pool.areas() {
        check(area, area.addr(), area.bytes())?;
    }
    Ok(())
}

/// Compares the pages that an object lies in. The pool must not be destroyed meanwhile.
pub(crate) fn object(addr: usize, size: usize) -> Result {
    let area = Area::owning(addr).ok_or(EINVAL)?;
    if !area.has(addr, size) || size == 0 {
        return Err(EINVAL);
    }
    if !area.pool().mode().is_verified() {
        return Err(EOPNOTSUPP);
    }
    check(area, addr, size)
}
