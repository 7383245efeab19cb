// SPDX-License-Identifier: GPL-2.0

//! Fixed-size objects in a pool that can free them.

use super::{
    arena::owner,
    guarded::Guarded,
    mode::Mode,
    object,
    pool::Pool,
    report::Wrong,
    store::{
        self,
        Desc, //
    }, //
};
use kernel::prelude::*;

/// Objects of one size in one pool; the handle of callers points here.
#[repr(C)]
pub(crate) struct Cache {
    state: Guarded<usize>,
    pool: Guarded<*const Pool>,
    /// The pool's number, since its descriptor may be another's by now.
    id: Guarded<usize>,
    size: Guarded<usize>,
}

impl Desc for Cache {
    const OWNER: usize = owner::CACHES;

    fn state(&self) -> &Guarded<usize> {
        &self.state
    }
}

impl Cache {
    /// Makes a cache in `pool`. May sleep.
    pub(crate) fn create(pool: &'static Pool, size: usize) -> Result<&'static Self> {
        if size == 0 || u32::try_from(size).is_err() || !Mode::is_freeable(pool.mode()) {
            return Err(EINVAL);
        }
        store::with(|store| {
            let cache = store.take_desc::<Self>()?;
            cache.pool.set(pool);
            cache.id.set(pool.id.get());
            cache.size.set(size);
            Ok(cache)
        })
    }

    /// The cache that a caller's handle means.
    pub(crate) fn find(handle: *const c_void) -> Option<&'static Self> {
        <Self as Desc>::find(handle as usize)
    }

    /// The pool, if it is still there.
    fn pool(&self) -> Option<&'static Pool> {
        let pool = Pool::find(self.pool.get().cast())?;
        (pool.id.get() == self.id.get()).then_some(pool)
    }

    /// Allocates an object, zeroed. May sleep.
    pub(crate) fn alloc(&self) -> Option<usize> {
        self.pool()?.alloc(self.size.get(), 0)
    }

    /// Frees an object, after zeroing it. May sleep.
    pub(crate) fn free(&self, addr: usize) -> Result<(), Wrong> {
        let pool = self.pool().ok_or(Wrong::Pool)?;
        object::free(pool, addr, Some(self.size.get()))
    }

    /// Gives the cache up; its objects stay with the pool. May sleep.
    pub(crate) fn destroy(&'static self) {
        let _ = store::with(|store| {
            store.give_desc::<Self>(self);
            Ok(())
        });
    }
}
