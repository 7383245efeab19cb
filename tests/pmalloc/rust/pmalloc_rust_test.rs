// SPDX-License-Identifier: GPL-2.0

//! The types of `include/pmalloc.rs`. Loads if they keep their promises.

#[path = "../../../include/pmalloc.rs"]
mod pmalloc;

use kernel::prelude::*;
use pmalloc::{
    Mode,
    Pool, //
};

module! {
    type: PmallocRustTest,
    name: "pmalloc_rust_test",
    authors: ["rsbac_mem developers"],
    description: "rsbac_mem tests: pools from Rust",
    license: "GPL",
}

struct PmallocRustTest {
    _limits: pmalloc::Sealed<[u32; 2]>,
    _level: pmalloc::WriteRare<u64>,
}

/// An error with a word about where.
fn want(right: bool, what: &str) -> Result {
    if !right {
        pr_err!("not so: {}\n", what);
        return Err(EINVAL);
    }
    Ok(())
}

impl kernel::Module for PmallocRustTest {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut pool = Pool::named(c"rust_test", 0, Mode::VerifiedWriteRare)?;
        let mut other = Pool::new(Mode::ReadOnly)?;
        let limits = pool.alloc([10_u32, 20])?;
        let level = pool.alloc(1_u64)?;
        let foreign = other.alloc(5_u8)?;

        pool.get_mut(&limits)?[1] = 30;
        want(pool.get_mut(&foreign).is_err(), "a foreign slot is refused")?;

        let (pool, other) = (pool.seal()?, other.seal()?);
        want(
            other.write_rare(foreign).is_err(),
            "read-only is not write-rare",
        )?;
        let limits = pool.sealed(limits)?;
        let level = pool.write_rare(level)?;
        want(*limits == [10, 30], "sealed values can be read")?;
        level.set(2)?;
        want(level.get() == 2, "write-rare values can be written")?;
        pool.verify()?;
        want(other.verify().is_err(), "no digests were asked for")?;
        Ok(Self {
            _limits: limits,
            _level: level,
        })
    }
}
