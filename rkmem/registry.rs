// SPDX-License-Identifier: GPL-2.0

//! All slabs of ours: made and given up here, under one lock.

use super::{
    classes,
    errors::Wrong,
    slab::Slab,
    table,
    vmalloc::{
        self,
        Vmalloc, //
    },
    Call, //
};
use crate::{
    caller::Hashed,
    slab::{
        self,
        Reuse, //
    },
    sysfs::{
        Attr,
        Attributes,
        Dir,
        Root, //
    }, //
};
use kernel::{
    bindings,
    fmt,
    prelude::*,
    str::CString,
    sync::global_lock, //
};

/// `RSBAC_MAX_SLABNAME`: bytes, with the closing NUL.
const MAX_NAME: usize = 32;

/// What vmalloc memory is shown as, beside the slabs.
const VMALLOC: &CStr = c"vmalloc";

/// The directory `/sys/kernel/rsbac_mem/slabs`, which has no files of its own.
struct Slabs;

impl Attributes for Slabs {
    fn attributes() -> &'static [Attr<Self>] {
        &[]
    }
}

/// What there is. Fields are dropped in the order written here.
struct Registry {
    /// Classes first, then those of callers.
    slabs: KVec<Dir<Slab>>,
    vmalloc: Dir<Vmalloc>,
    dir: Dir<Slabs>,
    track: bool,
}

global_lock! {
    // SAFETY: Initialised in `start`, which is called once, before all else.
    unsafe(uninit) static SLABS: Mutex<Option<Registry>> = None;
}

/// Why a slab was not created.
pub(super) enum Refused {
    Stopped,
    Name,
    Taken,
    Size,
    Failed(Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("this kernel does not allow the RSBAC calls"),
            Self::Name => f.write_str("the name is empty or has characters that tools stumble on"),
            Self::Taken => f.write_str("the name is taken"),
            Self::Size => f.write_str("the size is 0 or over RSBAC_MAX_KMALLOC"),
            Self::Failed(err) if *err == ENOSPC => f.write_str("too many slabs"),
            Self::Failed(err) => write!(f, "error {}", err.to_errno()),
        }
    }
}

impl From<Error> for Refused {
    fn from(err: Error) -> Self {
        Self::Failed(err)
    }
}

/// Makes the directory and the books, both empty.
pub(super) fn start(root: &Root, track: bool) -> Result {
    // SAFETY: This is called once, when the module is loaded.
    unsafe { SLABS.init() };
    let dir = Dir::new(root, c"slabs", Slabs)?;
    let vmalloc = Dir::new(&dir, VMALLOC, Vmalloc::new()?)?;
    *SLABS.lock() = Some(Registry {
        slabs: KVec::new(),
        vmalloc,
        dir,
        track,
    });
    Ok(())
}

/// Creates the slabs of all size classes, and publishes them when all are there.
///
/// `ENOTSUPP` means that this kernel does not let us recognise our objects.
pub(super) fn fill() -> Result {
    let mut guard = SLABS.lock();
    let registry = guard.as_mut().ok_or(EINVAL)?;
    slab::learn()?;
    for size in classes::SIZES {
        let name = free_name(classes::name(size)?)?;
        let class = Slab::new(
            name,
            size,
            classes::align(size),
            Reuse::Immediate,
            registry.track,
        )?;
        registry.add(class)?;
    }
    for (index, slab) in registry.slabs.iter().enumerate() {
        classes::publish(index, Some(slab));
    }
    vmalloc::publish(Some(&registry.vmalloc));
    Ok(())
}

/// Gives up all slabs; those that have objects are reported, and stay with the kernel.
pub(super) fn stop() {
    for index in 0..classes::SIZES.len() {
        classes::publish(index, None);
    }
    vmalloc::publish(None);
    let registry = SLABS.lock().take();
    for slab in registry.iter().flat_map(|registry| &registry.slabs) {
        table::remove(slab.cache());
    }
}

/// Creates a slab for a caller. May sleep.
pub(super) fn create(
    name: &CStr,
    size: usize,
    reuse: Reuse,
) -> Result<*mut bindings::kmem_cache, Refused> {
    let bytes = name.to_bytes();
    let bytes = &bytes[..bytes.len().min(MAX_NAME - 1)];
    let odd = |c: &u8| !c.is_ascii_graphic() || matches!(c, b'/' | b'!');
    if bytes.is_empty() || bytes.iter().any(odd) {
        return Err(Refused::Name);
    }
    // All bytes are ASCII by now.
    let name = CString::try_from_fmt(fmt!("{}", core::str::from_utf8(bytes).unwrap_or_default()))?;
    if size == 0 || size > classes::MAX {
        return Err(Refused::Size);
    }
    let mut guard = SLABS.lock();
    let registry = guard.as_mut().ok_or(Refused::Stopped)?;
    let shown = name.to_bytes() == VMALLOC.to_bytes();
    if shown || slab::exists(&name) || registry.slabs.iter().any(|slab| slab.name() == &*name) {
        return Err(Refused::Taken);
    }
    let slab = Slab::new(name, size, 0, reuse, registry.track)?;
    Ok(registry.add(slab)?)
}

/// Destroys the slab of `cache`, unless it has objects. May sleep.
pub(super) fn destroy(call: Call, cache: *mut bindings::kmem_cache) {
    let mut guard = SLABS.lock();
    let Some(registry) = guard.as_mut() else {
        return;
    };
    // Size classes are nobody's to destroy.
    let found = registry
        .slabs
        .iter()
        .position(|slab| slab.cache() == cache)
        .filter(|&index| index >= classes::SIZES.len());
    let Some(index) = found else {
        let cache = Hashed(cache.cast());
        return Wrong::Slab.report(fmt!(
            "{call}: {cache} is no slab that was created, left alone"
        ));
    };
    let slab = &registry.slabs[index];
    let objects = slab.counters.objects();
    if objects > 0 {
        slab.report_sites();
        return Wrong::Busy.report(fmt!(
            "{call}: slab {}: not destroyed, {objects} objects are still allocated",
            slab.name()
        ));
    }
    table::remove(cache);
    let slab = registry.slabs.remove(index);
    // Destroying waits for RCU and for readers of files: others need not wait for that.
    drop(guard);
    drop(slab);
}

impl Registry {
    /// Enters a slab into all the books.
    fn add(&mut self, slab: Slab) -> Result<*mut bindings::kmem_cache> {
        self.slabs.reserve(1, GFP_KERNEL)?;
        let name = CString::try_from_fmt(fmt!("{}", slab.name()))?;
        let slab = Dir::new(&self.dir, &name, slab)?;
        table::insert(&slab, self.slabs.len())?;
        let cache = slab.cache();
        self.slabs.push(slab, GFP_KERNEL)?;
        Ok(cache)
    }
}

/// `name`, or a variant of it if an earlier life of this module left a slab behind with it.
fn free_name(name: CString) -> Result<CString> {
    let mut free = CString::try_from_fmt(fmt!("{}", &*name))?;
    for life in 2..100 {
        if !slab::exists(&free) {
            return Ok(free);
        }
        free = CString::try_from_fmt(fmt!("{}~{}", &*name, life))?;
    }
    Err(EEXIST)
}
