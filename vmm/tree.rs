// SPDX-License-Identifier: GPL-2.0

//! A maple tree that threads may share.

use super::error::{
    Error,
    Result, //
};
use core::ops::{
    Range,
    RangeInclusive, //
};
use kernel::{
    maple_tree::{
        InsertError,
        InsertErrorKind,
        MapleTree, //
    },
    prelude::*,
    sync::Arc,
    types::ForeignOwnable, //
};

/// Values by ranges of numbers that do not overlap.
#[pin_data]
pub(super) struct Tree<T: ForeignOwnable> {
    #[pin]
    tree: MapleTree<T>,
}

// SAFETY: The tree owns its values, which may be sent.
unsafe impl<T: ForeignOwnable + Send> Send for Tree<T> {}
// SAFETY: The tree has a lock of its own, which all its methods take; the values that they lend or
// hand out may be sent and shared.
unsafe impl<T: ForeignOwnable + Send + Sync> Sync for Tree<T> {}

impl<T: ForeignOwnable> Tree<T> {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            tree <- MapleTree::new(),
        })
    }

    /// Stores `value`. Gives it back where the range is taken. May sleep.
    pub(super) fn insert(&self, range: RangeInclusive<usize>, value: T) -> Result<Option<T>> {
        match self.tree.insert_range(range, value, GFP_KERNEL) {
            Ok(()) => Ok(None),
            Err(InsertError {
                value,
                cause: InsertErrorKind::Occupied,
            }) => Ok(Some(value)),
            Err(_) => Err(Error::NoMemory),
        }
    }

    /// Removes the range that `index` lies in.
    pub(super) fn remove(&self, index: usize) -> Option<T> {
        self.tree.erase(index)
    }

    /// Looks at the value that `index` belongs to. `look` must not sleep.
    pub(super) fn get<U>(
        &self,
        index: usize,
        look: impl FnOnce(T::BorrowedMut<'_>) -> U,
    ) -> Option<U> {
        self.tree.lock().load(index).map(look)
    }
}

impl<T: 'static> Tree<KBox<T>> {
    /// Looks at the first value in `range`. `look` must not sleep.
    pub(super) fn next<U>(&self, range: Range<usize>, look: impl FnOnce(&mut T) -> U) -> Option<U> {
        let mut tree = self.tree.lock();
        let last = range.end.checked_sub(1)?;
        let mut state = tree.ma_state(range.start, last);
        state.find(last).map(look)
    }
}

impl<T: 'static> Tree<Arc<T>> {
    /// The first value whose range ends at `index` or later.
    pub(super) fn after(&self, index: usize) -> Option<Arc<T>> {
        let mut tree = self.tree.lock();
        let mut state = tree.ma_state(index, usize::MAX);
        state.find(usize::MAX).map(Arc::from)
    }
}
