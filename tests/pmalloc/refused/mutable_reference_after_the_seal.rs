// refused: error[E0596]
// SPDX-License-Identifier: GPL-2.0

//! Borrowing a sealed value mutably.

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
        let mut sealed = pool.seal()?.sealed(slot)?;
        let _ = &mut *sealed; // refused
        sealed = { sealed };
        pr_info!("{}\n", sealed[0]);
        Ok(Self)
    }
}
