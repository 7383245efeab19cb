// SPDX-License-Identifier: GPL-2.0

//! The size classes: those of kmalloc, and on above 8 KiB in powers of two.

use super::slab::Slab;
// Not those of the `kernel` crate, whose loads are calls into C: this is the hottest path.
use core::{
    ptr,
    sync::atomic::{
        AtomicPtr,
        Ordering::Relaxed, //
    }, //
};
use kernel::{
    prelude::*,
    str::CString, //
};

/// Sizes in bytes, ascending.
pub(super) const SIZES: [usize; 22] = [
    8,
    16,
    32,
    64,
    96,
    128,
    192,
    256,
    512,
    1 << 10,
    2 << 10,
    4 << 10,
    8 << 10,
    16 << 10,
    32 << 10,
    64 << 10,
    128 << 10,
    256 << 10,
    512 << 10,
    1 << 20,
    2 << 20,
    4 << 20,
];

/// `RSBAC_MAX_KMALLOC`.
pub(crate) const MAX: usize = kernel::bindings::KMALLOC_MAX_SIZE as usize;

/// Up to here the class is looked up, above it is computed.
const SMALL: usize = 192;

/// The class of each size up to [`SMALL`], in steps of 8 bytes.
const SMALL_CLASS: [u8; SMALL / 8] = {
    let mut table = [0; SMALL / 8];
    let mut i = 0;
    while i < table.len() {
        let mut class = 0;
        while SIZES[class] < (i + 1) * 8 {
            class += 1;
        }
        table[i] = class as u8;
        i += 1;
    }
    table
};

/// The class that serves `size` bytes; `size` is from 1 to [`MAX`].
#[inline(always)]
const fn index(size: usize) -> usize {
    if size <= SMALL {
        SMALL_CLASS[(size - 1) / 8] as usize
    } else {
        // 256 = 1 << 8 is class 7.
        (usize::BITS - (size - 1).leading_zeros()) as usize - 1
    }
}

const _: () = {
    let mut i = 0;
    while i < SIZES.len() {
        assert!(index(SIZES[i]) == i);
        assert!(i + 1 == SIZES.len() || index(SIZES[i] + 1) == i + 1);
        i += 1;
    }
};

/// kmalloc's alignment: the largest power of two in the size. Without debugging it comes by itself
/// beyond a page.
pub(super) const fn align(size: usize) -> usize {
    1 << size.trailing_zeros()
}

/// The slabs of the classes: set when the discipline starts, and null again when it stops.
static SLABS: [AtomicPtr<Slab>; SIZES.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIZES.len()];

/// The slab that serves `size` bytes.
#[inline(always)]
pub(super) fn find(size: usize) -> Option<&'static Slab> {
    if size.wrapping_sub(1) >= MAX {
        return None;
    }
    let slab = SLABS.get(index(size))?.load(Relaxed);
    // SAFETY: Slabs of classes live until the module goes, which is after the last call into it.
    unsafe { slab.as_ref() }
}

/// Publishes the slab of class `index`, or takes it back with `None`.
pub(super) fn publish(index: usize, slab: Option<&Slab>) {
    SLABS[index].store(
        slab.map_or(ptr::null_mut(), |slab| ptr::from_ref(slab).cast_mut()),
        Relaxed,
    );
}

/// The name of the class of `size` bytes: `rsbac-96`, `rsbac-4k`, `rsbac-2M`.
pub(super) fn name(size: usize) -> Result<CString> {
    match size {
        ..1024 => CString::try_from_fmt(fmt!("rsbac-{size}")),
        1024..0x10_0000 => CString::try_from_fmt(fmt!("rsbac-{}k", size >> 10)),
        _ => CString::try_from_fmt(fmt!("rsbac-{}M", size >> 20)),
    }
}

#[kunit_tests(rsbac_mem_classes)]
mod tests {
    use super::*;

    #[test]
    fn every_size_goes_to_the_smallest_class_that_holds_it() {
        for size in 1..=(64 << 10) {
            let class = index(size);
            assert!(SIZES[class] >= size);
            assert!(class == 0 || SIZES[class - 1] < size);
        }
        assert_eq!(index(MAX), SIZES.len() - 1);
    }

    #[test]
    fn names_are_those_of_kmalloc_with_our_prefix() -> Result {
        for (size, expected) in [(8, c"rsbac-8"), (192, c"rsbac-192"), (1 << 10, c"rsbac-1k")] {
            assert!(*name(size)? == *expected);
        }
        assert!(*name(512 << 10)? == *c"rsbac-512k");
        assert!(*name(4 << 20)? == *c"rsbac-4M");
        Ok(())
    }

    #[test]
    fn alignment_is_the_largest_power_of_two_in_the_size() {
        for (size, expected) in [
            (8, 8),
            (96, 32),
            (192, 64),
            (4096, 4096),
            (1 << 20, 1 << 20),
        ] {
            assert_eq!(align(size), expected);
        }
    }
}
