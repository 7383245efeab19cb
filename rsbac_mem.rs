// SPDX-License-Identifier: GPL-2.0

//! `rsbac_mem`: control over kernel memory that mainline does not give.
//!
//! One module, several disciplines, each with a public face in the file of its name:
//!
//! - [`kmem_cgroup`]: who uses which cache of the kernel, and how much they may.
//! - [`rkmem`]: RSBAC's memory calls: dedicated slabs, kmalloc or vmalloc by size.
//! - [`vmm`]: regions of virtual memory, after KasperskyOS: reserve, commit, protect, share.
//! - [`pmalloc`]: pools of memory that can be sealed read-only, and rarely written.
//!
//! What they share stands in rooms of its own: [`slab`] owns a cache of the kernel, [`counters`]
//! counts per CPU, [`sysfs`] shows figures, [`caller`] finds out whom to blame, [`features`] says
//! what this kernel allows. Exported functions are in [`capi`], foreign ones in [`ffi`].

mod caller;
mod capi;
mod counters;
mod features;
mod ffi;
mod irq_xarray;
mod kmem_cgroup;
mod pagetable;
mod pmalloc;
mod rkmem;
mod slab;
mod symbols;
mod sysfs;
mod vmm;

use kernel::prelude::*;

module! {
    type: RsbacMem,
    name: "rsbac_mem",
    authors: ["rsbac_mem developers"],
    description: "Dedicated slabs, sealed pools, regions and cache accounting for other modules",
    license: "GPL",
    params: {
        track: u8 {
            default: 0,
            description: "1: remember where each object was allocated, so that leak reports name it",
        },
        deny_wx: u8 {
            default: 0,
            description: "1: refuse regions that are writable and executable at once",
        },
        require_full_protection: u8 {
            default: 0,
            description: "1: no pmalloc pools unless sealed memory can be protected in the direct map too",
        },
        area_only: u8 {
            default: 0,
            description: "1: pmalloc as on a kernel that hides set_memory_ro, for tests",
        },
    },
}

/// The loaded module. Fields are dropped, and disciplines stopped, in the order written here.
struct RsbacMem {
    _vmm: vmm::Vmm,
    _kmem_cgroup: kmem_cgroup::KmemCgroup,
    _rkmem: Option<rkmem::Rkmem>,
    _pmalloc: pmalloc::Pmalloc,
    _features: features::Features,
    _root: sysfs::Root,
}

impl kernel::Module for RsbacMem {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let root = sysfs::Root::new()?;
        let features = features::Features::new(&root)?;
        let track = module_parameters::track.value() != 0;
        let rkmem = rkmem::Rkmem::new(&root, track)?;
        let config = pmalloc::Config {
            module,
            require_full_protection: module_parameters::require_full_protection.value() != 0,
            area_only: module_parameters::area_only.value() != 0,
        };
        // SAFETY: Called once, here.
        let pmalloc = unsafe { pmalloc::Pmalloc::new(&root, config) }?;
        let kmem_cgroup = kmem_cgroup::KmemCgroup::new(&root)?;
        // After the groups that its memory is charged to: programs can come as soon as it is there.
        let vmm = vmm::Vmm::new(&root, module_parameters::deny_wx.value() != 0)?;
        Ok(Self {
            _vmm: vmm,
            _kmem_cgroup: kmem_cgroup,
            _rkmem: rkmem,
            _pmalloc: pmalloc,
            _features: features,
            _root: root,
        })
    }
}
