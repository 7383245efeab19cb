// SPDX-License-Identifier: GPL-2.0

//! Page frames: taking them from the kernel, giving them back, and their entries in the direct map.

use super::{
    error::{
        charge,
        Error,
        Result, //
    },
    flags::Cache, //
};
use crate::{
    ffi,
    kmem_cgroup::Payer,
    symbols::{
        self,
        Symbol, //
    }, //
};
use core::ptr;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    prelude::*, //
};

/// A frame.
pub(super) type Frame = *mut bindings::page;

/// The most frames that are handled at once: as many as a large page has.
pub(super) const BATCH: usize = 512;
/// Those that fit the stack.
const FEW: usize = 32;

/// Zeroed frames; a request that the machine cannot serve fails, and nobody is killed for it.
const GFP: bindings::gfp_t = bindings::GFP_KERNEL
    | bindings::__GFP_ZERO
    | bindings::__GFP_NOWARN
    | 1 << bindings::___GFP_RETRY_MAYFAIL_BIT;
/// Larger pieces are welcome, not needed: no reclaim for them.
const GFP_LARGE: bindings::gfp_t =
    GFP & !(1 << bindings::___GFP_DIRECT_RECLAIM_BIT | 1 << bindings::___GFP_RETRY_MAYFAIL_BIT);

/// Whose memory it is, for the kernel's own memory cgroups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The machine: the memory is a module's.
    Kernel,
    /// The memory cgroup of the running program.
    Program,
}

impl Owner {
    fn gfp(self) -> bindings::gfp_t {
        match self {
            Self::Kernel => 0,
            Self::Program => 1 << bindings::___GFP_ACCOUNT_BIT,
        }
    }
}

/// Room for some frames while they are moved about.
pub(super) struct Batch {
    few: [Frame; FEW],
    many: KVec<Frame>,
}

impl Batch {
    /// Room for up to `pages` frames at a time; less where there is no memory for more.
    pub(super) fn new(pages: usize) -> Self {
        let mut many = KVec::new();
        if pages > FEW {
            let pages = pages.min(BATCH);
            if many.reserve(pages, GFP_KERNEL | __GFP_NOWARN).is_ok() {
                for _ in 0..pages {
                    let _ = many.push_within_capacity(ptr::null_mut());
                }
            }
        }
        Self {
            few: [ptr::null_mut(); FEW],
            many,
        }
    }

    /// Room for the next of `left` frames.
    pub(super) fn room(&mut self, left: usize) -> &mut [Frame] {
        if self.many.is_empty() {
            &mut self.few[..left.min(FEW)]
        } else {
            let most = self.many.len();
            &mut self.many[..left.min(most)]
        }
    }
}

/// Fills `frames` with frames of zeroed memory, in large pieces as far as there are any: the direct
/// map need not be split then. All or none.
pub(super) fn alloc(frames: &mut [Frame], owner: Owner) -> Result {
    let gfp = GFP | owner.gfp();
    let gfp_large = GFP_LARGE | owner.gfp();
    let mut got = 0;
    let mut order = frames.len().ilog2().min(BATCH.ilog2());
    while order > 0 && got < frames.len() {
        // SAFETY: The flags allow sleeping, as our callers do.
        let page = unsafe { bindings::alloc_pages(gfp_large, order) };
        if page.is_null() {
            order -= 1;
            continue;
        }
        // SAFETY: The piece was just allocated with this order and nobody else knows it.
        unsafe { bindings::split_page(page, order) };
        for n in 0..1 << order {
            // SAFETY: The piece has `1 << order` frames, with their `struct page`s in one row.
            frames[got + n] = unsafe { page.add(n) };
        }
        got += 1 << order;
        order = order.min((frames.len() - got).max(1).ilog2());
    }
    if got < frames.len() {
        let rest = &mut frames[got..];
        rest.fill(ptr::null_mut());
        // SAFETY: `rest` is valid for writes of its length, and null where frames are wanted.
        got += unsafe { ffi::vmm::rsbac_mem_vmm_alloc_bulk(gfp, rest.len(), rest.as_mut_ptr()) };
    }
    while got < frames.len() {
        // SAFETY: The flags allow sleeping, as our callers do.
        let page = unsafe { bindings::alloc_pages(gfp, 0) };
        if page.is_null() {
            free(&mut frames[..got]);
            return Err(Error::NoMemory);
        }
        frames[got] = page;
        got += 1;
    }
    Ok(())
}

/// Drops a reference to each of `frames`, and with the last one frees it.
pub(super) fn free(frames: &mut [Frame]) {
    for frame in frames {
        // SAFETY: Each owner of a frame has one reference, and calls this once.
        unsafe { bindings::__free_pages(*frame, 0) };
    }
}

/// Where the direct map has `frame`.
pub(super) fn linear(frame: Frame) -> usize {
    // SAFETY: Only frames of `alloc` come here; they are in the direct map.
    unsafe { ffi::vmm::rsbac_mem_vmm_linear(frame) }
}

/// Whether this kernel lets us cache like that. To be asked before [`set_cache`].
pub(super) fn check_cache(cache: Cache) -> Result {
    if cache == Cache::WriteThrough && !symbols::have(&[Symbol::SetMemoryWt]) {
        return Err(Error::NotSupported);
    }
    Ok(())
}

/// Sets how the direct map caches `frames`. On failure the direct map is as it was.
pub(super) fn set_cache(frames: &mut [Frame], cache: Cache) -> Result {
    // SAFETY: The frames are ours, and no other view of them is there while this is called.
    let set = |cache: Cache, frames: &mut [Frame]| unsafe {
        ffi::vmm::rsbac_mem_vmm_set_array(cache as u32, frames.as_mut_ptr(), frames.len())
    };
    if set(cache, frames) != 0 {
        set(Cache::WriteBack, frames);
        return Err(Error::NoMemory);
    }
    Ok(())
}

/// The pieces of `frames` that lie in one row in the direct map: address and number of pages.
fn rows(frames: &[Frame]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut rest = frames;
    core::iter::from_fn(move || {
        let start = linear(*rest.first()?);
        let len = rest
            .iter()
            .enumerate()
            // Frames in one row have their `struct page`s in one row.
            .take_while(|(n, frame)| **frame == rest[0].wrapping_add(*n))
            .count();
        rest = &rest[len..];
        Some((start, len))
    })
}

/// Whether [`set_linear_write`] would take so many calls for `frames` that one call for a whole view
/// of them is less work.
pub(super) fn are_scattered(frames: &[Frame]) -> bool {
    rows(frames).nth(1 + frames.len() / 8).is_some()
}

/// Whether the direct map may write `frames`. On failure it is as it was before, except that pages
/// that it may not write cannot be made writable again when even that fails, which is logged.
pub(super) fn set_linear_write(frames: &[Frame], write: bool) -> Result {
    for (done, (addr, len)) in rows(frames).enumerate() {
        if !set_row(addr, len, write) {
            for (addr, len) in rows(frames).take(done + 1) {
                if !set_row(addr, len, !write) {
                    pr_err!("the direct map is left read-only at {addr:#x} for {len} pages\n");
                }
            }
            return Err(Error::NoMemory);
        }
    }
    Ok(())
}

fn set_row(addr: usize, len: usize, write: bool) -> bool {
    // SAFETY: The row is memory of ours in the direct map. That the two functions were found is
    // checked before the first region is made.
    0 == unsafe {
        if write {
            ffi::symbols::rsbac_mem_symbol_set_memory_rw(addr, len as c_int)
        } else {
            ffi::symbols::rsbac_mem_symbol_set_memory_ro(addr, len as c_int)
        }
    }
}

/// One more reference to `frame`; given back with [`free`].
pub(super) fn get(frame: Frame) {
    // SAFETY: The caller has a reference.
    unsafe { ffi::vmm::rsbac_mem_vmm_get_page(frame) };
}

/// The memory of one page of a program.
pub(super) struct UserFrame {
    frame: Frame,
    cache: Cache,
    payer: Payer,
    /// Which page of the region it is.
    page: usize,
}

// SAFETY: A frame belongs to no task.
unsafe impl Send for UserFrame {}
// SAFETY: As above; what is in the frame is nobody's business here.
unsafe impl Sync for UserFrame {}

impl UserFrame {
    /// A zeroed frame, paid for by the memory cgroup of the running program. May sleep.
    pub(super) fn new(page: usize, cache: Cache) -> Result<Self> {
        let payer = charge(1)?;
        // SAFETY: May be called wherever sleeping is allowed.
        let mut frame = unsafe { ffi::vmm::rsbac_mem_vmm_user_page() };
        let one = core::slice::from_mut(&mut frame);
        let ready = if one[0].is_null() {
            Err(Error::NoMemory)
        } else if cache != Cache::WriteBack {
            set_cache(one, cache).inspect_err(|_| free(one))
        } else {
            Ok(())
        };
        ready.inspect_err(|_| payer.uncharge(1))?;
        Ok(Self {
            frame,
            cache,
            payer,
            page,
        })
    }

    pub(super) fn raw(&self) -> Frame {
        self.frame
    }

    /// Frees the memory early where that takes no sleep; returns which page of the region it was.
    pub(super) fn empty(&mut self) -> usize {
        if self.cache == Cache::WriteBack {
            free(core::slice::from_mut(&mut self.frame));
            self.frame = core::ptr::null_mut();
        }
        self.page
    }
}

impl Drop for UserFrame {
    fn drop(&mut self) {
        self.payer.uncharge(1);
        if self.frame.is_null() {
            return;
        }
        let one = core::slice::from_mut(&mut self.frame);
        if self.cache == Cache::WriteBack || set_cache(one, Cache::WriteBack).is_ok() {
            free(one);
        } else {
            pr_err!("a page is lost: no memory to restore it\n");
        }
    }
}
