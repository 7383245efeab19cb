// SPDX-License-Identifier: GPL-2.0

//! Regions of virtual memory, after the KasperskyOS vmm API.
//!
//! The calls of `include/coresrv/vmm/vmm_api.h` are served here. A [`region::Region`] owns a range
//! of the kernel's address space ([`area`]) and says for each page what it is ([`runs`]); the
//! memory behind is taken and given back in [`frames`]. Regions are found by address in a tree.
//! [`mdl`] has buffers that several mappings share, [`kos`] an allocator on top, [`user`] the same
//! for processes.
//!
//! Lock order: `REGIONS`, then the lock of one region. No call sleeps for memory with `REGIONS`
//! held, save for nodes of the tree.

mod area;
mod error;
mod fd;
mod figures;
mod flags;
mod frames;
pub(crate) mod kos;
mod list;
pub(crate) mod mdl;
mod region;
mod runs;
mod tree;
mod user;

pub(crate) use self::{
    error::{
        Error,
        Result, //
    },
    region::Info, //
};
use self::{
    figures::Figures,
    flags::Prot,
    frames::Owner,
    mdl::{
        Grant,
        Handles,
        Mdl, //
    },
    region::Region,
    tree::Tree, //
};
use crate::sysfs::{
    Dir,
    Root, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        global_lock,
        Arc, //
    }, //
};

/// All regions of the kernel, by their addresses, and the handles that modules have.
struct Registry {
    regions: Pin<KBox<Tree<Arc<Region>>>>,
    handles: Pin<KBox<Handles>>,
}

global_lock! {
    // SAFETY: `Vmm::new` initialises it before anyone can call.
    unsafe(uninit) static REGISTRY: Mutex<Option<Registry>> = None;
}

/// The running discipline.
pub(crate) struct Vmm {
    _device: Pin<KBox<user::Device>>,
    _list: list::List,
    _dir: Dir<Figures>,
}

impl Vmm {
    /// Starts it. Called once, when the module is loaded.
    pub(crate) fn new(root: &Root, deny_wx: bool) -> kernel::error::Result<Self> {
        // SAFETY: Called exactly once.
        unsafe { REGISTRY.init() };
        flags::set_deny_wx(deny_wx);
        // Without, the calls fail with rcNotSupported; programs have their regions all the same.
        let _ = area::supported();
        let dir = Dir::new(root, c"vmm", Figures)?;
        *REGISTRY.lock() = Some(Registry {
            regions: KBox::pin_init(Tree::new(), GFP_KERNEL)?,
            handles: KBox::pin_init(Handles::new(), GFP_KERNEL)?,
        });
        Ok(Self {
            _device: KBox::pin_init(user::Device::new(), GFP_KERNEL)?,
            _list: list::List::new()?,
            _dir: dir,
        })
    }
}

impl Drop for Vmm {
    fn drop(&mut self) {
        // Modules that called us are gone, as they held us. What they forgot goes now.
        let Some(registry) = REGISTRY.lock().take() else {
            return;
        };
        let mut left = 0usize;
        while let Some(region) = registry.regions.after(0) {
            left += 1;
            registry.regions.remove(region.base());
        }
        if left > 0 {
            pr_warn!("{left} regions were not unmapped by modules that are gone; freed\n");
        }
    }
}

/// Runs `call` on the registry. Nobody calls before it is there or after it is gone.
fn with<T>(call: impl FnOnce(&Registry) -> Result<T>) -> Result<T> {
    call(REGISTRY.lock().as_ref().ok_or(Error::NotSupported)?)
}

/// The handles of modules live as long as the module does.
fn with_handles<T>(call: impl FnOnce(&Handles) -> Result<T>) -> Result<T> {
    with(|registry| call(&registry.handles))
}

/// Checks that both are multiples of the page size, and that there is something and no overflow.
fn check(addr: usize, size: usize) -> Result {
    if (addr | size) % PAGE_SIZE != 0 {
        return Err(Error::Unaligned);
    }
    if size == 0 || addr.checked_add(size).is_none() {
        return Err(Error::InvalidSize);
    }
    Ok(())
}

fn find(addr: usize) -> Result<Arc<Region>> {
    with(|registry| {
        registry
            .regions
            .get(addr, |region| Arc::from(region))
            .ok_or(Error::NoRegion)
    })
}

/// Lets others find `region`.
fn publish(region: Arc<Region>) -> Result<usize> {
    let base = region.base();
    let (first, last) = region.span();
    match with(|registry| registry.regions.insert(first..=last, region))? {
        None => Ok(base),
        // Cannot be: the kernel gives an address to one area only.
        Some(_region) => Err(Error::Busy),
    }
}

/// `KnVmAllocate()`: returns the address of the new region.
pub(crate) fn allocate(addr: usize, size: usize, flags: u32) -> Result<usize> {
    let wanted = flags::Allocate::parse(flags)?;
    check(addr, size)?;
    let base = (addr != 0).then_some(addr);
    let region = Region::reserve(base, size / PAGE_SIZE, wanted.shape, wanted.prot)?;
    if wanted.commit {
        region.commit_all(wanted.locked)?;
    }
    publish(region)
}

/// `KnVmCommit()`.
pub(crate) fn commit(addr: usize, size: usize, flags: u32) -> Result {
    let (locked, prot) = flags::parse_commit(flags)?;
    check(addr, size)?;
    find(addr)?.commit(addr, size, locked, prot)
}

/// `KnVmDecommit()`.
pub(crate) fn decommit(addr: usize, size: usize) -> Result {
    check(addr, size)?;
    find(addr)?.decommit(addr, size)
}

/// `KnVmProtect()`.
pub(crate) fn protect(addr: usize, size: usize, flags: u32) -> Result {
    let prot = flags::parse_prot(flags)?;
    check(addr, size)?;
    find(addr)?.protect(addr, size, prot)
}

/// `KnVmUnmap()`.
pub(crate) fn unmap(addr: usize, size: usize) -> Result {
    check(addr, size)?;
    let region = find(addr)?;
    // Only one call gets beyond this, and what it removes is this region: its address space is
    // not given to another before the last reference is dropped, below.
    region.retire(addr, size)?;
    let erased = with(|registry| Ok(registry.regions.remove(addr)));
    drop(erased);
    Ok(())
}

/// `KnVmQuery()`.
pub(crate) fn query(addr: usize) -> Result<Info> {
    find(addr)?.query(addr)
}

/// `KnPmmMdlCreate()`: returns a handle.
pub(crate) fn mdl_create(size: usize, flags: u32) -> Result<u32> {
    let most = flags::parse_prot(flags)?;
    check(0, size)?;
    add(Mdl::new(size / PAGE_SIZE, Owner::Kernel)?, most)
}

/// `KnPmmMdlCreateFromBuf()`: returns a handle.
pub(crate) fn mdl_from_data(data: &[u8], flags: u32) -> Result<u32> {
    let most = flags::parse_prot(flags)?;
    if data.is_empty() {
        return Err(Error::InvalidSize);
    }
    let mdl = Mdl::new(data.len().div_ceil(PAGE_SIZE), Owner::Kernel)?;
    let mut rest = data;
    mdl.fill(data.len(), |page| {
        let (now, later) = rest.split_at(page.len());
        page.copy_from_slice(now);
        rest = later;
        Ok(())
    })?;
    add(mdl, most)
}

/// `KnPmmMdlCreateFromVm()`: returns a handle.
pub(crate) fn mdl_from_region(addr: usize, size: usize, flags: u32) -> Result<u32> {
    let most = flags::parse_prot(flags)?;
    check(addr, size)?;
    add(Mdl::of(find(addr)?, addr, size, most)?, most)
}

/// `KnPmmMdlMap()`: returns the address of the view.
pub(crate) fn mdl_map(
    handle: u32,
    offset: usize,
    size: usize,
    addr: usize,
    flags: u32,
) -> Result<usize> {
    let (prot, shape) = flags::parse_map(flags)?;
    check(addr, size)?;
    check(offset, size)?;
    let grant = with_handles(|handles| handles.get(handle))?.narrow_to_map(prot)?;
    let pages = grant.range(offset, size)?;
    let base = (addr != 0).then_some(addr);
    publish(Region::view(
        base,
        pages,
        shape,
        prot,
        (grant.mdl, grant.most),
    )?)
}

/// `KnPmmMdlClone()`: returns the new handle.
pub(crate) fn mdl_clone(handle: u32, flags: u32) -> Result<u32> {
    let most = flags::parse_prot(flags)?;
    with_handles(|handles| handles.add(handles.get(handle)?.narrow(most)?))
}

/// `KnPmmMdlGetSize()`: in bytes.
pub(crate) fn mdl_size(handle: u32) -> Result<usize> {
    with_handles(|handles| Ok(handles.get(handle)?.mdl.pages() * PAGE_SIZE))
}

/// `KnHandleClose()`.
pub(crate) fn handle_close(handle: u32) -> Result {
    // Dropped after the lock: the buffer may have a region to give pages back to.
    let closed = with_handles(|handles| handles.close(handle))?;
    drop(closed);
    Ok(())
}

/// `KnPmmMdlToFd()`: returns the number of a file of the running program.
pub(crate) fn mdl_to_fd(handle: u32, flags: u32) -> Result<u32> {
    let most = flags::parse_prot(flags)?;
    fd::install(with_handles(|handles| handles.get(handle))?.narrow(most)?)
}

/// `KnPmmMdlFromFd()`: returns a handle.
pub(crate) fn mdl_from_fd(fd: u32) -> Result<u32> {
    let grant = fd::grant(fd)?;
    with_handles(|handles| handles.add(grant))
}

fn add(mdl: Arc<Mdl>, most: Prot) -> Result<u32> {
    with_handles(|handles| handles.add(Grant { mdl, most }))
}
