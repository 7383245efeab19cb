// SPDX-License-Identifier: GPL-2.0

//! The exported functions. They check arguments and hand on; the public headers say what they do.
//!
//! `exports.c` exports them, and `make lint` compares their prototypes with the headers.

mod kmem_cgroup;
mod pmalloc;
mod rkmem;
mod vmm;
