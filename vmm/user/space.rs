// SPDX-License-Identifier: GPL-2.0

//! What one program has: its regions by their offset in the file, and its handles.

use super::{
    super::{
        error::{
            Error,
            Result, //
        },
        fd,
        flags::{
            self,
            Shape, //
        },
        frames::Owner,
        mdl::{
            Grant,
            Handles,
            Mdl, //
        },
        tree::Tree, //
    },
    region::{
        Memory,
        Region, //
    },
    vma,
    Call,
    Info, //
};
use kernel::{
    fs::File,
    mm::{
        virt::VmaNew,
        Mm, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// The most that one region may be: 2^40 bytes.
const MAX_PAGES: usize = 1 << 28;

/// Where the next region begins in the file, in pages. Never used twice, for all programs, since
/// all of them map the same inode: what one program has cannot be removed from another's tables.
static NEXT: Atomic<usize> = Atomic::new(1);

/// An open file of the device.
#[pin_data]
pub(in crate::vmm) struct Space {
    #[pin]
    regions: Tree<Arc<Region>>,
    #[pin]
    handles: Handles,
    /// Whose address space the regions are in. Only that one may call.
    mm: ARef<Mm>,
    /// The file's; lives as long as the file, and so as long as this.
    mapping: vma::Mapping,
}

/// A region that waits for its `mmap()`.
pub(super) struct Made {
    offset: u64,
    size: u64,
    low: u64,
}

impl Made {
    pub(super) fn tell(&self, call: &mut Call) {
        call.offset = self.offset;
        call.size = self.size;
        call.addr = self.low;
    }
}

impl Space {
    pub(super) fn new(file: &File) -> kernel::error::Result<Arc<Self>> {
        let task = current!();
        let mm: &Mm = task.mm().ok_or(EINVAL)?;
        let mm = ARef::from(mm);
        let mapping = vma::Mapping::of(file);
        Arc::pin_init(
            pin_init!(Self {
                regions <- Tree::new(),
                handles <- Handles::new(),
                mm,
                mapping,
            }),
            GFP_KERNEL,
        )
    }

    /// Whether the program that opened the file is running, not a child that inherited it.
    pub(super) fn is_mine(&self) -> bool {
        current!()
            .mm()
            .is_some_and(|mm| core::ptr::eq(mm.as_raw(), self.mm.as_raw()))
    }

    fn check(addr: usize, size: usize) -> Result {
        super::super::check(addr, size)
    }

    fn add(
        &self,
        pages: usize,
        shape: Shape,
        prot: flags::Prot,
        memory: Memory,
    ) -> Result<Arc<Region>> {
        if pages > MAX_PAGES {
            return Err(Error::InvalidSize);
        }
        let (low, high) = shape.guards();
        let whole = low + pages + high;
        let first = NEXT.fetch_add(whole, Relaxed);
        let region = Region::new(first, pages, shape, prot, memory)?;
        match self
            .regions
            .insert(first..=first + whole - 1, region.clone())?
        {
            None => Ok(region),
            Some(_) => Err(Error::Busy),
        }
    }

    fn made(region: &Region) -> Made {
        Made {
            offset: (region.first() * PAGE_SIZE) as u64,
            size: (region.whole() * PAGE_SIZE) as u64,
            low: (region.low() * PAGE_SIZE) as u64,
        }
    }

    pub(super) fn allocate(&self, size: usize, flags: u32) -> Result<Made> {
        let wanted = flags::Allocate::parse(flags)?;
        Self::check(0, size)?;
        let lazy = wanted.commit;
        let region = self.add(
            size / PAGE_SIZE,
            wanted.shape,
            wanted.prot,
            Memory::own(lazy),
        )?;
        let committed = match (wanted.commit, wanted.locked) {
            (false, _) => Ok(()),
            (true, true) => region.commit(0..region.pages(), true),
            // Grows from the top as it is touched.
            (true, false) if wanted.shape.grow_down => {
                region.commit(region.pages() - 1..region.pages(), false)
            }
            (true, false) => region.commit(0..region.pages(), false),
        };
        if let Err(error) = committed {
            self.remove(&region);
            return Err(error);
        }
        Ok(Self::made(&region))
    }

    /// Forgets a region that was never mapped.
    pub(super) fn cancel(&self, offset: usize) -> Result {
        if offset % PAGE_SIZE != 0 {
            return Err(Error::Unaligned);
        }
        let first = offset / PAGE_SIZE;
        let region = self
            .regions
            .get(first, |region| Arc::from(region))
            .ok_or(Error::NoRegion)?;
        if region.first() != first {
            return Err(Error::NoRegion);
        }
        // From now on it cannot be mapped.
        if !region.claim() {
            return Err(Error::Busy);
        }
        self.remove(&region);
        Ok(())
    }

    /// Forgets `region`; its memory is freed, wherever else it is still known.
    pub(super) fn remove(&self, region: &Region) {
        drop(self.regions.remove(region.first()));
        region.retire();
    }

    /// `mmap()` of a region that waits for it.
    pub(super) fn map(&self, vma: &VmaNew) -> kernel::error::Result {
        if !self.is_mine() {
            return Err(EACCES);
        }
        let region = self
            .regions
            .get(vma::first_page(vma), |region| Arc::from(region))
            .ok_or(ENXIO)?;
        vma::map(vma, region)
    }

    /// Runs `call` with the region at `addr` and the pages of it that `size` bytes are.
    fn at<T>(
        &self,
        addr: usize,
        size: usize,
        call: impl FnOnce(&Region, core::ops::Range<usize>) -> Result<T>,
    ) -> Result<T> {
        Self::check(addr, size)?;
        let found = vma::find(self, addr).ok_or(Error::NoRegion)?;
        let first = found
            .page
            .checked_sub(found.region.low())
            .ok_or(Error::NoRegion)?;
        match first.checked_add(size / PAGE_SIZE) {
            Some(end) if end <= found.region.pages() => call(&found.region, first..end),
            _ => Err(Error::NoRegion),
        }
    }

    pub(super) fn commit(&self, addr: usize, size: usize, flags: u32) -> Result {
        let (locked, prot) = flags::parse_commit(flags)?;
        if prot.is_some() {
            // That is what mprotect() is for.
            return Err(Error::InvalidFlags);
        }
        self.at(addr, size, |region, pages| region.commit(pages, locked))
    }

    pub(super) fn decommit(&self, addr: usize, size: usize) -> Result {
        self.at(addr, size, |region, pages| {
            region.decommit(pages, &self.mapping)
        })
    }

    /// The mm that the regions are in.
    pub(super) fn mm(&self) -> &Mm {
        &self.mm
    }

    pub(super) fn query(&self, info: &mut Info) -> Result {
        let addr = info.addr as usize;
        let found = vma::find(self, addr).ok_or(Error::NoRegion)?;
        let region = &found.region;
        let whole = addr / PAGE_SIZE * PAGE_SIZE - found.page * PAGE_SIZE;
        let base = whole + region.low() * PAGE_SIZE;
        let size = region.pages() * PAGE_SIZE;
        info.base = base as u64;
        info.size = size as u64;
        info.flags = region.shape().to_flags();
        let page = found.page.wrapping_sub(region.low());
        if page >= region.pages() {
            let start = whole + found.page * PAGE_SIZE;
            (info.run_base, info.run_size) = (start as u64, PAGE_SIZE as u64);
            (info.state, info.protection, info.locked) = (3, 0, 0);
            return Ok(());
        }
        // Rights are the kernel's own books', the rest is ours; a run is what both agree about.
        let (attr, run) = region.at(page)?;
        let start = (base + run.start * PAGE_SIZE).max(found.vma.start);
        let end = (base + run.end * PAGE_SIZE).min(found.vma.end);
        (info.run_base, info.run_size) = (start as u64, (end - start) as u64);
        info.state = if attr.committed { 2 } else { 1 };
        info.protection = found.prot;
        info.locked = u32::from(attr.locked);
        Ok(())
    }

    fn add_mdl(&self, mdl: Arc<Mdl>, most: flags::Prot) -> Result<u32> {
        self.handles.add(Grant { mdl, most })
    }

    pub(super) fn mdl_create(&self, size: usize, flags: u32) -> Result<u32> {
        let most = flags::parse_prot(flags)?;
        Self::check(0, size)?;
        self.add_mdl(Mdl::new(size / PAGE_SIZE, Owner::Program)?, most)
    }

    /// `addr` is where the program has the data.
    pub(super) fn mdl_from_data(&self, addr: usize, size: usize, flags: u32) -> Result<u32> {
        let most = flags::parse_prot(flags)?;
        if size == 0 {
            return Err(Error::InvalidSize);
        }
        let mdl = Mdl::new(size.div_ceil(PAGE_SIZE), Owner::Program)?;
        let mut data = UserSlice::new(UserPtr::from_addr(addr), size).reader();
        mdl.fill(size, |page| {
            data.read_slice(page).map_err(|_| Error::InvalidFlags)
        })?;
        self.add_mdl(mdl, most)
    }

    pub(super) fn mdl_from_region(&self, addr: usize, size: usize, flags: u32) -> Result<u32> {
        let most = flags::parse_prot(flags)?;
        let mdl = self.at(addr, size, |region, pages| region.share(pages, most))?;
        self.add_mdl(mdl, most)
    }

    pub(super) fn mdl_map(
        &self,
        handle: u32,
        offset: usize,
        size: usize,
        flags: u32,
    ) -> Result<Made> {
        let (prot, shape) = flags::parse_map(flags)?;
        Self::check(offset, size)?;
        let grant = self.handles.get(handle)?.narrow_to_map(prot)?;
        let (first, pages) = grant.range(offset, size)?;
        let region = self.add(pages, shape, prot, Memory::Mdl { grant, first })?;
        Ok(Self::made(&region))
    }

    pub(super) fn mdl_clone(&self, handle: u32, flags: u32) -> Result<u32> {
        let most = flags::parse_prot(flags)?;
        self.handles.add(self.handles.get(handle)?.narrow(most)?)
    }

    pub(super) fn mdl_size(&self, handle: u32) -> Result<usize> {
        Ok(self.handles.get(handle)?.mdl.pages() * PAGE_SIZE)
    }

    pub(super) fn close(&self, handle: u32) -> Result {
        self.handles.close(handle).map(drop)
    }

    pub(super) fn mdl_to_fd(&self, handle: u32, flags: u32) -> Result<u32> {
        let most = flags::parse_prot(flags)?;
        fd::install(self.handles.get(handle)?.narrow(most)?)
    }

    pub(super) fn mdl_from_fd(&self, fd: u32) -> Result<u32> {
        self.handles.add(fd::grant(fd)?)
    }
}

/// What a program's own tables say of an address.
pub(super) struct Found {
    pub(super) region: Arc<Region>,
    /// Counted from the low guard.
    pub(super) page: usize,
    pub(super) vma: core::ops::Range<usize>,
    /// `VMM_FLAG_READ` and so on.
    pub(super) prot: u32,
}
