// refused: error[E0594]
// SPDX-License-Identifier: GPL-2.0

//! Writing through a sealed value.

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
        let sealed = pool.seal()?.sealed(slot)?;
        sealed[0] = 5; // refused
        pr_info!("{}\n", sealed[0]);
        Ok(Self)
    }
}
