// SPDX-License-Identifier: GPL-2.0

//! Regions in a program's address space: the callbacks of their mappings.
//!
//! The `kernel` crate lets an `mmap()` handler set flags, but not `vm_ops`: that is done here, and
//! nowhere else is a raw `vm_area_struct` touched.

use super::{
    super::{
        flags::{
            self,
            Prot, //
        },
        frames::Frame, //
    },
    region::{
        Region,
        Touch, //
    },
    space::{
        Found,
        Space, //
    }, //
};
use crate::ffi;
use kernel::{
    bindings,
    error::to_result,
    fs::File,
    mm::virt::{
        flags as vm,
        VmaNew,
        VmaRef, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    types::ForeignOwnable, //
};

/// The pages of the device's inode, as all programs map them.
pub(super) struct Mapping(*mut bindings::address_space);

// SAFETY: The inode's mapping belongs to no task.
unsafe impl Send for Mapping {}
// SAFETY: `zap` may be called from several tasks at a time.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// That of `file`. To be used as long as the file is open.
    pub(super) fn of(file: &File) -> Self {
        // SAFETY: An open file has a mapping, which does not change.
        Self(unsafe { (*file.as_ptr()).f_mapping })
    }

    /// Removes `pages` pages, from `first` in the file on, from all page tables. May sleep.
    pub(super) fn zap(&self, first: usize, pages: usize) {
        // SAFETY: The mapping is live, see `of`.
        unsafe {
            bindings::unmap_mapping_range(
                self.0,
                (first * PAGE_SIZE) as bindings::loff_t,
                (pages * PAGE_SIZE) as bindings::loff_t,
                1,
            )
        };
    }
}

/// The callbacks of our mappings, and of no others.
struct Ops(bindings::vm_operations_struct);

// SAFETY: Never written.
unsafe impl Sync for Ops {}

static OPS: Ops = Ops(bindings::vm_operations_struct {
    open: Some(open),
    close: Some(close),
    mremap: Some(mremap),
    mprotect: Some(mprotect),
    fault: Some(fault),
    ..pin_init::zeroed()
});

/// Where in the file `vma` begins, in pages.
pub(super) fn first_page(vma: &VmaRef) -> usize {
    // SAFETY: The reference says that the lock which guards the field is held.
    unsafe { (*vma.as_ptr()).vm_pgoff }
}

/// The rights in a mapping's flags; `None` where these are no rights that a region can have.
fn rights(vm_flags: bindings::vm_flags_t) -> Option<Prot> {
    (vm_flags & vm::READ != 0).then_some(Prot {
        write: vm_flags & vm::WRITE != 0,
        exec: vm_flags & vm::EXEC != 0,
    })
}

/// Makes `vma` show `region`: all of it, once, with the rights that it was allocated with.
pub(super) fn map(vma: &VmaNew, region: Arc<Region>) -> Result {
    let pages = (vma.end() - vma.start()) / PAGE_SIZE;
    if first_page(vma) != region.first()
        || pages != region.whole()
        || vma.flags() & vm::SHARED == 0
        || rights(vma.flags()) != Some(region.prot())
    {
        return Err(EINVAL);
    }
    if !region.claim() {
        return Err(EBUSY);
    }
    // Allows what is mapped to be inserted here and in `fault`.
    let mixed = vma.set_mixedmap();
    vma.set_dontexpand();
    vma.set_dontcopy();
    vma.set_dontdump();
    // SAFETY: The vma is being set up, so nobody else uses it.
    unsafe { ffi::vmm::rsbac_mem_vmm_set_vma_cache(vma.as_ptr(), region.shape().cache as u32) };
    region
        .each_locked(|page, frame| insert(mixed.as_ptr(), vma.start() + page * PAGE_SIZE, frame))
        .inspect_err(|_| region.unclaim())?;
    region.add_piece();
    // SAFETY: As above. From here on `close` is called in the end, which takes the reference back.
    unsafe {
        (*vma.as_ptr()).vm_private_data = Arc::into_raw(region).cast_mut().cast();
        (*vma.as_ptr()).vm_ops = &OPS.0;
    }
    Ok(())
}

/// Shows `frame` at `addr`, which is in `vma`; it may be there already.
fn insert(vma: *mut bindings::vm_area_struct, addr: usize, frame: Frame) -> Result {
    // SAFETY: Our callers hold the lock of the vma, which is one of ours with `VM_MIXEDMAP` set;
    // the frame is valid and of order 0.
    match to_result(unsafe { bindings::vm_insert_page(vma, addr, frame) }) {
        Err(error) if error == EBUSY => Ok(()),
        done => done,
    }
}

/// The region that one of our mappings shows.
///
/// # Safety
///
/// `vma` has our `vm_ops`, and is valid and locked for `'a`.
unsafe fn region<'a>(vma: *mut bindings::vm_area_struct) -> &'a Region {
    // SAFETY: `map` has put a reference there, which lives as long as the mapping.
    unsafe { &*(*vma).vm_private_data.cast::<Region>() }
}

/// # Safety
///
/// Called by the kernel when a mapping of ours was split: `vma` is the new piece.
unsafe extern "C" fn open(vma: *mut bindings::vm_area_struct) {
    // SAFETY: The pointer was copied from the piece that was split, which has a reference.
    let region = unsafe { ArcBorrow::from_raw((*vma).vm_private_data.cast::<Region>()) };
    region.add_piece();
    // One more reference, for this piece.
    let _ = Arc::into_raw(Arc::from(region));
}

/// # Safety
///
/// Called by the kernel when a mapping of ours, `vma`, goes. Its file is still open.
unsafe extern "C" fn close(vma: *mut bindings::vm_area_struct) {
    // SAFETY: Takes back the reference that `map` or `open` left.
    let region = unsafe { Arc::from_raw((*vma).vm_private_data.cast::<Region>().cast_const()) };
    if region.drop_piece() {
        // SAFETY: Files of the device have a `Space` in their private data until they are released.
        let space = unsafe { <Arc<Space>>::borrow((*(*vma).vm_file).private_data) };
        space.remove(&region);
    }
}

/// Regions do not move: their address is what their owner knows of them.
///
/// # Safety
///
/// Called by the kernel.
unsafe extern "C" fn mremap(_vma: *mut bindings::vm_area_struct) -> c_int {
    EINVAL.to_errno()
}

/// # Safety
///
/// Called by the kernel, with the address space locked, before it changes rights of `vma`, a
/// mapping of ours.
unsafe extern "C" fn mprotect(
    vma: *mut bindings::vm_area_struct,
    _start: c_ulong,
    _end: c_ulong,
    new_flags: c_ulong,
) -> c_int {
    // SAFETY: By the contract of this function.
    let region = unsafe { region(vma) };
    match rights(new_flags as bindings::vm_flags_t) {
        Some(prot) if prot.within(region.most()) && flags::allow(prot).is_ok() => 0,
        _ => EACCES.to_errno(),
    }
}

/// # Safety
///
/// Called by the kernel for a touch of a page that is not in the page table; `vmf` describes it,
/// and its mapping is one of ours and locked.
unsafe extern "C" fn fault(vmf: *mut bindings::vm_fault) -> bindings::vm_fault_t {
    // SAFETY: By the contract of this function.
    let (about, region) = unsafe {
        let about = (*vmf).__bindgen_anon_1;
        (about, region(about.vma))
    };
    let page = about.pgoff - region.first();
    region.touch(page, |touch| match touch {
        Touch::Frame(frame) if insert(about.vma, about.address, frame).is_ok() => {
            bindings::vm_fault_reason_VM_FAULT_NOPAGE
        }
        Touch::Wrong => bindings::vm_fault_reason_VM_FAULT_SIGSEGV,
        // Asking the kernel to kill somebody would not make the touch succeed.
        Touch::Frame(_) | Touch::NoMemory => bindings::vm_fault_reason_VM_FAULT_SIGBUS,
    })
}

/// Finds the region of `space` that shows at `addr`.
pub(super) fn find(space: &Space, addr: usize) -> Option<Found> {
    let mm = space.mm().mmget_not_zero()?;
    let guard = mm.mmap_read_lock();
    let vma = guard.vma_lookup(addr)?;
    // SAFETY: The mapping is valid and locked. Only mappings of ours have these `vm_ops`.
    unsafe {
        let raw = vma.as_ptr();
        if !core::ptr::eq((*raw).vm_ops, &OPS.0) {
            return None;
        }
        let owner = <Arc<Space>>::borrow((*(*raw).vm_file).private_data);
        if !core::ptr::eq(&*owner, space) {
            return None;
        }
        let region = ArcBorrow::from_raw((*raw).vm_private_data.cast::<Region>());
        let page = first_page(vma) - region.first() + (addr - vma.start()) / PAGE_SIZE;
        Some(Found {
            region: region.into(),
            page,
            vma: vma.start()..vma.end(),
            prot: rights(vma.flags()).map_or(0, Prot::to_flags),
        })
    }
}
