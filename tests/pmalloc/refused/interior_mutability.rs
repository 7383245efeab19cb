// refused: error[E0277]
// SPDX-License-Identifier: GPL-2.0

//! Putting a value into a pool that is changed through a shared reference.

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
        let _cell = pool.alloc(core::cell::Cell::new(1_u32))?; // refused
        let _ = pool.seal()?.sealed(slot)?;
        Ok(Self)
    }
}
