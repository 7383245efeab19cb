// SPDX-License-Identifier: GPL-2.0

//! Pools and their areas.
//!
//! A pool is a descriptor in protected memory, whose address is the caller's handle, and a
//! [`Hot`] in plain memory, which says where the next object goes. Nothing in the latter decides
//! about protection: it is checked against the descriptors before it is believed.
//!
//! Lock order: a pool's `cursor`, then `STORE`, then a pool's `writing`.

use super::{
    area::{
        Area,
        SEALED,
        WRITE_RARE, //
    },
    arena::{
        owner,
        Run, //
    },
    guarded::{
        pages_for,
        Guarded, //
    },
    ledger::Writing,
    mode::{
        Kind,
        Mode, //
    },
    object,
    stats::STATS,
    store::{
        self,
        Desc,
        Store, //
    },
    verify, //
};
use crate::{
    kmem_cgroup::Payer,
    pagetable, //
};
use kernel::{
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    str::CString,
    sync::{
        atomic::ordering::Relaxed,
        new_mutex,
        Arc,
        Mutex, //
    }, //
};

/// What decides about a pool; the handle of callers points here.
#[repr(C)]
pub(crate) struct Pool {
    state: Guarded<usize>,
    pub(crate) id: Guarded<usize>,
    mode: Guarded<usize>,
    /// Pages of an area at least.
    refill: Guarded<usize>,
    /// Of objects, in bytes; a power of two.
    align: Guarded<usize>,
    /// Bytes of all areas at most.
    pub(crate) cap: Guarded<usize>,
    /// The newest area.
    areas: Guarded<*const Area>,
    hot: Guarded<*const Hot>,
    /// For tags of objects and for digests.
    key: [Guarded<u64>; 2],
}

/// Areas that are given back at a time.
const BATCH: usize = 32;

impl Desc for Pool {
    const OWNER: usize = owner::POOLS;

    fn state(&self) -> &Guarded<usize> {
        &self.state
    }
}

/// What changes all the time, in plain memory.
#[pin_data]
pub(crate) struct Hot {
    pub(crate) name: CString,
    #[pin]
    pub(crate) cursor: Mutex<Cursor>,
    #[pin]
    pub(crate) writing: Writing,
}

// SAFETY: The pointers are to protected memory, which is only changed under locks.
unsafe impl Send for Hot {}
// SAFETY: As above.
unsafe impl Sync for Hot {}

/// Where objects go, and figures.
#[derive(Default)]
pub(crate) struct Cursor {
    /// The area that objects are taken from, downwards.
    area: Option<&'static Area>,
    /// Bytes of it that are left.
    left: usize,
    /// Objects that were freed and can be had again.
    pub(crate) freed: KVec<object::Freed>,
    pub(crate) areas: usize,
    pub(crate) bytes: usize,
    pub(crate) peak: usize,
    pub(crate) used: usize,
    pub(crate) wasted: usize,
    pub(crate) failed: u64,
}

impl Cursor {
    /// Whether new objects are taken from this area.
    pub(crate) fn is_current(&self, area: &Area) -> bool {
        self.area
            .is_some_and(|current| core::ptr::eq(current, area))
    }
}

impl Pool {
    /// The pool that a caller's handle means. Any context.
    #[inline(always)]
    pub(crate) fn find(handle: *const c_void) -> Option<&'static Self> {
        <Self as Desc>::find(handle as usize)
    }

    #[inline(always)]
    pub(crate) fn mode(&self) -> Mode {
        Mode::from_word(self.mode.get())
    }

    #[inline(always)]
    pub(crate) fn hot(&self) -> &Hot {
        // SAFETY: A living pool has one; it goes after the pool.
        unsafe { &*self.hot.get() }
    }

    pub(crate) fn key(&self) -> [u64; 2] {
        [self.key[0].get(), self.key[1].get()]
    }

    pub(crate) fn areas(&self) -> impl Iterator<Item = &'static Area> {
        let mut next = self.areas.get();
        core::iter::from_fn(move || {
            // SAFETY: The list is in protected memory; its areas live while the pool does.
            let area = unsafe { next.as_ref() }?;
            next = area.next.get();
            Some(area)
        })
    }

    /// Makes a pool without areas. May sleep.
    pub(crate) fn create(
        mode: Mode,
        refill: usize,
        align: usize,
        name: CString,
    ) -> Result<(&'static Self, Arc<Hot>)> {
        let refill = pages_for(refill.max(1)).ok_or(EINVAL)?;
        let hot = Arc::pin_init(
            try_pin_init!(Hot {
                name,
                cursor <- new_mutex!(Cursor::default(), "pmalloc_pool"),
                writing <- Writing::new(mode.kind.is_write_rare()),
            }),
            GFP_KERNEL,
        )?;
        let pool = store::with(|store| {
            let pool = store.take_desc::<Self>()?;
            pool.id.set(store.new_id());
            pool.mode.set(mode.to_word());
            pool.refill.set(refill);
            pool.align.set(if mode.has_headers() {
                align.max(object::HEADER)
            } else {
                align
            });
            pool.cap.set(usize::MAX);
            pool.areas.set(core::ptr::null());
            pool.hot.set(Arc::as_ptr(&hot));
            for word in &pool.key {
                word.set(verify::random());
            }
            Ok(pool)
        })?;
        Ok((pool, hot))
    }

    /// Allocates `size` bytes, zeroed unless the area was written to before. May sleep.
    pub(crate) fn alloc(&'static self, size: usize, cookie: u64) -> Option<usize> {
        let mut cursor = self.hot().cursor.lock();
        let found = self.alloc_locked(&mut cursor, size, cookie);
        if found.is_none() {
            cursor.failed += 1;
        }
        found
    }

    #[inline(always)]
    fn alloc_locked(&'static self, cursor: &mut Cursor, size: usize, cookie: u64) -> Option<usize> {
        if size == 0 {
            return None;
        }
        let mode = self.mode();
        if !mode.has_headers() {
            let addr = match self.bump(cursor, size, 0) {
                Some(addr) => addr,
                None => {
                    self.add_area(cursor, size, 0).ok()?;
                    self.bump(cursor, size, 0)?
                }
            };
            cursor.used += size;
            return Some(addr);
        }
        object::alloc(self, cursor, size, cookie)
    }

    /// Takes `size` bytes from the current area, and `header` bytes before them.
    #[inline(always)]
    pub(crate) fn bump(&self, cursor: &mut Cursor, size: usize, header: usize) -> Option<usize> {
        let area = cursor.area?;
        // The cursor is plain memory: it must not lead out of an area of ours.
        if cursor.left > area.bytes() || !core::ptr::eq(area.pool.get(), self) {
            return None;
        }
        let start = cursor.left.checked_sub(size)? & !(self.align.get() - 1);
        cursor.left = start.checked_sub(header)?;
        Some(area.addr() + start)
    }

    /// Opens a new area that has room for an object, after giving up the current one.
    pub(crate) fn add_area(
        &'static self,
        cursor: &mut Cursor,
        size: usize,
        header: usize,
    ) -> Result {
        let mode = self.mode();
        let size = size
            .checked_next_multiple_of(self.align.get())
            .and_then(|size| size.checked_add(header))
            .ok_or(ENOMEM)?;
        let pages = pages_for(size).ok_or(ENOMEM)?.max(self.refill.get());
        let bytes = pages.checked_mul(PAGE_SIZE).ok_or(ENOMEM)?;
        if cursor
            .bytes
            .checked_add(bytes)
            .is_none_or(|sum| sum > self.cap.get())
        {
            return Err(ENOSPC);
        }
        if cursor.area.is_some() {
            self.retire(cursor);
            if mode.kind.is_auto() {
                self.protect_areas()?;
            }
        }
        let payer = Payer::charge(pages)?;
        let area = store::with(|store| self.new_area(store, pages))
            .inspect_err(|_| payer.uncharge(pages))?;
        area.payer.set(payer.to_word());
        if mode.kind == Kind::StartWr {
            self.protect_areas()?;
        }
        cursor.area = Some(area);
        cursor.left = bytes;
        cursor.areas += 1;
        cursor.bytes += bytes;
        cursor.peak = cursor.peak.max(cursor.bytes);
        Ok(())
    }

    fn new_area(&'static self, store: &mut Store, pages: usize) -> Result<&'static Area> {
        let area = store.take_desc::<Area>()?;
        let run = match Run::map(store, pages, core::ptr::from_ref(area) as usize) {
            Ok(run) => run,
            Err(err) => {
                store.give_desc(area);
                return Err(err);
            }
        };
        let digests = match verify::new_digests(store, self.mode(), pages) {
            Ok(digests) => digests,
            Err(err) => {
                run.set_owner(owner::NOBODY);
                // SAFETY: Nobody has seen the memory.
                unsafe { run.unmap(store) };
                store.give_desc(area);
                return Err(err);
            }
        };
        area.pool.set(self);
        area.base.set(run.addr());
        area.pages.set(pages);
        area.flags.set(if self.mode().kind.is_write_rare() {
            WRITE_RARE
        } else {
            0
        });
        area.low.set(run.addr() + (pages << PAGE_SHIFT));
        area.live.set(0);
        area.digests.set(digests);
        area.next.set(self.areas.get());
        self.areas.set(area);
        Ok(area)
    }

    /// Gives up what is left of the current area.
    fn retire(&self, cursor: &mut Cursor) {
        if let Some(area) = cursor.area.take() {
            area.low.set(area.addr() + cursor.left.min(area.bytes()));
            cursor.wasted += cursor.left;
            cursor.left = 0;
        }
    }

    /// Write-protects all memory that was allocated so far. May sleep.
    pub(crate) fn protect(&'static self) -> Result {
        let mut cursor = self.hot().cursor.lock();
        // An area that is write-rare from its start has nothing to seal, and stays in use.
        if self.mode().kind != Kind::StartWr {
            self.retire(&mut cursor);
            cursor
                .freed
                .retain(|freed| freed.area().is_some_and(|area| !area.is_sealed()));
        }
        self.protect_areas()?;
        cursor.freed.retain(|freed| {
            self.mode().kind == Kind::StartWr || freed.area().is_some_and(|area| !area.is_sealed())
        });
        Ok(())
    }

    /// Protects the areas that are not. They are the newest ones; one flush does for all of them.
    fn protect_areas(&'static self) -> Result {
        let open = || self.areas().take_while(|area| !area.is_sealed());
        let (mut start, mut end) = (usize::MAX, 0);
        for area in open() {
            area.run().ok_or(EFAULT)?.protect();
            start = start.min(area.addr());
            end = end.max(area.addr() + area.bytes());
        }
        if start < end {
            pagetable::flush(start, end);
            STATS.flushes.fetch_add(1, Relaxed);
        }
        // Sealing one takes it out of what `open` finds; the list itself stays.
        let count = open().count();
        for area in self.areas().take(count) {
            verify::seal(self, area);
            area.flags.set(area.flags.get() | SEALED);
            STATS.seals.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Takes the pool out of write-rare for good, and protects it. May sleep.
    pub(crate) fn make_ro(&'static self) -> Result {
        let mut cursor = self.hot().cursor.lock();
        self.retire(&mut cursor);
        cursor.freed.clear();
        {
            // Nobody is in the middle of a write after this.
            let _writing = self.hot().writing.lock();
            self.mode.set(self.mode().without_write_rare().to_word());
            for area in self.areas() {
                area.flags.set(area.flags.get() & !WRITE_RARE);
            }
        }
        self.protect_areas()
    }

    /// Whether `size` bytes at `addr` are memory that this pool handed out. May sleep.
    pub(crate) fn owns(&'static self, addr: usize, size: usize) -> bool {
        let cursor = self.hot().cursor.lock();
        Area::owning(addr).is_some_and(|area| {
            let low = if cursor.is_current(area) {
                area.addr() + cursor.left
            } else {
                area.low.get()
            };
            core::ptr::eq(area.pool.get(), self) && area.has(addr, size) && addr >= low
        })
    }

    /// Whether any area can be written directly.
    pub(crate) fn is_open(&self) -> bool {
        self.areas().next().is_some_and(|area| !area.is_sealed())
    }

    /// Gives an area back that has no objects any more. `cursor` is the pool's.
    pub(crate) fn remove_area(&'static self, cursor: &mut Cursor, area: &'static Area) -> Result {
        let next = area.next.get();
        if core::ptr::eq(self.areas.get(), area) {
            self.areas.set(next);
        } else if let Some(before) = self.areas().find(|a| core::ptr::eq(a.next.get(), area)) {
            before.next.set(next);
        }
        cursor.areas -= 1;
        cursor.bytes -= area.bytes();
        Self::release([area].iter())
    }

    /// Unmaps areas and frees their memory.
    fn release<'a>(areas: impl Iterator<Item = &'a &'static Area> + Clone) -> Result {
        for area in areas.clone() {
            if let Some(run) = area.run() {
                run.set_owner(owner::NOBODY);
            }
        }
        // Whoever found an area before that is still at it, with interrupts off; wait.
        // SAFETY: The callers may sleep.
        unsafe { kernel::bindings::kick_all_cpus_sync() };
        store::with(|store| {
            for area in areas {
                if let Some(run) = area.run() {
                    // SAFETY: Nobody finds the area any more, nor is still at it. The memory is
                    // no longer in use by the contract of the calls that led here.
                    unsafe { run.unmap(store) };
                }
                verify::remove_digests(store, area);
                Payer::from_word(area.payer.get()).uncharge(area.pages());
                store.give_desc::<Area>(area);
            }
            Ok(())
        })
    }

    /// Gives all memory back. Nobody uses the pool any more. May sleep.
    pub(crate) fn destroy(&'static self) -> Result {
        {
            let mut cursor = self.hot().cursor.lock();
            cursor.area = None;
            cursor.freed.clear();
        }
        self.state.set(store::DYING);
        let mut areas = self.areas();
        // In batches, so that waiting for the other CPUs is not done for each area.
        loop {
            let mut batch = [None; BATCH];
            // What comes next is read before an area goes.
            for (place, area) in batch.iter_mut().zip(areas.by_ref()) {
                *place = Some(area);
            }
            if batch[0].is_none() {
                break;
            }
            Self::release(batch.iter().flatten())?;
        }
        store::with(|store| {
            store.give_desc::<Self>(self);
            Ok(())
        })
    }
}
