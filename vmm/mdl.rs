// SPDX-License-Identifier: GPL-2.0

//! MDL buffers: memory that several mappings share, and the handles that name it.

use super::{
    error::{
        charge,
        Error,
        Result, //
    },
    figures,
    flags::Prot,
    frames::{
        self,
        Frame,
        Owner, //
    },
    region::Region,
    tree::Tree, //
};
use crate::kmem_cgroup::Payer;
use core::ops::Range;
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    }, //
};

/// The most that one buffer may be: 64 GiB.
const MAX_PAGES: usize = 1 << 24;

/// Memory that can be mapped several times. It lives as long as a handle, a mapping or a file
/// holds it.
pub(crate) struct Mdl {
    pages: usize,
    memory: Memory,
}

enum Memory {
    Own {
        frames: KVVec<Frame>,
        payer: Payer,
    },
    /// Pages that a region has lent.
    Lent {
        region: Arc<Region>,
        range: Range<usize>,
    },
}

// SAFETY: The frames belong to no task, and their addresses are not changed while the buffer lives.
unsafe impl Send for Mdl {}
// SAFETY: As above.
unsafe impl Sync for Mdl {}

impl Mdl {
    /// A buffer of `pages` zeroed pages, at least one; `owner` says whose it is. May sleep.
    pub(super) fn new(pages: usize, owner: Owner) -> Result<Arc<Self>> {
        if pages > MAX_PAGES {
            return Err(Error::InvalidSize);
        }
        let mut all = KVVec::with_capacity(pages, GFP_KERNEL)?;
        while all.len() < pages {
            let mut batch = [core::ptr::null_mut(); 32];
            let more = batch.len().min(pages - all.len());
            let got = frames::alloc(&mut batch[..more], owner);
            if let Err(error) = got {
                frames::free(&mut all);
                return Err(error);
            }
            for frame in &batch[..more] {
                // Cannot fail: the room was made above.
                let _ = all.push_within_capacity(*frame);
            }
        }
        Self::of_frames(all)
    }

    /// A buffer of frames of which the caller hands over a reference each.
    pub(super) fn of_frames(mut frames: KVVec<Frame>) -> Result<Arc<Self>> {
        let pages = frames.len();
        let payer = charge(pages).inspect_err(|_| frames::free(&mut frames))?;
        figures::MDLS.add(1);
        figures::MDL_PAGES.add(pages);
        // On failure the value is dropped, and the frames with it.
        Ok(Arc::new(
            Self {
                pages,
                memory: Memory::Own { frames, payer },
            },
            GFP_KERNEL,
        )?)
    }

    /// A buffer of pages of `region`. May sleep.
    pub(super) fn of(
        region: Arc<Region>,
        addr: usize,
        size: usize,
        most: Prot,
    ) -> Result<Arc<Self>> {
        let range = region.lend(addr, size, most)?;
        figures::MDLS.add(1);
        // On failure the value is dropped, and gives the pages back.
        Ok(Arc::new(
            Self {
                pages: range.len(),
                memory: Memory::Lent { region, range },
            },
            GFP_KERNEL,
        )?)
    }

    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    /// The frames from the page `first` on; all of them must be in the buffer.
    pub(super) fn frames(&self, first: usize, frames: &mut [Frame]) {
        match &self.memory {
            Memory::Own { frames: all, .. } => {
                frames.copy_from_slice(&all[first..first + frames.len()])
            }
            Memory::Lent { region, range } => region.frames(range.start + first, frames),
        }
    }

    /// Fills the first `size` bytes of the buffer, which nobody else knows yet, a page or what is
    /// left of it at a time.
    pub(super) fn fill(&self, size: usize, mut copy: impl FnMut(&mut [u8]) -> Result) -> Result {
        for first in (0..size).step_by(PAGE_SIZE) {
            let mut frame = [core::ptr::null_mut()];
            self.frames(first / PAGE_SIZE, &mut frame);
            let to = frames::linear(frame[0]) as *mut u8;
            let len = PAGE_SIZE.min(size - first);
            // SAFETY: The direct map has a whole page there, which is zeroed, writable and ours.
            copy(unsafe { core::slice::from_raw_parts_mut(to, len) })?;
        }
        Ok(())
    }
}

impl Drop for Mdl {
    fn drop(&mut self) {
        match &mut self.memory {
            Memory::Own { frames, payer } => {
                payer.uncharge(self.pages);
                frames::free(frames);
                figures::MDL_PAGES.sub(self.pages);
            }
            Memory::Lent { region, range } => region.take_back(range.clone()),
        }
        figures::MDLS.sub(1);
    }
}

/// A buffer as somebody may use it.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) mdl: Arc<Mdl>,
    pub(crate) most: Prot,
}

impl Grant {
    /// The same buffer, to be used as `prot` at most.
    pub(super) fn narrow(&self, prot: Prot) -> Result<Self> {
        if !prot.within(self.most) {
            return Err(Error::NoRights);
        }
        Ok(Self {
            mdl: self.mdl.clone(),
            most: prot,
        })
    }

    /// For a mapping that starts as `prot`; it may become what the grant allows.
    pub(super) fn narrow_to_map(self, prot: Prot) -> Result<Self> {
        if !prot.within(self.most) {
            return Err(Error::NoRights);
        }
        Ok(self)
    }

    /// The pages of `size` bytes from `offset` in the buffer: the first and how many.
    pub(super) fn range(&self, offset: usize, size: usize) -> Result<(usize, usize)> {
        let (first, pages) = (offset / PAGE_SIZE, size / PAGE_SIZE);
        match first.checked_add(pages) {
            Some(end) if end <= self.mdl.pages() => Ok((first, pages)),
            _ => Err(Error::InvalidSize),
        }
    }
}

/// Numbers that name buffers. A number is not used again until all others were.
#[pin_data]
pub(crate) struct Handles {
    #[pin]
    grants: Tree<KBox<Grant>>,
    next: Atomic<u32>,
}

impl Handles {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            grants <- Tree::new(),
            next: Atomic::new(1),
        })
    }

    /// Gives `grant` a number, never 0. May sleep.
    pub(crate) fn add(&self, grant: Grant) -> Result<u32> {
        let mut grant = KBox::new(grant, GFP_KERNEL)?;
        loop {
            let handle = self.next.fetch_add(1, Relaxed);
            if handle == 0 {
                continue;
            }
            let index = handle as usize;
            match self.grants.insert(index..=index, grant)? {
                None => return Ok(handle),
                Some(again) => grant = again,
            }
        }
    }

    /// What `handle` names.
    pub(crate) fn get(&self, handle: u32) -> Result<Grant> {
        self.grants
            .get(handle as usize, |grant| grant.clone())
            .ok_or(Error::InvalidHandle)
    }

    /// Forgets `handle`; returns what it named, which may be the last reference to the buffer.
    pub(crate) fn close(&self, handle: u32) -> Result<KBox<Grant>> {
        self.grants
            .remove(handle as usize)
            .ok_or(Error::InvalidHandle)
    }
}
