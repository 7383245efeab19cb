// SPDX-License-Identifier: GPL-2.0

//! Rust on rsbac_mem: a small register of visitors.
//!
//! The entries are objects of a slab of their own, `rust_visitor`; the index is
//! one table, contiguous or not as its size asks for; a summary is one small
//! object. Loading the module builds all that and says so in the log; unloading
//! drops it, and there is not a line of code here that frees anything.

use kernel::prelude::*;

#[path = "../../include/rsbac_mem.rs"]
mod rsbac_mem;

use rsbac_mem::{
    KmBox,
    Slab,
    SlabBox,
    VkBox, //
};

module! {
    type: Register,
    name: "rust_sample",
    authors: ["rsbac_mem"],
    description: "rsbac_mem sample: owned memory in Rust",
    license: "GPL",
    params: {
        visitors: u32 {
            default: 1000,
            description: "How many visitors to register",
        },
    },
}

/// What is known of one visitor.
struct Visitor {
    number: u32,
    name: [u8; 24],
}

impl Visitor {
    fn new(number: u32) -> Self {
        let mut name = [0; 24];
        let mut rest = number;

        name[..8].copy_from_slice(b"visitor-");
        for digit in name[8..18].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        Self { number, name }
    }
}

/// What is known of all of them.
struct Summary {
    visitors: usize,
    sum: u64,
}

struct Register {
    index: VkBox<Option<SlabBox<Visitor>>>,
    summary: KmBox<Summary>,
    // Last, as dropping the last reference to a slab destroys it.
    _slab: Slab<Visitor>,
}

impl kernel::Module for Register {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let count = module_parameters::visitors.value();
        let slab = Slab::new(c"rust_visitor")?;
        let mut index = VkBox::from_fn(count as usize, |_| None)?;

        for (number, slot) in (0..count).zip(index.iter_mut()) {
            *slot = Some(slab.alloc_unlocked(Visitor::new(number))?);
        }
        let summary = KmBox::new_unlocked(Summary {
            visitors: index.iter().flatten().count(),
            sum: index.iter().flatten().map(|v| u64::from(v.number)).sum(),
        })?;

        pr_info!(
            "{} visitors, their numbers' sum is {}; the index is {}\n",
            summary.visitors,
            summary.sum,
            if index.is_vmalloc() {
                "from vmalloc"
            } else {
                "contiguous"
            },
        );
        if let Some(last) = index.iter().flatten().last() {
            let name = last.name.split(|c| *c == 0).next().unwrap_or(&[]);
            pr_info!("the last one is {}\n", core::str::from_utf8(name)?);
        }
        Ok(Self {
            index,
            summary,
            _slab: slab,
        })
    }
}

impl Drop for Register {
    fn drop(&mut self) {
        pr_info!(
            "{} of {} visitors leave\n",
            self.index.iter().flatten().count(),
            self.summary.visitors,
        );
    }
}
