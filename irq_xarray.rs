// SPDX-License-Identifier: GPL-2.0

//! An XArray of numbers that may be used from interrupts.
//!
//! [`kernel::xarray::XArray`] takes its lock with interrupts on, which would deadlock where an
//! allocation that is noted down happens in an interrupt handler.

use crate::ffi;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// Numbers of up to 63 bits, by index. In a box, since the lock inside must not move.
pub(crate) struct IrqXArray(KBox<Opaque<bindings::xarray>>);

// SAFETY: All access is under the XArray's own lock.
unsafe impl Send for IrqXArray {}
// SAFETY: As above.
unsafe impl Sync for IrqXArray {}

impl IrqXArray {
    pub(crate) fn new() -> Result<Self> {
        let xa = KBox::new(Opaque::uninit(), GFP_KERNEL)?;
        // SAFETY: `xa` is valid for writes, and stays where it is.
        unsafe { ffi::rsbac_mem_helper_xa_init(xa.get()) };
        Ok(Self(xa))
    }

    /// Stores `value` at `index`. Sleeps only if `gfp` allows it.
    pub(crate) fn store(&self, index: usize, value: usize, gfp: bindings::gfp_t) -> Result {
        // SAFETY: The XArray was initialised in `new`.
        to_result(unsafe { ffi::rsbac_mem_helper_xa_store(self.0.get(), index, value, gfp) })
    }

    /// Whether there is a value at `index`. Does not sleep.
    pub(crate) fn contains(&self, index: usize) -> bool {
        // SAFETY: The XArray was initialised in `new`.
        !unsafe { bindings::xa_load(self.0.get(), index) }.is_null()
    }

    /// Removes and returns what is at `index`. Does not sleep.
    pub(crate) fn erase(&self, index: usize) -> Option<usize> {
        let mut value = 0;
        // SAFETY: The XArray was initialised in `new`, and `value` is valid for writes.
        unsafe { ffi::rsbac_mem_helper_xa_erase(self.0.get(), index, &mut value) }.then_some(value)
    }

    /// Calls `f` with each value. What comes or goes meanwhile may be left out.
    pub(crate) fn for_each(&self, mut f: impl FnMut(usize)) {
        let mut index = 0;
        let mut next: unsafe extern "C" fn(_, _, _, _) -> _ = bindings::xa_find;
        loop {
            // SAFETY: The XArray was initialised in `new`, and `index` is valid for writes.
            let entry =
                unsafe { next(self.0.get(), &mut index, c_ulong::MAX, bindings::XA_PRESENT) };
            if entry.is_null() {
                return;
            }
            // Numbers are stored shifted up by one bit.
            f(entry as usize >> 1);
            next = bindings::xa_find_after;
        }
    }
}

impl Drop for IrqXArray {
    fn drop(&mut self) {
        // SAFETY: The XArray was initialised in `new`, and nobody uses it any more.
        unsafe { bindings::xa_destroy(self.0.get()) };
    }
}

#[kunit_tests(rsbac_mem_irq_xarray)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_stored() -> Result {
        let xa = IrqXArray::new()?;
        for i in [0, 1, 63, 64, 1 << 40, usize::MAX] {
            xa.store(i, i >> 1, bindings::GFP_KERNEL)?;
            assert!(xa.contains(i));
        }
        let mut sum = 0usize;
        xa.for_each(|value| sum = sum.wrapping_add(value));
        assert_eq!(
            sum,
            0usize
                .wrapping_add(31 + 32 + (1 << 39))
                .wrapping_add(usize::MAX >> 1)
        );
        assert!(xa.erase(64) == Some(32));
        assert!(xa.erase(64).is_none());
        assert!(!xa.contains(64));
        Ok(())
    }
}
