// SPDX-License-Identifier: GPL-2.0

//! Safe Rust on top of the RSBAC memory calls of `rsbac_mem.ko`.
//!
//! This file is all there is to it: it has no library to link with. A module
//! takes it in as one of its own `mod`s, so that nothing but the module's code
//! sees it, and calls the functions that `rsbac_mem.ko` exports:
//!
//! ```ignore
//! #[path = "../../include/rsbac_mem.rs"]
//! mod rsbac_mem;
//!
//! use rsbac_mem::KmBox;
//! use rsbac_mem::Slab;
//! use rsbac_mem::VkBox;
//!
//! // One object, from the slab of its size class, rsbac-8 or so.
//! let mut answer = KmBox::new(41_u32)?;
//! *answer += 1;
//!
//! // A table: contiguous memory up to 4 MiB, vmalloc above.
//! let squares = VkBox::from_fn(1 << 20, |i| i * i)?;
//! assert!(squares.is_vmalloc() && squares[3] == 9);
//!
//! // A slab of one's own, which /proc/slabinfo shows as "points".
//! let points = Slab::<(u64, u64)>::new(c"points")?;
//! let origin = points.alloc((0, 0))?;
//! # Ok::<(), kernel::error::Error>(())
//! ```
//!
//! Each of the three owners frees what it owns, and on the path that it came
//! from: there is no flag to carry and no pointer to free. Boxes and slices may
//! be allocated and dropped wherever `rsbac_kmalloc()` and `rsbac_kfree()` may
//! be called: not in NMI context, and for a [`VkBox`] beyond [`MAX_KMALLOC`]
//! only where sleeping is allowed. [`Slab::new`] may sleep, and so may dropping
//! the last reference to a slab, see there.

// A module need not use all of it.
#![allow(dead_code)]

use core::{
    ffi::{
        c_int,
        c_void, //
    },
    mem::{
        align_of,
        needs_drop,
        size_of, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::{
        drop_in_place,
        slice_from_raw_parts_mut,
        NonNull, //
    },
    slice::{
        from_raw_parts,
        from_raw_parts_mut, //
    }, //
};

use kernel::{
    ffi::c_char,
    page::PAGE_SIZE,
    prelude::*,
    str::CStr,
    sync::Arc, //
};

/// Bytes that `rsbac_vkmalloc()` serves with contiguous memory, as
/// `RSBAC_MAX_KMALLOC` in `<rsbac/rkmem.h>`.
pub(crate) const MAX_KMALLOC: usize = kernel::bindings::KMALLOC_MAX_SIZE as usize;

/// What the kernel's allocators promise for the objects of any slab.
const SLAB_ALIGN: usize = align_of::<u64>();

/// `struct kmem_cache`, of which only pointers exist here.
#[repr(C)]
struct KmemCache {
    _opaque: [u8; 0],
}

// As in <rsbac/rkmem.h>, whose `boolean` is an int.
extern "C" {
    fn rsbac_kmalloc(size: usize) -> *mut c_void;
    fn rsbac_kmalloc_unlocked(size: usize) -> *mut c_void;
    fn rsbac_kfree(objp: *const c_void);
    fn rsbac_vkmalloc(size: usize, vmalloc_used_p: *mut c_int) -> *mut c_void;
    fn rsbac_vkfree(objp: *mut c_void, vmalloc_used: c_int);
    fn rsbac_slab_create(name: *const c_char, size: usize) -> *mut KmemCache;
    fn rsbac_slab_destroy(cache: *mut KmemCache);
    fn rsbac_smalloc(cache: *mut KmemCache) -> *mut c_void;
    fn rsbac_smalloc_unlocked(cache: *mut KmemCache) -> *mut c_void;
    fn rsbac_sfree(cache: *mut KmemCache, mem: *mut c_void);
}

/// One value in memory of `rsbac_kmalloc()`.
///
/// # Invariants
///
/// `ptr` points to a valid `T` that this box owns. Where `T` has a size, the
/// memory comes from one of the kmalloc calls, and nobody else frees it.
pub(crate) struct KmBox<T> {
    ptr: NonNull<T>,
}

impl<T> KmBox<T> {
    /// Allocates memory for `value` and moves it there. Does not sleep where the
    /// caller may not. An error drops `value`.
    pub(crate) fn new(value: T) -> Result<Self> {
        // SAFETY: The function may be called from everywhere but NMI context,
        // where it fails.
        Self::with(value, |size| unsafe { rsbac_kmalloc(size) })
    }

    /// [`KmBox::new`] for callers that hold no lock; may sleep.
    pub(crate) fn new_unlocked(value: T) -> Result<Self> {
        // SAFETY: The function has no requirement but on the context, which
        // this method hands on to its caller, as all of the kernel's Rust does.
        Self::with(value, |size| unsafe { rsbac_kmalloc_unlocked(size) })
    }

    fn with(value: T, alloc: impl FnOnce(usize) -> *mut c_void) -> Result<Self> {
        // Like kmalloc(), rsbac_kmalloc() aligns to the largest power of two
        // that divides the size, and a size is a multiple of the alignment;
        // that holds within a page.
        const { assert!(align_of::<T>() <= PAGE_SIZE) };

        let ptr = if size_of::<T>() == 0 {
            NonNull::dangling()
        } else {
            NonNull::new(alloc(size_of::<T>()).cast::<T>()).ok_or(ENOMEM)?
        };
        // SAFETY: `ptr` is valid for a write of a `T`: it points to that much
        // new memory, aligned as said above, or dangles for a `T` of no size.
        unsafe { ptr.write(value) };
        // INVARIANT: `ptr` points to the value, and only we know of it.
        Ok(Self { ptr })
    }

    /// Takes the value out and frees its memory.
    pub(crate) fn into_inner(this: Self) -> T {
        let this = core::mem::ManuallyDrop::new(this);
        // SAFETY: `ptr` points to a valid `T`, by the invariant; nobody reads
        // it again, as `this` is not dropped.
        let value = unsafe { this.ptr.read() };
        Self::release(this.ptr);
        value
    }

    /// Frees the memory, not the value, of a box that is going.
    fn release(ptr: NonNull<T>) {
        if size_of::<T>() != 0 {
            // SAFETY: By the invariant the memory is from the kmalloc calls,
            // and ours to free; the callers let go of the box.
            unsafe { rsbac_kfree(ptr.as_ptr().cast()) };
        }
    }
}

impl<T> Drop for KmBox<T> {
    fn drop(&mut self) {
        // SAFETY: The value is valid and ours, by the invariant, and out of
        // everybody's reach after this.
        unsafe { drop_in_place(self.ptr.as_ptr()) };
        Self::release(self.ptr);
    }
}

impl<T> Deref for KmBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: The value is valid and ours, by the invariant; `&self` keeps
        // it so, and unchanged.
        unsafe { self.ptr.as_ref() }
    }
}

impl<T> DerefMut for KmBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: The value is valid and ours, by the invariant; `&mut self`
        // makes sure that nobody else looks at it.
        unsafe { self.ptr.as_mut() }
    }
}

// SAFETY: A box is its value, as far as threads are concerned: the memory may be
// freed from any of them.
unsafe impl<T: Send> Send for KmBox<T> {}

// SAFETY: `&KmBox<T>` gives no more than `&T`.
unsafe impl<T: Sync> Sync for KmBox<T> {}

/// A slice in memory of `rsbac_vkmalloc()`: contiguous where it can be, else
/// from vmalloc.
///
/// # Invariants
///
/// `ptr` points to `len` valid `T`s that this box owns. Where they have a size,
/// the memory comes from `rsbac_vkmalloc()`, which left `vmalloc_used` behind,
/// and nobody else frees it.
pub(crate) struct VkBox<T> {
    ptr: NonNull<T>,
    len: usize,
    vmalloc_used: c_int,
}

impl<T> VkBox<T> {
    /// Allocates `len` elements, and makes each with `make`, which is told its
    /// index. May sleep where the caller may.
    pub(crate) fn from_fn(len: usize, mut make: impl FnMut(usize) -> T) -> Result<Self> {
        // As for `KmBox`; vmalloc() returns whole pages.
        const { assert!(align_of::<T>() <= PAGE_SIZE) };

        let size = size_of::<T>().checked_mul(len).ok_or(EOVERFLOW)?;
        let mut vmalloc_used = 0;
        let ptr = if size == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: The flag is an int that lives until the call is over; the
            // function may be called from everywhere but NMI context, where it
            // fails.
            let mem = unsafe { rsbac_vkmalloc(size, &mut vmalloc_used) };
            NonNull::new(mem.cast::<T>()).ok_or(ENOMEM)?
        };
        // INVARIANT: None of the elements is there yet, so that there are `0`;
        // the memory is new, and the flag is that of the call.
        let mut this = Self {
            ptr,
            len: 0,
            vmalloc_used,
        };
        for i in 0..len {
            // SAFETY: There is room for `len` elements, and `i` is less.
            unsafe { this.ptr.add(i).write(make(i)) };
            // INVARIANT: One more element is valid.
            this.len = i + 1;
        }
        Ok(this)
    }

    /// Whether the memory is from vmalloc.
    pub(crate) fn is_vmalloc(&self) -> bool {
        self.vmalloc_used != 0
    }
}

impl<T> Drop for VkBox<T> {
    fn drop(&mut self) {
        let elements = slice_from_raw_parts_mut(self.ptr.as_ptr(), self.len);

        if needs_drop::<T>() {
            // SAFETY: The elements are valid and ours, by the invariant, and out
            // of everybody's reach after this.
            unsafe { drop_in_place(elements) };
        }
        // No memory stands behind elements without a size, or no elements.
        if size_of::<T>() != 0 && self.ptr != NonNull::dangling() {
            // SAFETY: By the invariant the memory is from rsbac_vkmalloc(),
            // which left this flag behind, and it is ours to free.
            unsafe { rsbac_vkfree(self.ptr.as_ptr().cast(), self.vmalloc_used) };
        }
    }
}

impl<T> Deref for VkBox<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: By the invariant there are `len` valid elements; `&self` keeps
        // them so, and unchanged.
        unsafe { from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for VkBox<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: By the invariant there are `len` valid elements; `&mut self`
        // makes sure that nobody else looks at them.
        unsafe { from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

// SAFETY: As for `KmBox`.
unsafe impl<T: Send> Send for VkBox<T> {}

// SAFETY: `&VkBox<T>` gives no more than `&[T]` and a flag that never changes.
unsafe impl<T: Sync> Sync for VkBox<T> {}

/// A slab of one's own for objects of the type `T`.
///
/// The slab lives as long as this handle or a box from it. Whatever goes last
/// destroys it, and destroying may sleep: where boxes are dropped under a lock,
/// keep the handle longer than them.
pub(crate) struct Slab<T> {
    cache: Arc<OwnedCache>,
    _objects: core::marker::PhantomData<fn(T) -> T>,
}

/// # Invariants
///
/// The cache is a slab of `rsbac_slab_create()`, not destroyed yet.
struct OwnedCache(NonNull<KmemCache>);

// SAFETY: A slab may be used by, and destroyed from, any thread.
unsafe impl Send for OwnedCache {}

// SAFETY: The calls that use a slab do their own locking.
unsafe impl Sync for OwnedCache {}

impl Drop for OwnedCache {
    fn drop(&mut self) {
        // SAFETY: It is a slab of rsbac_slab_create(), by the invariant, and
        // nobody allocates from it any more: each of those who could holds a
        // reference to this.
        unsafe { rsbac_slab_destroy(self.0.as_ptr()) };
    }
}

impl<T> Slab<T> {
    /// Creates a slab of that name, which /proc/slabinfo and
    /// /sys/kernel/rsbac_mem/slabs/ show. May sleep.
    ///
    /// Fails with [`EINVAL`] where the slab is refused; the log says why.
    pub(crate) fn new(name: &CStr) -> Result<Self> {
        const {
            assert!(size_of::<T>() != 0, "objects of a slab have a size");
            assert!(align_of::<T>() <= SLAB_ALIGN, "slabs align to 8 bytes");
        };

        // SAFETY: The name is a NUL-terminated string.
        let cache = unsafe { rsbac_slab_create(name.as_char_ptr(), size_of::<T>()) };
        let cache = NonNull::new(cache).ok_or(EINVAL)?;
        // INVARIANT: We have just created it. (An error drops it.)
        let cache = Arc::new(OwnedCache(cache), GFP_KERNEL)?;
        Ok(Self {
            cache,
            _objects: core::marker::PhantomData,
        })
    }

    /// Moves `value` into a new object. Does not sleep where the caller may not.
    /// An error drops `value`.
    pub(crate) fn alloc(&self, value: T) -> Result<SlabBox<T>> {
        // SAFETY: It is a living slab, by the invariant of `OwnedCache`; the
        // function may be called from everywhere but NMI context.
        let mem = unsafe { rsbac_smalloc(self.cache.0.as_ptr()) };
        self.fill(mem, value)
    }

    /// [`Slab::alloc`] for callers that hold no lock; may sleep.
    pub(crate) fn alloc_unlocked(&self, value: T) -> Result<SlabBox<T>> {
        // SAFETY: It is a living slab, by the invariant of `OwnedCache`; the
        // context is the caller's to see to.
        let mem = unsafe { rsbac_smalloc_unlocked(self.cache.0.as_ptr()) };
        self.fill(mem, value)
    }

    fn fill(&self, mem: *mut c_void, value: T) -> Result<SlabBox<T>> {
        let ptr = NonNull::new(mem.cast::<T>()).ok_or(ENOMEM)?;
        // SAFETY: `ptr` is a new object of this slab, whose objects have the
        // size of a `T` and, as checked in `new`, its alignment.
        unsafe { ptr.write(value) };
        // INVARIANT: The object holds the value and is from `cache`.
        Ok(SlabBox {
            ptr,
            cache: self.cache.clone(),
        })
    }
}

/// One value in an object of a [`Slab`].
///
/// # Invariants
///
/// `ptr` points to a valid `T` that this box owns, in an object of `cache` that
/// nobody else frees.
pub(crate) struct SlabBox<T> {
    ptr: NonNull<T>,
    cache: Arc<OwnedCache>,
}

impl<T> Drop for SlabBox<T> {
    fn drop(&mut self) {
        // SAFETY: The value is valid and ours, by the invariant, and out of
        // everybody's reach after this.
        unsafe { drop_in_place(self.ptr.as_ptr()) };
        // SAFETY: The object is from this slab, which our reference keeps alive,
        // and it is ours to free, by the invariant.
        unsafe { rsbac_sfree(self.cache.0.as_ptr(), self.ptr.as_ptr().cast()) };
    }
}

impl<T> Deref for SlabBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: As for `KmBox`.
        unsafe { self.ptr.as_ref() }
    }
}

impl<T> DerefMut for SlabBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: As for `KmBox`.
        unsafe { self.ptr.as_mut() }
    }
}

// SAFETY: As for `KmBox`; the reference to the slab may go to any thread too.
unsafe impl<T: Send> Send for SlabBox<T> {}

// SAFETY: `&SlabBox<T>` gives no more than `&T`.
unsafe impl<T: Sync> Sync for SlabBox<T> {}
