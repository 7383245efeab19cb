// SPDX-License-Identifier: GPL-2.0

//! What all pools share: the chunks of memory, and protected room for descriptors.
//!
//! What decides about protection is in the descriptors, see [`super::guarded`]. The lists here
//! are plain memory and no more than hints at where to look: a descriptor that such a list calls
//! free is taken only if it says so itself.
//!
//! [`static@STORE`] is the innermost sleeping lock of the discipline; a pool's own lock is taken before.

use super::{
    area::Area,
    arena::{
        self,
        owner,
        Run,
        Spot, //
    },
    cache::Cache,
    frames::{
        self,
        Chunk,
        FIRST_CHUNK, //
    },
    guarded::{
        Guarded,
        Root,
        ARENAS,
        ROOT, //
    },
    pool::Pool,
    stats::STATS,
    window::Window, //
};
use crate::{
    features,
    pagetable,
    symbols::{
        self,
        Symbol, //
    }, //
};
use core::mem::size_of;
use kernel::{
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    sync::atomic::ordering::Relaxed, //
};

kernel::sync::global_lock! {
    // SAFETY: Made when the module is loaded, before anybody else comes here.
    pub(crate) unsafe(uninit) static STORE: Mutex<Option<Store>> = None;
}

/// Something that lives in pages of its kind, in protected memory.
pub(crate) trait Desc: Sized + 'static {
    /// Who owns the pages.
    const OWNER: usize;
    /// 0 where the descriptor is free.
    fn state(&self) -> &Guarded<usize>;

    /// The descriptor at `addr`, if there is one and it is in use. Any context.
    #[inline(always)]
    fn find(addr: usize) -> Option<&'static Self> {
        let spot = Spot::of(addr)?;
        if spot.owner() != Self::OWNER
            || (addr & (PAGE_SIZE - 1)) % size_of::<Self>() != 0
            || (addr & (PAGE_SIZE - 1)) / size_of::<Self>() >= PAGE_SIZE / size_of::<Self>()
        {
            return None;
        }
        // SAFETY: The pages of this owner hold nothing else, and stay.
        let desc = unsafe { &*(addr as *const Self) };
        (desc.state().get() == LIVE).then_some(desc)
    }
}

/// In use, as [`Desc::state`] says it; hard to come by otherwise.
pub(crate) const LIVE: usize = 0x706d_616c_6c6f_6321;
/// On its way out: found by nobody, and not free yet.
pub(crate) const DYING: usize = 1;

/// Free descriptors, as far as is known.
pub(crate) struct Free<T: Desc> {
    list: KVec<&'static T>,
    /// How many there are, used ones too.
    total: usize,
}

impl<T: Desc> Free<T> {
    const fn new() -> Self {
        Self {
            list: KVec::new(),
            total: 0,
        }
    }
}

/// Gives access to the list of free descriptors of a kind.
pub(crate) trait Has<T: Desc> {
    fn free(&mut self) -> &mut Free<T>;
}

pub(crate) struct Store {
    /// Where to look for room first, in each arena.
    pub(crate) hints: [usize; ARENAS],
    /// All chunks, by address.
    pub(crate) chunks: KVec<&'static Chunk>,
    /// Whether the direct map can be protected here.
    pub(crate) full_protection: bool,
    windows: KVec<Window>,
    free_chunks: Free<Chunk>,
    free_areas: Free<Area>,
    free_pools: Free<Pool>,
    free_caches: Free<Cache>,
    providing: bool,
    next_id: usize,
}

// SAFETY: The windows are used by the CPUs that they are of; the rest is protected memory.
unsafe impl Send for Store {}

impl Has<Chunk> for Store {
    fn free(&mut self) -> &mut Free<Chunk> {
        &mut self.free_chunks
    }
}

impl Has<Area> for Store {
    fn free(&mut self) -> &mut Free<Area> {
        &mut self.free_areas
    }
}

impl Has<Pool> for Store {
    fn free(&mut self) -> &mut Free<Pool> {
        &mut self.free_pools
    }
}

impl Has<Cache> for Store {
    fn free(&mut self) -> &mut Free<Cache> {
        &mut self.free_caches
    }
}

/// Whether this kernel lets us protect the direct map. May sleep.
fn full_protection() -> bool {
    !super::area_only() && symbols::have(&[Symbol::SetMemoryRo, Symbol::SetMemoryRw])
}

/// Finds out what this kernel allows, and says so. May sleep.
pub(crate) fn look() {
    if !pagetable::usable() {
        features::PMALLOC.missing("it takes x86-64's page tables, not under Xen PV");
        features::PMALLOC_DIRECT_MAP.missing("there are no pools");
        return;
    }
    features::PMALLOC.found();
    if full_protection() {
        features::PMALLOC_DIRECT_MAP.found();
    } else {
        features::PMALLOC_DIRECT_MAP.missing(
            "set_memory_ro cannot be reached, sealed memory stays writable in the direct map",
        );
    }
}

impl Store {
    /// Chunk descriptors that are kept free: making room for more must not need more.
    const SPARE_CHUNKS: usize = 32;

    /// Sets all up: windows, the first arena, protected room for descriptors. May sleep.
    fn new() -> Result<Self> {
        if !pagetable::usable() {
            return Err(EOPNOTSUPP);
        }
        let full_protection = full_protection();
        let mut store = Self {
            hints: [0; ARENAS],
            chunks: KVec::new(),
            full_protection,
            windows: KVec::new(),
            free_chunks: Free::new(),
            free_areas: Free::new(),
            free_pools: Free::new(),
            free_caches: Free::new(),
            providing: false,
            next_id: 0,
        };
        let made = store.fill();
        if let Err(err) = made {
            store.clear();
            return Err(err);
        }
        Ok(store)
    }

    fn fill(&mut self) -> Result {
        let cpus = kernel::cpu::nr_cpu_ids() as usize;
        self.windows.reserve(cpus, GFP_KERNEL)?;
        for cpu in 0..cpus {
            let place = self.windows.spare_capacity_mut()[0].as_mut_ptr();
            // SAFETY: `create` zeroes the place first, and all zeroes are a window that was not
            // made, so that there is one more in any case.
            let made = unsafe {
                let made = Window::create(place);
                self.windows.inc_len(1);
                made
            };
            made.inspect_err(|_| {
                pr_warn!("pmalloc: no window for CPU {}\n", cpu);
            })?;
        }
        Root::publish(&self.windows, self.windows.as_ptr())?;
        self.free_chunks.list.push(&FIRST_CHUNK, GFP_KERNEL)?;
        self.free_chunks.total = 1;
        self.providing = true;
        arena::add_arena(self, 1)?;
        self.providing = false;
        self.provide_chunk_desc()?;
        // The windows decide about protection as well.
        let bytes = cpus * size_of::<Window>();
        let run = Run::map(
            self,
            super::guarded::pages_for(bytes).ok_or(ENOMEM)?,
            owner::HEADER,
        )?;
        // SAFETY: The run has room for all windows, and nobody else knows it yet.
        unsafe {
            core::ptr::copy_nonoverlapping(self.windows.as_ptr(), run.addr() as *mut Window, cpus)
        };
        run.protect();
        run.flush();
        ROOT.windows.set(run.addr() as *const Window);
        Ok(())
    }

    /// Gives everything back. Nobody has a pool any more.
    fn clear(mut self) {
        let mut chunks = KVec::new();
        if chunks.reserve(self.chunks.len(), GFP_KERNEL).is_err() {
            pr_warn!(
                "pmalloc: no memory to tidy up with: {} chunks are lost\n",
                self.chunks.len()
            );
        }
        for chunk in self.chunks.iter().take(chunks.capacity()) {
            let _ = chunks.push((chunk.first_pfn(), chunk.pages().ilog2()), GFP_KERNEL);
        }
        let mut bases = [0; ARENAS];
        for (base, arena) in bases.iter_mut().zip(&ROOT.arenas).take(ROOT.count.get()) {
            *base = arena.base.get();
        }
        if !ROOT.windows.get().is_null() {
            // Through the windows in plain memory, since the others are about to go.
            let _ = Root::publish(&self.windows, self.windows.as_ptr());
            ROOT.count.set(0);
            FIRST_CHUNK.state().set(0);
            let _ = Root::publish(&self.windows, core::ptr::null());
        }
        // SAFETY: There are no pools any more, and nothing leads to an arena now.
        unsafe { arena::remove_all(&bases) };
        for (pfn, order) in chunks {
            frames::free_chunk(&self, pfn, order);
        }
        for window in self.windows.iter_mut() {
            window.destroy();
        }
    }

    /// A descriptor that is free, marked as in use. May sleep.
    pub(crate) fn take_desc<T: Desc>(&mut self) -> Result<&'static T>
    where
        Self: Has<T>,
    {
        loop {
            if let Some(desc) = self.pop_desc() {
                return Ok(desc);
            }
            self.add_descs::<T>()?;
        }
    }

    /// Likewise, if there is one: memory is not asked for.
    pub(crate) fn pop_desc<T: Desc>(&mut self) -> Option<&'static T>
    where
        Self: Has<T>,
    {
        while let Some(desc) = Has::<T>::free(self).list.pop() {
            // Believe the descriptor, not the list.
            if desc.state().get() == 0 {
                desc.state().set(LIVE);
                return Some(desc);
            }
        }
        None
    }

    /// Frees a descriptor.
    pub(crate) fn give_desc<T: Desc>(&mut self, desc: &'static T)
    where
        Self: Has<T>,
    {
        desc.state().set(0);
        // There is room for all of them; see `add_descs`.
        let _ = Has::<T>::free(self).list.push(desc, GFP_KERNEL);
    }

    fn add_descs<T: Desc>(&mut self) -> Result
    where
        Self: Has<T>,
    {
        let count = PAGE_SIZE / size_of::<T>();
        let free = Has::<T>::free(self);
        let room = free.total + count - free.list.len();
        free.list.reserve(room, GFP_KERNEL)?;
        let run = Run::map(self, 1, T::OWNER)?;
        run.protect();
        run.flush();
        let free = Has::<T>::free(self);
        for n in (0..count).rev() {
            // SAFETY: The page is mapped until the module goes, and zeroes are a free descriptor.
            let desc = unsafe { &*(run.addr() as *const T).add(n) };
            free.list.push(desc, GFP_KERNEL)?;
        }
        free.total += count;
        Ok(())
    }

    /// Sees to it that a chunk can be described, before there is one.
    pub(crate) fn provide_chunk_desc(&mut self) -> Result {
        self.chunks.reserve(1, GFP_KERNEL)?;
        if self.providing || self.free_chunks.list.len() > Self::SPARE_CHUNKS {
            return Ok(());
        }
        self.providing = true;
        let result = self.add_descs::<Chunk>();
        self.providing = false;
        result
    }

    /// Notes a chunk; [`Self::provide_chunk_desc`] made room.
    pub(crate) fn insert_chunk(&mut self, chunk: &'static Chunk) {
        let pfn = chunk.first_pfn();
        let at = self.chunks.partition_point(|other| other.first_pfn() < pfn);
        let _ = self.chunks.insert_within_capacity(at, chunk);
    }

    /// The chunk that page frame `pfn` lies in, and its place in the list.
    pub(crate) fn chunk_of(&self, pfn: usize) -> Option<(usize, &'static Chunk)> {
        let after = self
            .chunks
            .partition_point(|chunk| chunk.first_pfn() <= pfn);
        let index = after.checked_sub(1)?;
        let chunk = *self.chunks.get(index)?;
        (pfn - chunk.first_pfn() < chunk.pages()).then_some((index, chunk))
    }

    /// A number for a new pool.
    pub(crate) fn new_id(&mut self) -> usize {
        self.next_id += 1;
        self.next_id
    }
}

/// Calls `f` with the store, which is made if this is the first time. May sleep.
pub(crate) fn with<R>(f: impl FnOnce(&mut Store) -> Result<R>) -> Result<R> {
    let mut guard = STORE.lock();
    if guard.is_none() {
        *guard = Some(Store::new()?);
    }
    f(guard.as_mut().ok_or(ENOMEM)?)
}

/// Gives all memory back, at unload.
pub(crate) fn remove() {
    let store = STORE.lock().take();
    if let Some(store) = store {
        store.clear();
    }
    let left = STATS.reserved.load(Relaxed) >> PAGE_SHIFT;
    if left != 0 {
        pr_warn!("pmalloc: {} pages were not given back\n", left);
    }
}
