// refused: error[E0505]
// SPDX-License-Identifier: GPL-2.0

//! Keeping a mutable reference while the pool is sealed.

#[path = "@INCLUDE@/pmalloc.rs"]
mod pmalloc;

use kernel::prelude::*;

module! {
    type: Case,
    name: "refused_case",
    authors: ["rsbac_mem developers"],
    description: "rsbac_mem tests: what must not compile",
    license: "GPL",
}

struct Case;

impl kernel::Module for Case {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut pool = pmalloc::Pool::new(pmalloc::Mode::WriteRare)?;
        let slot = pool.alloc([1_u32, 2])?;
        let kept = pool.get_mut(&slot)?;
        kept[0] = 5;
        let _sealed = pool.seal()?;
        kept[0] = 6; // refused
        Ok(Self)
    }
}
