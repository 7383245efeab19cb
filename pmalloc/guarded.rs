// SPDX-License-Identifier: GPL-2.0

//! Values that can be read as ever and written through a [`Window`] only.
//!
//! All that decides about protection is kept in such values: an overflow or a stray pointer that
//! hits one faults instead of unsealing a pool. [`ROOT`] is where everything is found from. It is
//! part of the module's own `__ro_after_init` data.

use super::{
    arena::Spot,
    window::{
        Store,
        Window, //
    }, //
};
use crate::{
    ffi::pmalloc as ffi,
    pagetable, //
};
use core::{
    cell::UnsafeCell,
    mem::size_of,
    slice, //
};
use kernel::{
    cpu::CpuId,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    pr_warn_once,
    prelude::*, //
};

/// A word in memory that the page tables protect.
#[repr(transparent)]
pub(crate) struct Guarded<T: Word>(UnsafeCell<T>);

/// What fits a [`Guarded`]: plain words.
pub(crate) trait Word: Copy {}
impl Word for usize {}
impl Word for u64 {}
impl<T> Word for *const T {}
impl<T> Word for *mut T {}

// SAFETY: Reads and writes are single-copy atomic, and writers have a lock for each value.
unsafe impl<T: Word> Sync for Guarded<T> {}
// SAFETY: As above.
unsafe impl<T: Word> Send for Guarded<T> {}

impl<T: Word> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> T {
        // SAFETY: The value is in `self`; whole words are written at once.
        unsafe { self.0.get().read_volatile() }
    }

    /// Writes the value. For the places that [`write()`] knows: protected memory of our own, and
    /// [`ROOT`]. Does not sleep.
    pub(crate) fn set(&self, value: T) {
        // SAFETY: `value` is plain memory, and lives for the time of the call.
        let bytes =
            unsafe { slice::from_raw_parts((&raw const value).cast::<u8>(), size_of::<T>()) };
        write(self.0.get() as usize, Store::Bytes(bytes));
    }
}

/// Writes to protected memory of our own, within a page.
fn write(addr: usize, store: Store<'_>) {
    let pfn = match Spot::of(addr) {
        Some(spot) => spot.entry().get().map(|(pfn, _)| pfn),
        None => pagetable::view(addr).map(|view| view.pfn),
    };
    let Some(pfn) = pfn else {
        pr_warn_once!("pmalloc: metadata is not mapped: not written\n");
        return;
    };
    without_interrupts(|window| {
        // SAFETY: The window is this CPU's; the word is ours, and aligned.
        unsafe { window.write(pfn, addr & (PAGE_SIZE - 1), store) }
    });
}

/// Calls `f` with interrupts off and the window of this CPU.
#[inline(always)]
pub(crate) fn without_interrupts<R>(f: impl FnOnce(&Window) -> R) -> R {
    // SAFETY: Paired with the call below.
    let flags = unsafe { ffi::rsbac_mem_irq_save() };
    let result = f(Root::window());
    // SAFETY: The flags are those of the call above.
    unsafe { ffi::rsbac_mem_irq_restore(flags) };
    result
}

/// How many arenas there can be; each is up to twice as large as the one before.
pub(crate) const ARENAS: usize = 64;

/// Where an arena is.
#[repr(C)]
pub(crate) struct ArenaRef {
    pub(crate) base: Guarded<usize>,
    pub(crate) pages: Guarded<usize>,
}

/// From where everything is found.
#[repr(C, align(4096))]
pub(crate) struct Root {
    /// The windows of all CPUs, by number.
    pub(crate) windows: Guarded<*const Window>,
    /// How many of `arenas` are there.
    pub(crate) count: Guarded<usize>,
    pub(crate) arenas: [ArenaRef; ARENAS],
}

/// Read-only once the module is loaded, as the name of the section says, but for [`write()`].
#[link_section = ".data..ro_after_init"]
pub(crate) static ROOT: Root = Root {
    windows: Guarded::new(core::ptr::null()),
    count: Guarded::new(0),
    arenas: [const {
        ArenaRef {
            base: Guarded::new(0),
            pages: Guarded::new(0),
        }
    }; ARENAS],
};

impl Root {
    /// The window of this CPU. Interrupts must be off.
    #[inline(always)]
    pub(crate) fn window() -> &'static Window {
        let cpu = CpuId::current().as_u32() as usize;
        // SAFETY: There is one for each CPU, made before anything was protected.
        unsafe { &*ROOT.windows.get().add(cpu) }
    }

    /// Tells where the windows are, writing through `windows` themselves. What is told may be
    /// null: then nothing protected can be written any more.
    pub(crate) fn publish(windows: &[Window], place: *const Window) -> Result {
        let addr = (&raw const ROOT.windows) as usize;
        let pfn = pagetable::view(addr).ok_or(EFAULT)?.pfn;
        let bytes = (place as usize).to_ne_bytes();
        // SAFETY: Paired with the call below.
        let flags = unsafe { ffi::rsbac_mem_irq_save() };
        let window = windows.get(CpuId::current().as_u32() as usize);
        if let Some(window) = window {
            // SAFETY: The window is this CPU's, and the word is ours.
            unsafe { window.write(pfn, addr & (PAGE_SIZE - 1), Store::Bytes(&bytes)) };
        }
        // SAFETY: The flags are those of the call above.
        unsafe { ffi::rsbac_mem_irq_restore(flags) };
        window.map(|_| ()).ok_or(EFAULT)
    }
}

/// The number of pages that `bytes` take up; `None` if the sum overflows.
pub(crate) fn pages_for(bytes: usize) -> Option<usize> {
    Some(bytes.checked_add(PAGE_SIZE - 1)? >> PAGE_SHIFT)
}
