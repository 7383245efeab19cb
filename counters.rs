// SPDX-License-Identifier: GPL-2.0

//! Exact counts of objects that come and go, kept per CPU.
//!
//! Counting an allocation or a free is one per-CPU increment. The sums are exact as soon as the
//! calls that they count have returned. The peak is brought up to date once in [`Counters::batch`]
//! allocations of a CPU, and whenever it is read: a peak between two such moments may be missed by
//! at most `batch` objects for each CPU.

use crate::ffi;
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// A count per CPU that only grows.
struct PerCpu(NonNull<u64>);

// SAFETY: The counter is only touched by per-CPU increments and by reads that tolerate them.
unsafe impl Send for PerCpu {}
// SAFETY: As above.
unsafe impl Sync for PerCpu {}

impl PerCpu {
    fn new() -> Result<Self> {
        // SAFETY: The size is not 0 and the alignment is that of the type.
        let ptr =
            unsafe { ffi::rsbac_mem_helper_alloc_percpu(size_of::<u64>(), align_of::<u64>()) };
        NonNull::new(ptr.cast()).map(Self).ok_or(ENOMEM)
    }

    /// Counts one more; returns how many this CPU has counted. Safe against preemption and
    /// interrupts.
    #[inline(always)]
    fn count(&self) -> u64 {
        let ptr = self.0.as_ptr();
        // One instruction where it can be had, since a call costs six: this is half of what
        // counting takes.
        #[cfg(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML)))]
        {
            let mut count: u64 = 1;
            // SAFETY: The pointer is a live per-CPU `u64`, as `new` made it; per-CPU pointers are
            // offsets to %gs, where the CPU's own copies are.
            unsafe {
                core::arch::asm!(
                    "xadd qword ptr gs:[{ptr}], {count}",
                    ptr = in(reg) ptr,
                    count = inout(reg) count,
                    options(nostack)
                );
            }
            count.wrapping_add(1)
        }
        #[cfg(not(all(CONFIG_X86_64, CONFIG_SMP, not(CONFIG_UML))))]
        // SAFETY: The pointer is a live per-CPU `u64`, as `new` made it.
        unsafe {
            ffi::rsbac_mem_helper_count(ptr)
        }
    }

    fn sum(&self) -> u64 {
        // SAFETY: As in `count`.
        unsafe { ffi::rsbac_mem_helper_sum(self.0.as_ptr()) }
    }
}

impl Drop for PerCpu {
    fn drop(&mut self) {
        // SAFETY: The counter came from `__alloc_percpu` and nobody uses it any more.
        unsafe { bindings::free_percpu(self.0.as_ptr().cast()) };
    }
}

/// What happened to the objects of one kind.
pub(crate) struct Counters {
    allocs: PerCpu,
    frees: PerCpu,
    failed: Atomic<u64>,
    peak: Atomic<u64>,
    /// A power of two, less one.
    mask: u64,
}

impl Counters {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            allocs: PerCpu::new()?,
            frees: PerCpu::new()?,
            failed: Atomic::new(0),
            peak: Atomic::new(0),
            mask: Self::batch() - 1,
        })
    }

    /// Allocations of a CPU between two updates of the peak: 64 at least, and more on large
    /// machines, so that summing over all CPUs stays a small part of the cost.
    pub(crate) fn batch() -> u64 {
        u64::from(kernel::cpu::nr_cpu_ids())
            .next_power_of_two()
            .max(64)
    }

    /// Counts an allocation. Any context.
    #[inline(always)]
    pub(crate) fn alloc(&self) {
        if self.allocs.count() & self.mask == 0 {
            self.update_peak();
        }
    }

    /// Counts a free. Any context.
    #[inline(always)]
    pub(crate) fn free(&self) {
        self.frees.count();
    }

    /// Counts an allocation that failed. Any context.
    #[cold]
    pub(crate) fn fail(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    pub(crate) fn allocs(&self) -> u64 {
        self.allocs.sum()
    }

    pub(crate) fn frees(&self) -> u64 {
        self.frees.sum()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    /// Objects that are allocated now.
    pub(crate) fn objects(&self) -> u64 {
        // The frees first: a pair that happens in between must not make the difference negative.
        let frees = self.frees();
        self.allocs().saturating_sub(frees)
    }

    /// The most objects that were allocated at a time.
    pub(crate) fn peak(&self) -> u64 {
        self.update_peak()
    }

    #[cold]
    fn update_peak(&self) -> u64 {
        raise(&self.peak, self.objects())
    }
}

/// Raises `peak` to `now` unless it is higher; returns the higher of the two.
pub(crate) fn raise(peak: &Atomic<u64>, now: u64) -> u64 {
    let mut before = peak.load(Relaxed);
    while before < now {
        match peak.cmpxchg(before, now, Relaxed) {
            Ok(_) => return now,
            Err(other) => before = other,
        }
    }
    before
}

#[kunit_tests(rsbac_mem_counters)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() -> Result {
        let counters = Counters::new()?;
        (0..1000).for_each(|_| counters.alloc());
        (0..300).for_each(|_| counters.free());
        counters.fail();
        assert_eq!(counters.allocs(), 1000);
        assert_eq!(counters.frees(), 300);
        assert_eq!(counters.objects(), 700);
        assert_eq!(counters.failed(), 1);
        Ok(())
    }

    #[test]
    fn the_peak_lags_by_less_than_a_batch() -> Result {
        let counters = Counters::new()?;
        (0..1000).for_each(|_| counters.alloc());
        (0..1000).for_each(|_| counters.free());
        assert_eq!(counters.objects(), 0);
        assert!(counters.peak() <= 1000);
        // Each CPU that this ran on may have had a batch under way.
        let cpus = u64::from(kernel::cpu::nr_cpu_ids());
        assert!(counters.peak() + Counters::batch() * cpus > 1000);
        Ok(())
    }

    #[test]
    fn raising_never_lowers() {
        let peak = Atomic::new(0u64);
        assert_eq!(raise(&peak, 5), 5);
        assert_eq!(raise(&peak, 3), 5);
        assert_eq!(raise(&peak, 6), 6);
    }
}
