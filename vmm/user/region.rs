// SPDX-License-Identifier: GPL-2.0

//! A region of a program: what its pages are, and the memory of those that were touched.

use super::{
    super::{
        error::{
            Error,
            Result, //
        },
        figures,
        flags::{
            self,
            Cache,
            Prot,
            Shape, //
        },
        frames::{
            self,
            Frame,
            UserFrame, //
        },
        mdl::{
            Grant,
            Mdl, //
        },
        runs::{
            Attr,
            Runs, //
        },
        tree::Tree, //
    },
    vma::Mapping, //
};
use core::ops::Range;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        Arc,
        Mutex,
        MutexGuard, //
    }, //
};

/// Where the memory of a region comes from.
pub(super) enum Memory {
    /// Frames of its own. `lazy`: a touch below the committed part of a region that grows down
    /// commits.
    Own { lazy: bool },
    /// A buffer, from its page `first` on.
    Mdl { grant: Grant, first: usize },
}

impl Memory {
    pub(super) fn own(lazy: bool) -> Self {
        Self::Own { lazy }
    }
}

/// What the lock of a region guards.
struct Inner {
    runs: Runs,
    live: bool,
}

/// A region of a program's address space.
#[pin_data(PinnedDrop)]
pub(super) struct Region {
    /// Where it begins in the file, in pages, with the low guard.
    first: usize,
    pages: usize,
    shape: Shape,
    prot: Prot,
    memory: Memory,
    /// How many pieces of the address space show it. Starts at 0; the one `mmap()` or `cancel()`
    /// that it can have makes that 1.
    pieces: Atomic<usize>,
    claimed: Atomic<bool>,
    #[pin]
    inner: Mutex<Inner>,
    /// Memory by page; changed with `inner` locked.
    #[pin]
    frames: Tree<KBox<UserFrame>>,
}

/// What a touch of a page leads to.
pub(super) enum Touch {
    /// This frame is there now.
    Frame(Frame),
    /// Nothing can be there.
    Wrong,
    /// There is no memory.
    NoMemory,
}

impl Region {
    pub(super) fn new(
        first: usize,
        pages: usize,
        shape: Shape,
        prot: Prot,
        memory: Memory,
    ) -> Result<Arc<Self>> {
        frames::check_cache(shape.cache)?;
        let mut runs = Runs::new(pages, prot)?;
        if matches!(memory, Memory::Mdl { .. }) {
            runs.reserve()?;
            runs.update(0..pages, |attr| Attr {
                committed: true,
                ..attr
            });
        }
        let region = Arc::pin_init(
            pin_init!(Self {
                first,
                pages,
                shape,
                prot,
                memory,
                pieces: Atomic::new(0),
                claimed: Atomic::new(false),
                inner <- new_mutex!(Inner { runs, live: true }, "vmm::user::Region"),
                frames <- Tree::new(),
            }),
            GFP_KERNEL,
        )?;
        figures::REGIONS.add(1);
        figures::RESERVED.add(pages);
        Ok(region)
    }

    pub(super) fn first(&self) -> usize {
        self.first
    }

    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn prot(&self) -> Prot {
        self.prot
    }

    /// Pages of low guard.
    pub(super) fn low(&self) -> usize {
        self.shape.guards().0
    }

    /// All pages, with the guards.
    pub(super) fn whole(&self) -> usize {
        let (low, high) = self.shape.guards();
        low + self.pages + high
    }

    /// The most that the program may make of it.
    pub(super) fn most(&self) -> Prot {
        match &self.memory {
            Memory::Own { .. } => Prot::ALL,
            Memory::Mdl { grant, .. } => grant.most,
        }
    }

    /// Takes the one chance that there is to map or to cancel; false where it was taken.
    pub(super) fn claim(&self) -> bool {
        !self.claimed.xchg(true, Relaxed)
    }

    /// Gives the chance back.
    pub(super) fn unclaim(&self) {
        self.claimed.store(false, Relaxed);
    }

    /// One more piece of the address space shows the region.
    pub(super) fn add_piece(&self) {
        self.pieces.fetch_add(1, Relaxed);
    }

    /// One piece less; true when that was the last one.
    pub(super) fn drop_piece(&self) -> bool {
        self.pieces.fetch_sub(1, Full) == 1
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>> {
        let inner = self.inner.lock();
        if inner.live {
            Ok(inner)
        } else {
            Err(Error::NoRegion)
        }
    }

    pub(super) fn at(&self, page: usize) -> Result<(Attr, Range<usize>)> {
        Ok(self.lock()?.runs.at(page))
    }

    /// Lets pages have memory: at once if `locked`, else when they are touched.
    pub(super) fn commit(&self, pages: Range<usize>, locked: bool) -> Result {
        let mut inner = self.lock()?;
        let pages = if self.shape.grow_down {
            inner.runs.grow(pages)?
        } else {
            pages
        };
        if !inner.runs.all(pages.clone(), |attr| !attr.committed) {
            return Err(Error::Committed);
        }
        inner.runs.reserve()?;
        if locked {
            for page in pages.clone() {
                if let Err(error) = self.give(page) {
                    self.take(pages.start..page);
                    return Err(error);
                }
            }
            figures::locked(pages.len());
        }
        inner.runs.update(pages, |attr| Attr {
            committed: true,
            locked,
            ..attr
        });
        Ok(())
    }

    /// Takes the memory of committed pages back, and what shows it out of all page tables.
    pub(super) fn decommit(&self, pages: Range<usize>, mapping: &Mapping) -> Result {
        let mut inner = self.lock()?;
        if !matches!(self.memory, Memory::Own { .. }) {
            return Err(Error::Busy);
        }
        if !inner.runs.all(pages.clone(), |attr| attr.committed) {
            return Err(Error::NotCommitted);
        }
        if self.shape.grow_down && !inner.runs.may_shrink(pages.clone()) {
            return Err(Error::GrowDown);
        }
        inner.runs.reserve()?;
        // Touches wait for the lock, so that none of them brings a page back in between.
        mapping.zap(self.first + self.low() + pages.start, pages.len());
        self.take(pages.clone());
        figures::unlocked(inner.runs.count(pages.clone(), |attr| attr.locked));
        inner.runs.update(pages, |attr| Attr {
            committed: false,
            locked: false,
            ..attr
        });
        Ok(())
    }

    /// A touch of `page`, counted from the low guard: `show` puts the frame into the page table
    /// while nobody can take it away.
    pub(super) fn touch<T>(&self, page: usize, show: impl FnOnce(Touch) -> T) -> T {
        let Ok(mut inner) = self.lock() else {
            return show(Touch::Wrong);
        };
        let page = match page.checked_sub(self.low()) {
            Some(page) if page < self.pages => page,
            _ => return show(Touch::Wrong),
        };
        let grows = self.shape.grow_down && matches!(self.memory, Memory::Own { lazy: true });
        let committed = inner.runs.at(page).0.committed;
        if !committed && !grows {
            return show(Touch::Wrong);
        }
        if !committed {
            if inner.runs.reserve().is_err() {
                return show(Touch::NoMemory);
            }
            let top = inner.runs.committed_from();
            inner.runs.update(page..top, |attr| Attr {
                committed: true,
                ..attr
            });
        }
        show(match &self.memory {
            Memory::Own { .. } => self.give(page).map_or(Touch::NoMemory, Touch::Frame),
            Memory::Mdl { grant, first } => {
                let mut frame = [core::ptr::null_mut()];
                grant.mdl.frames(first + page, &mut frame);
                Touch::Frame(frame[0])
            }
        })
    }

    /// Calls `show` for each page that has memory already.
    pub(super) fn each_locked(
        &self,
        show: impl Fn(usize, Frame) -> kernel::error::Result,
    ) -> kernel::error::Result {
        let Ok(inner) = self.lock() else {
            return Ok(());
        };
        for (pages, attr) in inner.runs.pieces(0..self.pages) {
            if attr.locked {
                for page in pages {
                    let frame = self.give(page).map_err(|_| ENOMEM)?;
                    show(self.low() + page, frame)?;
                }
            }
        }
        Ok(())
    }

    /// Makes a buffer of committed pages, which it and the region both hold from now on.
    pub(super) fn share(&self, pages: Range<usize>, most: Prot) -> Result<Arc<Mdl>> {
        let inner = self.lock()?;
        if !matches!(self.memory, Memory::Own { .. }) || self.shape.cache != Cache::WriteBack {
            return Err(Error::NotSupported);
        }
        // The program could write here and execute there.
        if most.exec && flags::deny_wx() {
            return Err(Error::Denied);
        }
        if !inner.runs.all(pages.clone(), |attr| attr.committed) {
            return Err(Error::NotCommitted);
        }
        let mut all = KVVec::with_capacity(pages.len(), GFP_KERNEL)?;
        for page in pages {
            match self.give(page) {
                Ok(frame) => {
                    frames::get(frame);
                    // Cannot fail: the room was made above.
                    let _ = all.push_within_capacity(frame);
                }
                Err(error) => {
                    frames::free(&mut all);
                    return Err(error);
                }
            }
        }
        Mdl::of_frames(all)
    }

    /// The end of the region: all memory goes.
    pub(super) fn retire(&self) {
        let mut inner = self.inner.lock();
        if inner.live {
            inner.live = false;
            self.take(0..self.pages);
            figures::unlocked(inner.runs.count(0..self.pages, |attr| attr.locked));
        }
    }

    /// The frame of `page`, a fresh one if there is none. With `inner` locked.
    fn give(&self, page: usize) -> Result<Frame> {
        if let Some(frame) = self.frames.get(page, |frame| frame.raw()) {
            return Ok(frame);
        }
        let frame = KBox::new(UserFrame::new(page, self.shape.cache)?, GFP_KERNEL)?;
        let raw = frame.raw();
        self.frames.insert(page..=page, frame)?;
        figures::committed(1, 0);
        Ok(raw)
    }

    /// Drops the frames of `pages`. With `inner` locked, so that nobody sees an empty one.
    fn take(&self, pages: Range<usize>) {
        // Memory goes before what is known of it: a tree needs some to forget, and where there is
        // none it would have the kernel kill a program for it.
        while let Some(page) = self.frames.next(pages.clone(), UserFrame::empty) {
            drop(self.frames.remove(page));
            figures::decommitted(1, 0);
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Region {
    fn drop(self: Pin<&mut Self>) {
        self.retire();
        figures::REGIONS.sub(1);
        figures::RESERVED.sub(self.pages);
    }
}
