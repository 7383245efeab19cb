// SPDX-License-Identifier: GPL-2.0

//! What each page of a region is, kept as runs of pages that are alike.
//!
//! Pure bookkeeping: nothing here touches memory. A region that was just reserved is one run,
//! whatever its size, and finding a page is a binary search.

use super::{
    error::{
        Error,
        Result, //
    },
    flags::Prot, //
};
use crate::kmem_cgroup::Payer;
use core::ops::Range;
use kernel::prelude::*;

/// What a page is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attr {
    /// What may be done with it, now or once it is committed.
    pub(crate) prot: Prot,
    /// Whether it has memory.
    pub(crate) committed: bool,
    /// Whether it was committed with `VMM_FLAG_LOCKED`.
    pub(crate) locked: bool,
    /// Whether an MDL buffer uses its memory, too.
    pub(crate) lent: bool,
    /// The group that pays for its memory.
    pub(crate) payer: Payer,
}

/// Pages from `first` up to the next run.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    attr: Attr,
}

/// All pages of a region.
///
/// # Invariants
///
/// The first run starts at page 0, runs start in ascending order and below `pages`, and
/// neighbours differ.
pub(crate) struct Runs {
    runs: KVVec<Run>,
    pages: usize,
}

impl Runs {
    /// `pages` reserved pages, at least one, that all will be `prot` when committed.
    pub(crate) fn new(pages: usize, prot: Prot) -> Result<Self> {
        let mut runs = KVVec::with_capacity(4, GFP_KERNEL)?;
        let attr = Attr {
            prot,
            committed: false,
            locked: false,
            lent: false,
            payer: Payer::NOBODY,
        };
        runs.push(Run { first: 0, attr }, GFP_KERNEL)?;
        // INVARIANT: There is one run, from 0.
        Ok(Self { runs, pages })
    }

    /// Where the run `index` ends.
    fn end(&self, index: usize) -> usize {
        self.runs.get(index + 1).map_or(self.pages, |run| run.first)
    }

    /// The run that `page` lies in. There is one for each page of the region.
    fn find(&self, page: usize) -> usize {
        self.runs.partition_point(|run| run.first <= page) - 1
    }

    /// What `page` is, and the pages around that are the same.
    pub(crate) fn at(&self, page: usize) -> (Attr, Range<usize>) {
        let index = self.find(page);
        let run = self.runs[index];
        (run.attr, run.first..self.end(index))
    }

    /// The pieces of `range`, each of pages that are alike.
    pub(crate) fn pieces(
        &self,
        range: Range<usize>,
    ) -> impl Iterator<Item = (Range<usize>, Attr)> + '_ {
        let first = self.find(range.start);
        (first..self.runs.len()).map_while(move |index| {
            let run = self.runs[index];
            let piece = run.first.max(range.start)..self.end(index).min(range.end);
            (!piece.is_empty()).then_some((piece, run.attr))
        })
    }

    /// Whether `test` holds for each page of `range`.
    pub(crate) fn all(&self, range: Range<usize>, test: impl Fn(Attr) -> bool) -> bool {
        self.pieces(range).all(|(_, attr)| test(attr))
    }

    /// How many pages of `range` `test` holds for.
    pub(crate) fn count(&self, range: Range<usize>, test: impl Fn(Attr) -> bool) -> usize {
        self.pieces(range)
            .filter(|(_, attr)| test(*attr))
            .map(|(piece, _)| piece.len())
            .sum()
    }

    /// Makes sure that the next [`Self::update`] needs no memory.
    pub(crate) fn reserve(&mut self) -> Result {
        Ok(self.runs.reserve(2, GFP_KERNEL)?)
    }

    /// Makes `page` the start of a run; returns which one.
    fn split(&mut self, page: usize) -> usize {
        if page >= self.pages {
            return self.runs.len();
        }
        let index = self.find(page);
        let run = self.runs[index];
        if run.first == page {
            return index;
        }
        let run = Run { first: page, ..run };
        // Cannot fail: `reserve` made place for the two runs that an update adds at most.
        let _ = self.runs.insert_within_capacity(index + 1, run);
        index + 1
    }

    /// Changes each page of `range`. [`Self::reserve`] must have been called since the last time.
    pub(crate) fn update(&mut self, range: Range<usize>, change: impl Fn(Attr) -> Attr) {
        let from = self.split(range.start);
        let to = self.split(range.end);
        for run in &mut self.runs[from..to] {
            run.attr = change(run.attr);
        }
        self.merge(from.saturating_sub(1), to);
    }

    /// Joins equal neighbours among the runs from `from` to `to`, both included.
    fn merge(&mut self, from: usize, to: usize) {
        let len = self.runs.len();
        let runs = self.runs.as_mut_slice();
        let mut kept = from;
        for index in from + 1..len.min(to.saturating_add(1)) {
            if runs[index].attr != runs[kept].attr {
                kept += 1;
                runs[kept] = runs[index];
            }
        }
        let rest = len.min(to.saturating_add(1));
        if kept + 1 < rest {
            runs.copy_within(rest..len, kept + 1);
            // INVARIANT: What was cut off were doubles of runs further down.
            self.runs.truncate(len - (rest - kept - 1));
        }
    }

    /// In a region that grows down: `range` with all reserved pages up to the committed part.
    pub(crate) fn grow(&self, range: Range<usize>) -> Result<Range<usize>> {
        let top = self.committed_from();
        if range.end > top {
            return Err(Error::Committed);
        }
        Ok(range.start..top)
    }

    /// In a region that grows down: whether taking `range` back leaves the rest in one piece.
    pub(crate) fn may_shrink(&self, range: Range<usize>) -> bool {
        range.start == self.committed_from()
    }

    /// The first committed page; the number of pages where there is none.
    pub(crate) fn committed_from(&self) -> usize {
        self.pieces(0..self.pages)
            .find(|(_, attr)| attr.committed)
            .map_or(self.pages, |(piece, _)| piece.start)
    }
}
