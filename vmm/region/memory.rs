// SPDX-License-Identifier: GPL-2.0

//! The memory behind a region, and both views of it: the region's own and the direct map's. With
//! the region's lock held; what the pages are after that, the caller writes down.

use super::Region;
use crate::vmm::{
    area::addresses,
    error::Result,
    figures,
    flags::{
        Cache,
        Prot, //
    },
    frames::{
        self,
        Batch,
        Owner, //
    },
    runs::Runs, //
};
use core::ops::Range;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

impl Region {
    /// Maps fresh frames. On failure nothing is mapped.
    pub(super) fn fill(&self, pages: Range<usize>, prot: Prot) -> Result {
        let mut batch = Batch::new(pages.len());
        let mut at = pages.start;
        while at < pages.end {
            let frames = batch.room(pages.end - at);
            if let Err(error) = self.fill_batch(at, frames, prot) {
                if at > pages.start {
                    self.empty(pages.start..at, prot);
                }
                return Err(error);
            }
            at += frames.len();
        }
        Ok(())
    }

    fn fill_batch(&self, at: usize, batch: &mut [frames::Frame], prot: Prot) -> Result {
        let cache = self.shape.cache;
        frames::alloc(batch, Owner::Kernel)?;
        if cache != Cache::WriteBack {
            frames::set_cache(batch, cache).inspect_err(|_| frames::free(batch))?;
        }
        let addr = self.base + at * PAGE_SIZE;
        let mapped = if prot.write {
            Ok(())
        } else {
            frames::set_linear_write(batch, false)
        }
        .and_then(|()| self.area.map(addr, batch, prot, cache));
        mapped.inspect_err(|_| self.release(batch, prot))
    }

    /// Unmaps committed pages that all are `prot`, and frees their frames.
    pub(super) fn empty(&self, pages: Range<usize>, prot: Prot) {
        let mut batch = Batch::new(pages.len());
        let mut at = pages.start;
        while at < pages.end {
            let frames = batch.room(pages.end - at);
            let addr = self.base + at * PAGE_SIZE;
            self.area.frames(addr, frames);
            self.area.unmap(addr, frames.len());
            if self.is_own() {
                self.release(frames, prot);
            }
            at += frames.len();
        }
    }

    /// Frees frames that nothing maps any more, after making their direct map what it was.
    fn release(&self, batch: &mut [frames::Frame], prot: Prot) {
        let restored = (prot.write || frames::set_linear_write(batch, true).is_ok())
            && (self.shape.cache == Cache::WriteBack
                || frames::set_cache(batch, Cache::WriteBack).is_ok());
        if restored {
            frames::free(batch);
        } else {
            // Memory that cannot be used like any other must not go back to the kernel.
            pr_err!(
                "{} pages are lost: no memory to restore them\n",
                batch.len()
            );
        }
    }

    /// Empties the committed pages of `range`, and counts them.
    pub(super) fn empty_all(&self, runs: &Runs, range: Range<usize>) {
        for (piece, attr) in runs.pieces(range) {
            if attr.committed {
                if self.is_own() {
                    figures::decommitted(piece.len(), if attr.locked { piece.len() } else { 0 });
                    attr.payer.uncharge(piece.len());
                }
                self.empty(piece, attr.prot);
            }
        }
    }

    /// Changes committed pages that all are `from`. On failure they still are.
    ///
    /// The direct map goes first: it may need memory, and what follows cannot fail.
    pub(super) fn change(&self, pages: Range<usize>, from: Prot, to: Prot) -> Result {
        let (addr, len) = addresses(self.base, &pages);
        let done = self.is_own()
            && from.write != to.write
            && self.change_linear(pages, from, to)?
            && from.exec == to.exec;
        if !done {
            self.area.protect(addr, len, to, self.shape.cache);
        }
        Ok(())
    }

    /// Lets the direct map write the frames of `pages` as far as `to` says, which differs in that
    /// from what they are. Returns whether the region itself came along, as far as writing goes.
    fn change_linear(&self, pages: Range<usize>, from: Prot, to: Prot) -> Result<bool> {
        let mut both = true;
        let mut batch = Batch::new(pages.len());
        let mut at = pages.start;
        while at < pages.end {
            let frames = batch.room(pages.end - at);
            let addr = self.base + at * PAGE_SIZE;
            self.area.frames(addr, frames);
            // One call for the whole view finds the direct map of each page by itself, but never
            // keeps its large pages, and must not see executable pages become writable.
            let scattered = frames::are_scattered(frames) && !(from.exec && to.write);
            both &= scattered;
            let changed = if scattered {
                self.area.set_write(addr, frames.len(), to.write)
            } else {
                frames::set_linear_write(frames, to.write)
            };
            if let Err(error) = changed {
                self.area
                    .protect(addr, frames.len(), from, self.shape.cache);
                if at > pages.start && self.change_linear(pages.start..at, to, from).is_err() {
                    pr_err!("a protection could not be restored\n");
                }
                return Err(error);
            }
            at += frames.len();
        }
        Ok(both)
    }

    /// Undoes the beginning of [`Self::protect`].
    pub(super) fn change_back(&self, runs: &Runs, range: Range<usize>, from: Prot) {
        for (piece, attr) in runs.pieces(range) {
            if attr.committed && attr.prot != from && self.change(piece, from, attr.prot).is_err() {
                pr_err!("a protection could not be restored\n");
            }
        }
    }
}
