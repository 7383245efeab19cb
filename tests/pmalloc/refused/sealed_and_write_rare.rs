// refused: error[E0382]
// SPDX-License-Identifier: GPL-2.0

//! One object both sealed and write-rare.

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
        let pool = pool.seal()?;
        let _sealed = pool.sealed(slot)?;
        let _rare = pool.write_rare(slot)?; // refused
        Ok(Self)
    }
}
