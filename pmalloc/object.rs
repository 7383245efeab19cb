// SPDX-License-Identifier: GPL-2.0

//! Objects of pools that know each object: those that can be freed, or that need a cookie.
//!
//! Such objects have a header before them, in the same protected memory: the size, a tag that
//! only this header at this place can have, and a hash of the cookie.

use super::{
    area::Area,
    mode::Kind,
    pool::{
        Cursor,
        Pool, //
    },
    report::Wrong,
    verify::hash,
    wr, //
};
use core::mem::size_of;
use kernel::prelude::*;

/// What stands before an object.
#[repr(C)]
#[derive(Clone, Copy)]
struct Header {
    size: u32,
    tag: u32,
    cookie: u64,
}

/// Bytes of a header. Objects are aligned to it at least.
pub(super) const HEADER: usize = size_of::<Header>();

/// What is hashed for a tag or a cookie besides its place.
const LIVE: u64 = 1;
const COOKIE: u64 = 2;

/// An object that a caller names, and the cookie that it presents for it.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) object: usize,
    pub(crate) cookie: u64,
}

/// A freed object that can be had again.
pub(crate) struct Freed {
    addr: usize,
    size: usize,
}

impl Freed {
    pub(crate) fn area(&self) -> Option<&'static Area> {
        Area::owning(self.addr)
    }
}

impl Header {
    fn new(pool: &Pool, addr: usize, size: usize, cookie: u64) -> Self {
        let key = pool.key();
        Self {
            size: size as u32,
            tag: hash(&[addr as u64, size as u64, LIVE], &key) as u32,
            cookie: hash(&[addr as u64, cookie, COOKIE], &key),
        }
    }

    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..4].copy_from_slice(&self.size.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.tag.to_ne_bytes());
        bytes[8..].copy_from_slice(&self.cookie.to_ne_bytes());
        bytes
    }

    /// The header of the living object at `addr`; `None` if none starts there.
    fn find(pool: &Pool, area: &Area, addr: usize) -> Option<Self> {
        let at = addr.checked_sub(HEADER)?;
        if addr % HEADER != 0 || !area.has(at, HEADER) {
            return None;
        }
        // SAFETY: It lies within the area, aligned, and any bytes are a header.
        let header = unsafe { (at as *const Self).read_volatile() };
        let right = Self::new(pool, addr, header.size as usize, 0);
        (header.tag == right.tag && area.has(addr, header.size as usize)).then_some(header)
    }
}

/// Allocates an object with a header. May sleep.
pub(super) fn alloc(
    pool: &'static Pool,
    cursor: &mut Cursor,
    size: usize,
    cookie: u64,
) -> Option<usize> {
    u32::try_from(size).ok()?;
    let (addr, area) = match reuse(cursor, size) {
        Some(found) => found,
        None => fresh(pool, cursor, size)?,
    };
    wr::put(
        addr - HEADER,
        &Header::new(pool, addr, size, cookie).to_bytes(),
    );
    area.live.set(area.live.get() + 1);
    cursor.used += size;
    Some(addr)
}

/// Takes a freed object of the same size.
fn reuse(cursor: &mut Cursor, size: usize) -> Option<(usize, &'static Area)> {
    let index = cursor.freed.iter().rposition(|freed| freed.size == size)?;
    let freed = cursor.freed.remove(index).ok()?;
    let area = freed.area()?;
    // The list is plain memory: believe it no more than it says, which is "free".
    let vacant = area.has(freed.addr - HEADER, HEADER + size)
        && Header::find(area.pool(), area, freed.addr).is_none();
    vacant.then_some((freed.addr, area))
}

fn fresh(pool: &'static Pool, cursor: &mut Cursor, size: usize) -> Option<(usize, &'static Area)> {
    if let Some(addr) = pool.bump(cursor, size, HEADER) {
        return Some((addr, Area::owning(addr)?));
    }
    pool.add_area(cursor, size, HEADER).ok()?;
    let addr = pool.bump(cursor, size, HEADER)?;
    Some((addr, Area::owning(addr)?))
}

/// Frees the object at `addr`, after zeroing it. May sleep.
pub(crate) fn free(pool: &'static Pool, addr: usize, size: Option<usize>) -> Result<(), Wrong> {
    if !pool.mode().is_freeable() {
        return Err(Wrong::Unsupported);
    }
    let mut cursor = pool.hot().cursor.lock();
    let area = Area::owning(addr).ok_or(Wrong::Object)?;
    if !core::ptr::eq(area.pool.get(), pool) {
        return Err(Wrong::Object);
    }
    let header = Header::find(pool, area, addr).ok_or(Wrong::Object)?;
    let found = header.size as usize;
    if size.is_some_and(|size| size != found) {
        return Err(Wrong::Object);
    }
    wr::wipe(addr - HEADER, HEADER + found);
    cursor.used -= found;
    area.live.set(area.live.get() - 1);
    let again = !area.is_sealed() || pool.mode().kind == Kind::StartWr;
    if area.live.get() == 0 && area.is_sealed() && !cursor.is_current(area) {
        cursor.freed.retain(|freed| !area.has(freed.addr, 1));
        let _ = pool.remove_area(&mut cursor, area);
    } else if again {
        // Without memory for the list the room is lost until the pool goes.
        let _ = cursor.freed.push(Freed { addr, size: found }, GFP_KERNEL);
    }
    Ok(())
}

/// Whether `key` is for a living object of the pool with that cookie, and has the target.
pub(super) fn check_cookie(
    pool: &Pool,
    area: &Area,
    key: Key,
    addr: usize,
    size: usize,
) -> Result<(), Wrong> {
    let header = Header::find(pool, area, key.object).ok_or(Wrong::Cookie)?;
    let right = Header::new(pool, key.object, header.size as usize, key.cookie);
    if header.cookie != right.cookie {
        return Err(Wrong::Cookie);
    }
    let offset = addr.checked_sub(key.object).ok_or(Wrong::Target)?;
    let room = (header.size as usize)
        .checked_sub(offset)
        .ok_or(Wrong::Target)?;
    if size > room {
        return Err(Wrong::Target);
    }
    Ok(())
}
