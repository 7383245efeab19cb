// SPDX-License-Identifier: GPL-2.0

//! Safe Rust on top of the pools of `rsbac_mem.ko`; `<linux/pmalloc.h>` has the contract.
//!
//! This file is all there is to it. A module takes it in as one of its own `mod`s:
//!
//! ```ignore
//! #[path = "../../include/pmalloc.rs"]
//! mod pmalloc;
//!
//! let mut pool = pmalloc::Pool::new(pmalloc::Mode::WriteRare)?;
//! let limits = pool.alloc([10_u32, 20])?;
//! let level = pool.alloc(1_u64)?;
//! pool.get_mut(&limits)?[1] = 30;
//!
//! let pool = pool.seal()?;
//! let limits = pool.sealed(limits)?; // Sealed<[u32; 2]>: no way to a `&mut` any more
//! let level = pool.write_rare(level)?; // WriteRare<u64>
//! assert!(limits[1] == 30);
//! level.set(2)?;
//! # Ok::<(), kernel::error::Error>(())
//! ```
//!
//! The memory lives as long as anything of the pool does. What is put into a pool is never
//! dropped, and must be [`Plain`].

// A module need not use all of it.
#![allow(dead_code)]

use core::{
    marker::PhantomData,
    mem::{
        align_of,
        size_of, //
    },
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    ffi::{
        c_char,
        c_int,
        c_short,
        c_ulong,
        c_void, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

// As in <linux/pmalloc.h>.
extern "C" {
    fn pmalloc_create_named_pool(
        name: *const c_char,
        refill: usize,
        align_order: c_short,
        mode: u8,
    ) -> *mut c_void;
    #[link_name = "pmalloc"]
    fn pmalloc_alloc(pool: *mut c_void, size: usize) -> *mut c_void;
    fn pmalloc_protect_pool(pool: *mut c_void);
    fn pmalloc_destroy_pool(pool: *mut c_void);
    fn pmalloc_verify(pool: *mut c_void) -> c_int;
    fn pmalloc_wr_memcpy(
        dst: *const c_void,
        src: *const c_void,
        size: usize,
        caller: c_ulong,
    ) -> bool;
}

/// Values that may stand in read-only memory that is shared.
///
/// # Safety
///
/// The type has no interior mutability (a write through `&T` would fault), no padding that
/// matters, and nothing to drop.
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {}

macro_rules! plain {
    ($($t:ty),*) => { $(
        // SAFETY: Integers and the like are just their bytes.
        unsafe impl Plain for $t {}
    )* };
}
plain!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, bool, char);

// SAFETY: As its elements.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// What can be done with a pool once it is sealed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing but reading.
    ReadOnly = 0,
    /// Writing through [`WriteRare`] as well.
    WriteRare = 1,
    /// Reading; damage from below the page tables is told by [`SealedPool::verify`].
    Verified = 0x20,
    /// Both of the above.
    VerifiedWriteRare = 0x21,
}

/// The handle of a pool that is destroyed on drop.
struct Handle(NonNull<c_void>);

// SAFETY: The functions that take the handle may be called from any thread, also at a time.
unsafe impl Send for Handle {}
// SAFETY: As above.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: The handle is ours, and nothing of the pool is left.
        unsafe { pmalloc_destroy_pool(self.0.as_ptr()) };
    }
}

/// An object of a pool, as long as that is open. Only its pool leads to what is in it.
pub(crate) struct Slot<T> {
    object: NonNull<T>,
    pool: NonNull<c_void>,
}

/// A pool that is being filled.
pub(crate) struct Pool {
    handle: Handle,
    mode: Mode,
}

impl Pool {
    /// Creates a pool. May sleep.
    pub(crate) fn new(mode: Mode) -> Result<Self> {
        // SAFETY: No name is given; the rest may be anything.
        let handle = unsafe { pmalloc_create_named_pool(core::ptr::null(), 0, -1, mode as u8) };
        Self::from_raw(handle, mode)
    }

    /// Creates a pool with a name of its own and areas of at least `refill` bytes. May sleep.
    pub(crate) fn named(name: &CStr, refill: usize, mode: Mode) -> Result<Self> {
        // SAFETY: The name is a C string; the rest may be anything.
        let handle =
            unsafe { pmalloc_create_named_pool(name.as_char_ptr(), refill, -1, mode as u8) };
        Self::from_raw(handle, mode)
    }

    fn from_raw(handle: *mut c_void, mode: Mode) -> Result<Self> {
        let handle = Handle(NonNull::new(handle).ok_or(ENOMEM)?);
        Ok(Self { handle, mode })
    }

    /// Moves a value into the pool. May sleep.
    pub(crate) fn alloc<T: Plain>(&mut self, value: T) -> Result<Slot<T>> {
        // Objects are aligned to 8 bytes.
        const { assert!(align_of::<T>() <= 8 && size_of::<T>() > 0 && PAGE_SIZE >= 8) };
        let pool = self.handle.0;
        // SAFETY: The pool is ours.
        let object = unsafe { pmalloc_alloc(pool.as_ptr(), size_of::<T>()) };
        let object = NonNull::new(object.cast::<T>()).ok_or(ENOMEM)?;
        // SAFETY: The memory is new, large enough and aligned, and writable, since the pool is
        // open and of a mode that does not seal by itself.
        unsafe { object.write(value) };
        Ok(Slot { object, pool })
    }

    /// Gives access to a value of this pool.
    pub(crate) fn get_mut<T: Plain>(&mut self, slot: &Slot<T>) -> Result<&mut T> {
        if slot.pool != self.handle.0 {
            return Err(EINVAL);
        }
        // SAFETY: The object is of this pool, which is open and borrowed mutably.
        Ok(unsafe { &mut *slot.object.as_ptr() })
    }

    /// Seals the pool. From here on all writes but those of [`WriteRare`] fault. May sleep.
    pub(crate) fn seal(self) -> Result<SealedPool> {
        // SAFETY: The pool is ours, and no reference into it is left.
        unsafe { pmalloc_protect_pool(self.handle.0.as_ptr()) };
        Ok(SealedPool {
            mode: self.mode,
            handle: Arc::new(self.handle, GFP_KERNEL)?,
        })
    }
}

/// A pool that is sealed.
#[derive(Clone)]
pub(crate) struct SealedPool {
    handle: Arc<Handle>,
    mode: Mode,
}

impl SealedPool {
    /// Turns an object of this pool into one that can be read for ever.
    pub(crate) fn sealed<T: Plain>(&self, slot: Slot<T>) -> Result<Sealed<T>> {
        Ok(Sealed(self.owned(slot)?))
    }

    /// Turns an object of this pool into one that can be read, and rarely written.
    pub(crate) fn write_rare<T: Plain>(&self, slot: Slot<T>) -> Result<WriteRare<T>> {
        if !matches!(self.mode, Mode::WriteRare | Mode::VerifiedWriteRare) {
            return Err(EPERM);
        }
        Ok(WriteRare(self.owned(slot)?))
    }

    fn owned<T>(&self, slot: Slot<T>) -> Result<Owned<T>> {
        if slot.pool != self.handle.0 {
            return Err(EINVAL);
        }
        Ok(Owned {
            object: slot.object,
            _pool: self.handle.clone(),
            _value: PhantomData,
        })
    }

    /// Compares all of the pool with its digests: `EBADMSG` if something was changed from below
    /// the page tables. May sleep.
    pub(crate) fn verify(&self) -> Result {
        // SAFETY: The pool is there as long as `self`.
        kernel::error::to_result(unsafe { pmalloc_verify(self.handle.0.as_ptr()) })
    }
}

/// An object, with what keeps its pool.
///
/// # Invariants
///
/// `object` is a value in the pool, and nobody else has its slot.
struct Owned<T> {
    object: NonNull<T>,
    _pool: Arc<Handle>,
    _value: PhantomData<T>,
}

// SAFETY: It is a value that is plain, and a handle.
unsafe impl<T: Plain> Send for Owned<T> {}
// SAFETY: As above.
unsafe impl<T: Plain> Sync for Owned<T> {}

/// A value that nobody can change. There is no way to a `&mut` of it.
pub(crate) struct Sealed<T: Plain>(Owned<T>);

impl<T: Plain> Deref for Sealed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the invariant of `Owned`; nobody writes to it, since it is sealed, and no
        // `WriteRare` can be made of the same slot.
        unsafe { self.0.object.as_ref() }
    }
}

/// A value of 1, 2, 4 or 8 bytes that can only be changed as a whole, by [`Self::set`].
pub(crate) struct WriteRare<T: Plain>(Owned<T>);

impl<T: Plain> WriteRare<T> {
    const IS_A_WORD: () = assert!(
        matches!(size_of::<T>(), 1 | 2 | 4 | 8) && align_of::<T>() == size_of::<T>(),
        "only words are written whole"
    );

    /// The value as it is now. Any context.
    pub(crate) fn get(&self) -> T {
        let () = Self::IS_A_WORD;
        // SAFETY: By the invariant of `Owned`; aligned words are written at once.
        unsafe { self.0.object.as_ptr().read_volatile() }
    }

    /// Changes the value. Any context but NMI; does not sleep.
    pub(crate) fn set(&self, value: T) -> Result {
        let () = Self::IS_A_WORD;
        // SAFETY: Both are of the size of `T`. Whether the pool allows it is checked there.
        let written = unsafe {
            pmalloc_wr_memcpy(
                self.0.object.as_ptr().cast(),
                (&raw const value).cast(),
                size_of::<T>(),
                0,
            )
        };
        written.then_some(()).ok_or(EPERM)
    }
}
