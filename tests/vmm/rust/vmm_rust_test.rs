// SPDX-License-Identifier: GPL-2.0

//! The types of `include/kn_vmm.rs`. Loads if they keep their promises.

#[path = "../../../include/kn_vmm.rs"]
mod kn_vmm;

use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};
use kn_vmm::{
    Guards,
    Region, //
};

module! {
    type: Test,
    name: "vmm_rust_test",
    authors: ["rsbac_mem developers"],
    description: "rsbac_mem tests: regions from Rust",
    license: "GPL",
}

struct Test;

fn need(cond: bool, what: &str) -> Result {
    if !cond {
        pr_err!("not so: {what}\n");
        return Err(EIO);
    }
    Ok(())
}

impl kernel::Module for Test {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let region = Region::reserve(1 << 30, Guards::BOTH)?;
        need(region.size() == 1 << 30, "its size")?;
        let mut head = region.commit(0, 3 * PAGE_SIZE)?;
        need(
            head.len() == 3 * PAGE_SIZE && head.iter().all(|&b| b == 0),
            "zeroed",
        )?;
        head.fill(7);
        need(
            region.commit(1 << 30, PAGE_SIZE).is_err(),
            "refused behind the end",
        )?;
        need(
            region.commit(usize::MAX, PAGE_SIZE).is_err(),
            "refused on overflow",
        )?;
        let head = head.protect()?;
        need(head.iter().all(|&b| b == 7), "readable when protected")?;
        let mut head = head.unprotect()?;
        head[0] = 8;
        let tail = region.commit((1 << 30) - PAGE_SIZE, PAGE_SIZE)?;
        need(tail[0] == 0, "a second piece")?;
        drop(head.protect()?);
        let again = region.commit(0, PAGE_SIZE)?;
        need(again[0] == 0, "fresh memory after a drop")?;
        Ok(Self)
    }
}
