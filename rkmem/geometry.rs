// SPDX-License-Identifier: GPL-2.0

//! Where the objects of a slab begin: what tells a right pointer from one that is off.

use crate::{
    ffi,
    slab::{
        Cache,
        Position, //
    }, //
};
use core::num::NonZeroU32;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The places of the objects in each slab of a cache.
#[derive(Clone, Copy)]
pub(super) struct Geometry {
    /// Bytes from one object to the next.
    stride: NonZeroU32,
    /// Bytes before the first object.
    first: u32,
    /// The bits that are 0 in the address of each object if no more need be looked at, else -1.
    mask: usize,
    /// Whether each slab is a single page.
    one_page: bool,
}

impl Geometry {
    /// Of a cache that does not tell: anything may be an object.
    const UNKNOWN: Self = Self {
        stride: NonZeroU32::MIN,
        first: 0,
        mask: 0,
        one_page: false,
    };

    /// Measures a new cache, whose name is `name` and whose objects are aligned to `align`. May
    /// sleep.
    pub(super) fn of(cache: &Cache, name: &CStr, align: usize) -> Self {
        Self::measure(cache, name, align).unwrap_or(Self::UNKNOWN)
    }

    fn measure(cache: &Cache, name: &CStr, align: usize) -> Option<Self> {
        let stride = NonZeroU32::new(u32::try_from(cache.stride(name)?).ok()?)?;
        // An object or two may come from KFENCE, which says nothing about the slab.
        let position = (0..8).find_map(|_| probe(cache))?;
        let first = u32::try_from(position.offset).ok()? % stride;
        // Slabs start at multiples of their length. So the low bits of an address say it all if
        // objects fill the slab without a gap.
        let aligned = align >= (stride.get() as usize).min(PAGE_SIZE);
        let gapless = first == 0 && stride.is_power_of_two() && aligned;
        Some(Self {
            stride,
            first,
            mask: if gapless {
                stride.get() as usize - 1
            } else {
                usize::MAX
            },
            one_page: cache.order(name) == Some(0),
        })
    }

    /// Whether `objp` is the start of an object, as far as can be told.
    ///
    /// # Safety
    ///
    /// `objp` lies in a slab of the cache that was measured.
    #[inline(always)]
    pub(super) unsafe fn is_start(&self, objp: *const c_void) -> bool {
        let addr = objp as usize;
        addr & self.mask == 0
            || (self.one_page && self.fits(addr % PAGE_SIZE, PAGE_SIZE))
            // SAFETY: The caller's promise.
            || unsafe { self.is_start_in_slab(objp) }
    }

    /// # Safety
    ///
    /// As for [`Self::is_start`].
    #[inline(never)]
    unsafe fn is_start_in_slab(&self, objp: *const c_void) -> bool {
        // SAFETY: The caller's promise.
        match unsafe { Position::of(objp) } {
            Some(position) => self.fits(position.offset, position.bytes),
            // KFENCE checks its own objects.
            None => true,
        }
    }

    /// Whether an object starts `offset` bytes into a slab of `bytes`.
    #[inline(always)]
    fn fits(&self, offset: usize, bytes: usize) -> bool {
        // Slabs are at most `KMALLOC_MAX_SIZE` long; 32-bit division is the fast one.
        let distance = (offset as u32).wrapping_sub(self.first);
        distance % self.stride == 0
            && offset >= self.first as usize
            // What stands before the first object is part of the first stride.
            && (distance as usize).saturating_add(self.stride.get() as usize) <= bytes
    }
}

/// Where an object of the cache came to lie; `None` if at KFENCE's, or nowhere.
fn probe(cache: &Cache) -> Option<Position> {
    let objp = cache.alloc(bindings::GFP_KERNEL | bindings::__GFP_NOWARN | ffi::GFP_NORETRY);
    if objp.is_null() {
        return None;
    }
    // SAFETY: The object is in a slab.
    let position = unsafe { Position::of(objp) };
    // SAFETY: The object was allocated above, and nobody else has it.
    unsafe { cache.free(objp) };
    position
}

#[kunit_tests(rsbac_mem_geometry)]
mod tests {
    use super::*;

    fn geometry(stride: u32, first: u32) -> Geometry {
        Geometry {
            stride: NonZeroU32::new(stride).unwrap_or(NonZeroU32::MIN),
            first,
            mask: usize::MAX,
            one_page: false,
        }
    }

    #[test]
    fn only_starts_of_objects_fit() {
        let g = geometry(96, 0);
        for offset in 0..PAGE_SIZE {
            // 42 objects of 96 bytes, and 64 bytes that are nobody's.
            assert_eq!(
                g.fits(offset, PAGE_SIZE),
                offset % 96 == 0 && offset < 42 * 96
            );
        }
    }

    #[test]
    fn red_zones_shift_the_first_object() {
        let g = geometry(192, 64);
        assert!(!g.fits(0, PAGE_SIZE));
        assert!(g.fits(64, PAGE_SIZE));
        assert!(!g.fits(192, PAGE_SIZE));
        assert!(g.fits(256, PAGE_SIZE));
        // The last of 21 objects, and what would be the 22nd.
        assert!(g.fits(64 + 20 * 192, PAGE_SIZE));
        assert!(!g.fits(64 + 21 * 192, PAGE_SIZE));
        // The shift must not wrap around into something that divides.
        assert!(!geometry(64, 64).fits(0, PAGE_SIZE));
    }

    #[test]
    fn what_was_not_measured_refuses_nothing() {
        // SAFETY: No address is looked at where nothing was measured.
        assert!(unsafe { Geometry::UNKNOWN.is_start(core::ptr::without_provenance(12345)) });
    }
}
