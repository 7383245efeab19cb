// SPDX-License-Identifier: GPL-2.0

//! One region of the kernel: its address space, and what its pages are.
//!
//! Lock order: the lock of a region is a leaf; it is held while pages are allocated and mapped, so
//! that two calls on one region take turns, and calls on different regions do not.

mod memory;

use super::{
    area::{
        addresses,
        Area, //
    },
    error::{
        charge,
        Error,
        Result, //
    },
    figures,
    flags::{
        Cache,
        Prot,
        Shape, //
    },
    frames::{
        self,
        Batch, //
    },
    mdl::Mdl,
    runs::{
        Attr,
        Runs, //
    }, //
};
use crate::kmem_cgroup::Payer;
use core::ops::Range;
use kernel::{
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        MutexGuard, //
    }, //
};

/// Where the memory of a region comes from.
enum Backing {
    /// Frames of its own.
    Own,
    /// A buffer, of which this is a view that may be `most` at most.
    Mdl { _mdl: Arc<Mdl>, most: Prot },
}

/// What the lock of a region guards.
struct Inner {
    runs: Runs,
    /// False as soon as the region is being freed.
    live: bool,
    /// For `KosMemFree()`: the piece of memory that the region was made for, address and bytes.
    piece: Option<(usize, usize)>,
}

/// A region of the kernel's address space.
#[pin_data(PinnedDrop)]
pub(crate) struct Region {
    area: Area,
    base: usize,
    pages: usize,
    shape: Shape,
    backing: Backing,
    #[pin]
    inner: Mutex<Inner>,
}

/// What is at an address.
pub(crate) struct Info {
    pub(crate) base: usize,
    pub(crate) size: usize,
    pub(crate) shape: Shape,
    /// `None` for a guard page.
    pub(crate) attr: Option<Attr>,
    /// The pages around that are the same: address and bytes.
    pub(crate) run: (usize, usize),
}

impl Region {
    /// Reserves address space for `pages` pages with the guards of `shape`. May sleep.
    pub(super) fn reserve(
        base: Option<usize>,
        pages: usize,
        shape: Shape,
        prot: Prot,
    ) -> Result<Arc<Self>> {
        Self::with_backing(base, pages, shape, prot, Backing::Own)
    }

    /// Maps `pages` pages of a buffer, from the page `first` of it. May sleep.
    pub(super) fn view(
        base: Option<usize>,
        (first, pages): (usize, usize),
        shape: Shape,
        prot: Prot,
        (mdl, most): (Arc<Mdl>, Prot),
    ) -> Result<Arc<Self>> {
        let backing = Backing::Mdl {
            _mdl: mdl.clone(),
            most,
        };
        let region = Self::with_backing(base, pages, shape, prot, backing)?;
        let mut batch = Batch::new(pages);
        let mut done = 0;
        while done < pages {
            let frames = batch.room(pages - done);
            mdl.frames(first + done, frames);
            let addr = region.base + done * PAGE_SIZE;
            // On failure the region is dropped; what is mapped goes with it.
            region.area.map(addr, frames, prot, shape.cache)?;
            done += frames.len();
        }
        let mut inner = region.inner.lock();
        inner.runs.reserve()?;
        inner.runs.update(0..pages, |attr| Attr {
            committed: true,
            ..attr
        });
        drop(inner);
        Ok(region)
    }

    fn with_backing(
        base: Option<usize>,
        pages: usize,
        shape: Shape,
        prot: Prot,
        backing: Backing,
    ) -> Result<Arc<Self>> {
        let (low, high) = shape.guards();
        let whole = pages.checked_add(low + high).ok_or(Error::InvalidSize)?;
        let start = match base {
            Some(base) => Some(base.checked_sub(low * PAGE_SIZE).ok_or(Error::Busy)?),
            None => None,
        };
        frames::check_cache(shape.cache)?;
        let runs = Runs::new(pages, prot)?;
        let area = Area::reserve(start, whole)?;
        let region = Arc::pin_init(
            pin_init!(Self {
                base: area.start() + low * PAGE_SIZE,
                area,
                pages,
                shape,
                backing,
                inner <- new_mutex!(
                    Inner {
                        runs,
                        live: true,
                        piece: None,
                    },
                    "vmm::Region"
                ),
            }),
            GFP_KERNEL,
        )?;
        figures::REGIONS.add(1);
        figures::RESERVED.add(pages);
        Ok(region)
    }

    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// In bytes, without guards.
    pub(crate) fn size(&self) -> usize {
        self.pages * PAGE_SIZE
    }

    /// All addresses that belong to the region, guards included: the first and the last.
    pub(super) fn span(&self) -> (usize, usize) {
        let (low, high) = self.shape.guards();
        let first = self.base - low * PAGE_SIZE;
        (first, first + (low + self.pages + high) * PAGE_SIZE - 1)
    }

    fn is_own(&self) -> bool {
        matches!(self.backing, Backing::Own)
    }

    /// The pages of `addr` and the following `size` bytes, if all are in this region.
    fn range(&self, addr: usize, size: usize) -> Result<Range<usize>> {
        let first = addr.checked_sub(self.base).ok_or(Error::NoRegion)? / PAGE_SIZE;
        let pages = size / PAGE_SIZE;
        match first.checked_add(pages) {
            Some(end) if end <= self.pages => Ok(first..end),
            _ => Err(Error::NoRegion),
        }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>> {
        let inner = self.inner.lock();
        if inner.live {
            Ok(inner)
        } else {
            Err(Error::NoRegion)
        }
    }

    /// Gives memory to all pages of a region that was just reserved.
    pub(super) fn commit_all(&self, locked: bool) -> Result {
        self.commit(self.base, self.size(), locked, None)
    }

    /// Gives memory to reserved pages; `prot` replaces their own protection. Zeroed.
    pub(super) fn commit(
        &self,
        addr: usize,
        size: usize,
        locked: bool,
        prot: Option<Prot>,
    ) -> Result {
        let mut inner = self.lock()?;
        let mut range = self.range(addr, size)?;
        if self.shape.grow_down {
            range = inner.runs.grow(range)?;
        }
        if !inner.runs.all(range.clone(), |attr| !attr.committed) {
            return Err(Error::Committed);
        }
        inner.runs.reserve()?;
        let payer = charge(range.len())?;
        for (piece, attr) in inner.runs.pieces(range.clone()) {
            let start = piece.start;
            if let Err(error) = self.fill(piece, prot.unwrap_or(attr.prot)) {
                for (piece, attr) in inner.runs.pieces(range.start..start) {
                    self.empty(piece, prot.unwrap_or(attr.prot));
                }
                payer.uncharge(range.len());
                return Err(error);
            }
        }
        figures::committed(range.len(), if locked { range.len() } else { 0 });
        inner.runs.update(range, |attr| Attr {
            prot: prot.unwrap_or(attr.prot),
            committed: true,
            locked,
            payer,
            ..attr
        });
        Ok(())
    }

    /// Takes the memory of committed pages back.
    pub(super) fn decommit(&self, addr: usize, size: usize) -> Result {
        let mut inner = self.lock()?;
        let range = self.range(addr, size)?;
        if !self.is_own() {
            return Err(Error::Busy);
        }
        if !inner.runs.all(range.clone(), |attr| attr.committed) {
            return Err(Error::NotCommitted);
        }
        if inner.runs.count(range.clone(), |attr| attr.lent) > 0 {
            return Err(Error::Busy);
        }
        if self.shape.grow_down && !inner.runs.may_shrink(range.clone()) {
            return Err(Error::GrowDown);
        }
        inner.runs.reserve()?;
        self.empty_all(&inner.runs, range.clone());
        inner.runs.update(range, |attr| Attr {
            committed: false,
            locked: false,
            payer: Payer::NOBODY,
            ..attr
        });
        Ok(())
    }

    /// Changes what may be done with pages, reserved ones or committed ones.
    pub(super) fn protect(&self, addr: usize, size: usize, prot: Prot) -> Result {
        let mut inner = self.lock()?;
        let range = self.range(addr, size)?;
        if let Backing::Mdl { most, .. } = &self.backing {
            if !prot.within(*most) {
                return Err(Error::NoRights);
            }
        }
        if inner.runs.count(range.clone(), |attr| attr.lent) > 0 {
            return Err(Error::Busy);
        }
        inner.runs.reserve()?;
        for (piece, attr) in inner.runs.pieces(range.clone()) {
            let start = piece.start;
            if !attr.committed || attr.prot == prot {
                continue;
            }
            if let Err(error) = self.change(piece, attr.prot, prot) {
                self.change_back(&inner.runs, range.start..start, prot);
                return Err(error);
            }
        }
        inner.runs.update(range, |attr| Attr { prot, ..attr });
        Ok(())
    }

    /// What is at `addr`, which is in [`Self::span`].
    pub(super) fn query(&self, addr: usize) -> Result<Info> {
        let inner = self.lock()?;
        let (attr, run) = if addr < self.base {
            (None, (self.base - PAGE_SIZE, PAGE_SIZE))
        } else if addr >= self.base + self.size() {
            (None, (self.base + self.size(), PAGE_SIZE))
        } else {
            let (attr, run) = inner.runs.at((addr - self.base) / PAGE_SIZE);
            let (start, pages) = addresses(self.base, &run);
            (Some(attr), (start, pages * PAGE_SIZE))
        };
        Ok(Info {
            base: self.base,
            size: self.size(),
            shape: self.shape,
            attr,
            run,
        })
    }

    /// Starts the end of the region: no other call will succeed. Fails while pages are lent.
    pub(super) fn retire(&self, addr: usize, size: usize) -> Result {
        let mut inner = self.lock()?;
        if (addr, size) != (self.base, self.size()) {
            return Err(Error::NoRegion);
        }
        if inner.runs.count(0..self.pages, |attr| attr.lent) > 0 {
            return Err(Error::Busy);
        }
        inner.live = false;
        Ok(())
    }

    /// Lends committed pages to a buffer that may be `most`: they stay as they are until
    /// [`Self::take_back`].
    pub(super) fn lend(&self, addr: usize, size: usize, most: Prot) -> Result<Range<usize>> {
        let mut inner = self.lock()?;
        let range = self.range(addr, size)?;
        if !self.is_own() || self.shape.cache != Cache::WriteBack {
            return Err(Error::NotSupported);
        }
        if !inner.runs.all(range.clone(), |attr| attr.committed) {
            return Err(Error::NotCommitted);
        }
        if !inner.runs.all(range.clone(), |attr| most.within(attr.prot)) {
            return Err(Error::NoRights);
        }
        if inner.runs.count(range.clone(), |attr| attr.lent) > 0 {
            return Err(Error::Busy);
        }
        inner.runs.reserve()?;
        inner
            .runs
            .update(range.clone(), |attr| Attr { lent: true, ..attr });
        Ok(range)
    }

    /// The end of [`Self::lend`].
    pub(super) fn take_back(&self, range: Range<usize>) {
        let mut inner = self.inner.lock();
        // Splits nothing: lent pages cannot have been changed, so the range still starts and ends
        // where runs do.
        inner.runs.update(range, |attr| Attr {
            lent: false,
            ..attr
        });
    }

    /// The frames of lent pages, from the page `first` of the region on.
    pub(super) fn frames(&self, first: usize, frames: &mut [frames::Frame]) {
        self.area.frames(self.base + first * PAGE_SIZE, frames);
    }

    /// Notes the piece of memory that the region was made for.
    pub(super) fn set_piece(&self, addr: usize, size: usize) {
        self.inner.lock().piece = Some((addr, size));
    }

    /// The piece of memory that the region was made for, if it starts at `addr`.
    pub(super) fn piece(&self, addr: usize) -> Option<usize> {
        let (start, size) = self.inner.lock().piece?;
        (start == addr).then_some(size)
    }

    /// For the list of all regions: pages with memory, and those that are locked.
    pub(super) fn counts(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (
            inner.runs.count(0..self.pages, |attr| attr.committed),
            inner.runs.count(0..self.pages, |attr| attr.locked),
        )
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }
}

#[pinned_drop]
impl PinnedDrop for Region {
    fn drop(self: Pin<&mut Self>) {
        let inner = self.inner.lock();
        self.empty_all(&inner.runs, 0..self.pages);
        figures::REGIONS.sub(1);
        figures::RESERVED.sub(self.pages);
    }
}
