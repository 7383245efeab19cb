// SPDX-License-Identifier: GPL-2.0

//! What each page of a region is, as far as this process has asked for it.

use crate::{Error, PAGE};
use std::{collections::BTreeMap, ops::Range};

/// Whether a page may have memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    Reserved,
    Committed,
}

/// Runs of pages that are alike, by their first page; the last one ends with the region.
pub(crate) struct Books {
    runs: BTreeMap<usize, (Page, u32)>,
    pages: usize,
}

impl Books {
    pub(crate) fn new(pages: usize, page: Page, rights: u32) -> Self {
        Self {
            runs: BTreeMap::from([(0, (page, rights))]),
            pages,
        }
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    /// The pages of `size` bytes at `offset`.
    pub(crate) fn range(&self, offset: usize, size: usize) -> Result<Range<usize>, Error> {
        let end = offset.checked_add(size).ok_or(Error::Range)?;
        if (offset | size) % PAGE != 0 || size == 0 || end > self.pages * PAGE {
            return Err(Error::Range);
        }
        Ok(offset / PAGE..end / PAGE)
    }

    fn split(&mut self, page: usize) {
        if page < self.pages && !self.runs.contains_key(&page) {
            if let Some((_, &run)) = self.runs.range(..page).next_back() {
                self.runs.insert(page, run);
            }
        }
    }

    fn change(&mut self, pages: Range<usize>, change: impl Fn(&mut (Page, u32))) {
        self.split(pages.start);
        self.split(pages.end);
        self.runs.range_mut(pages).for_each(|(_, run)| change(run));
    }

    pub(crate) fn set_state(&mut self, pages: Range<usize>, page: Page) {
        self.change(pages, |run| run.0 = page);
    }

    pub(crate) fn set_rights(&mut self, pages: Range<usize>, rights: u32) {
        self.change(pages, |run| run.1 = rights);
    }

    /// Whether all of `len` bytes at `offset` are committed and have `rights`.
    pub(crate) fn all(&self, offset: usize, len: usize, rights: u32) -> bool {
        let Some(end) = offset.checked_add(len) else {
            return false;
        };
        if end > self.pages * PAGE {
            return false;
        }
        let pages = offset / PAGE..end.div_ceil(PAGE).max(offset / PAGE + 1).min(self.pages);
        let first = self.runs.range(..=pages.start).next_back();
        let rest = self
            .runs
            .range(pages.start + 1..pages.end.max(pages.start + 1));
        first
            .into_iter()
            .chain(rest)
            .all(|(_, run)| run.0 == Page::Committed && run.1 & rights == rights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let mut books = Books::new(10, Page::Reserved, 0x100);
        assert!(!books.all(0, 1, 0));
        books.set_state(2..5, Page::Committed);
        books.set_rights(3..4, 0x300);
        assert!(books.all(2 * PAGE, 3 * PAGE, 0x100));
        assert!(!books.all(2 * PAGE, 3 * PAGE, 0x200));
        assert!(books.all(3 * PAGE, PAGE, 0x200));
        assert!(!books.all(3 * PAGE, PAGE + 1, 0x200));
        assert!(!books.all(5 * PAGE - 1, 2, 0));
        assert!(!books.all(usize::MAX, 2, 0));
        assert!(books.range(0, 11 * PAGE).is_err());
        assert!(books.range(1, PAGE).is_err());
        assert!(books.range(0, 0).is_err());
    }
}
