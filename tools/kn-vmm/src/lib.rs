// SPDX-License-Identifier: GPL-2.0

//! Regions of `/dev/kn_vmm` for programs: address space that is reserved, committed lazily or at
//! once, protected, guarded, shared.
//!
//! ```no_run
//! use kn_vmm::{flags, Device};
//!
//! let device = Device::open()?;
//! let mut region = device.reserve(1 << 30, flags::READ | flags::WRITE | flags::LOW_GUARD)?;
//! region.commit(0, 1 << 20, false)?;
//! region.bytes_mut(0, 5)?.copy_from_slice(b"hello");
//! region.protect(0, 4096, flags::READ)?;
//! # Ok::<(), kn_vmm::Error>(())
//! ```
//!
//! A [`Region`] is given back when it is dropped. Slices are handed out for committed memory alone,
//! and only with the rights that it has, which this crate keeps books of.

mod books;
mod sys;

use books::Books;
pub use books::Page;
use std::{
    fmt,
    fs::{File, OpenOptions},
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    sync::Arc,
};
use sys::Call;

/// The flags of `vmm/flags.h`.
pub mod flags {
    pub const LOW_GUARD: u32 = 0x10;
    pub const HIGH_GUARD: u32 = 0x20;
    pub const READ: u32 = 0x100;
    pub const WRITE: u32 = 0x200;
    pub const EXECUTE: u32 = 0x400;
    pub const RWX_MASK: u32 = 0x700;
    pub const WRITE_BACK: u32 = 0x1000;
    pub const WRITE_THROUGH: u32 = 0x2000;
    pub const WRITE_COMBINE: u32 = 0x4000;
    pub const CACHE_DISABLE: u32 = 0x8000;
    pub(crate) const RESERVE: u32 = 0x1;
    pub(crate) const LOCKED: u32 = 0x4;
}

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// Why a call failed.
#[derive(Debug)]
pub enum Error {
    /// A code of `rtl/retcode.h`.
    Refused(i32),
    /// What the system said.
    System(std::io::Error),
    /// The range is not inside the region, not of whole pages, or has not the rights needed.
    Range,
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::System(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "refused with code {code}"),
            Self::System(error) => error.fmt(f),
            Self::Range => f.write_str("not a range of the region with these rights"),
        }
    }
}

impl std::error::Error for Error {}

/// The open device, for the process that opened it.
#[derive(Clone)]
pub struct Device(Arc<File>);

fn prot(flags: u32) -> i32 {
    ((flags & flags::RWX_MASK) >> 8) as i32
}

impl Device {
    /// Opens `/dev/kn_vmm`.
    pub fn open() -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/kn_vmm")?;
        Ok(Self(Arc::new(file)))
    }

    /// Reserves `size` bytes, a multiple of [`PAGE`]. `flags`: rights, guards, caching.
    pub fn reserve(&self, size: usize, flags: u32) -> Result<Region, Error> {
        let mut call = Call {
            size: size as u64,
            flags: flags | flags::RESERVE,
            ..Call::default()
        };
        sys::call(&self.0, sys::ALLOCATE, &mut call)?;
        self.show(call, size, flags, Page::Reserved)
    }

    /// Makes a buffer of `size` bytes that mappings may have `rights` of at most.
    pub fn buffer(&self, size: usize, rights: u32) -> Result<Mdl, Error> {
        let mut call = Call {
            size: size as u64,
            flags: rights,
            ..Call::default()
        };
        sys::call(&self.0, sys::MDL_CREATE, &mut call)?;
        Ok(Mdl {
            device: self.clone(),
            handle: call.handle,
        })
    }

    /// Takes the buffer that a file carries.
    pub fn buffer_from(&self, file: BorrowedFd<'_>) -> Result<Mdl, Error> {
        let mut call = Call {
            handle: file.as_raw_fd() as u32,
            ..Call::default()
        };
        sys::call(&self.0, sys::MDL_FROM_FD, &mut call)?;
        Ok(Mdl {
            device: self.clone(),
            handle: call.handle,
        })
    }

    fn show(&self, mut made: Call, size: usize, flags: u32, page: Page) -> Result<Region, Error> {
        let start = sys::map(&self.0, &made, prot(flags)).inspect_err(|_| {
            // Nobody knows the region: if this fails, it goes with the file.
            let _ = sys::call(&self.0, sys::CANCEL, &mut made);
        })?;
        Ok(Region {
            device: self.clone(),
            start,
            whole: made.size as usize,
            low: made.addr as usize,
            books: Books::new(size / PAGE, page, flags & flags::RWX_MASK),
            shared: page != Page::Reserved,
        })
    }
}

/// A region; given back on drop.
pub struct Region {
    device: Device,
    start: *mut u8,
    whole: usize,
    low: usize,
    books: Books,
    /// A view of a buffer: others may write while we read.
    shared: bool,
}

// SAFETY: A region belongs to the process, not to a thread.
unsafe impl Send for Region {}

impl Region {
    /// The lowest address, above the low guard.
    pub fn base(&self) -> *mut u8 {
        self.start.wrapping_add(self.low)
    }

    /// In bytes, without guards.
    pub fn size(&self) -> usize {
        self.books.pages() * PAGE
    }

    fn call(
        &self,
        offset: usize,
        size: usize,
        cmd: std::ffi::c_ulong,
        flags: u32,
    ) -> Result<(), Error> {
        let mut call = Call {
            addr: self.base() as u64 + offset as u64,
            size: size as u64,
            flags,
            ..Call::default()
        };
        sys::call(&self.device.0, cmd, &mut call)
    }

    /// Lets pages have memory: zeroed, at once if `locked`, else when they are touched.
    pub fn commit(&mut self, offset: usize, size: usize, locked: bool) -> Result<(), Error> {
        let pages = self.books.range(offset, size)?;
        let flags = if locked { flags::LOCKED } else { 0 };
        self.call(offset, size, sys::COMMIT, flags)?;
        self.books.set_state(pages, Page::Committed);
        Ok(())
    }

    /// Takes the memory of pages back.
    pub fn decommit(&mut self, offset: usize, size: usize) -> Result<(), Error> {
        let pages = self.books.range(offset, size)?;
        self.call(offset, size, sys::DECOMMIT, 0)?;
        self.books.set_state(pages, Page::Reserved);
        Ok(())
    }

    /// Changes rights: `READ`, with `WRITE`, with `EXECUTE`, or with both.
    pub fn protect(&mut self, offset: usize, size: usize, rights: u32) -> Result<(), Error> {
        let pages = self.books.range(offset, size)?;
        if rights & flags::READ == 0 || rights & !flags::RWX_MASK != 0 {
            return Err(Error::Range);
        }
        // SAFETY: The range is ours; slices of it borrow `self`, so that there are none.
        unsafe { sys::protect(self.base().wrapping_add(offset), size, prot(rights))? };
        self.books.set_rights(pages, rights);
        Ok(())
    }

    /// Committed memory of the region's own, to read.
    pub fn bytes(&self, offset: usize, len: usize) -> Result<&[u8], Error> {
        if self.shared || !self.books.all(offset, len, 0) {
            return Err(Error::Range);
        }
        // SAFETY: The bytes are committed and, as all rights have it, readable; writes borrow `self`
        // mutably, and nobody else knows the memory.
        Ok(unsafe { std::slice::from_raw_parts(self.base().wrapping_add(offset), len) })
    }

    /// Committed memory of the region's own, to write.
    pub fn bytes_mut(&mut self, offset: usize, len: usize) -> Result<&mut [u8], Error> {
        if self.shared || !self.books.all(offset, len, flags::WRITE) {
            return Err(Error::Range);
        }
        // SAFETY: As in `bytes`, and writable.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.base().wrapping_add(offset), len) })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: The mapping is ours, and slices of it borrowed `self`.
        unsafe { sys::unmap(self.start, self.whole) };
    }
}

/// A handle to a buffer that can be mapped several times; given back on drop.
pub struct Mdl {
    device: Device,
    handle: u32,
}

impl Mdl {
    fn call(&self, cmd: std::ffi::c_ulong, mut call: Call) -> Result<Call, Error> {
        call.handle = self.handle;
        sys::call(&self.device.0, cmd, &mut call)?;
        Ok(call)
    }

    /// In bytes.
    pub fn size(&self) -> Result<usize, Error> {
        Ok(self.call(sys::MDL_SIZE, Call::default())?.size as usize)
    }

    /// Another handle, with `rights` at most.
    pub fn narrow(&self, rights: u32) -> Result<Self, Error> {
        let call = Call {
            flags: rights,
            ..Call::default()
        };
        Ok(Self {
            device: self.device.clone(),
            handle: self.call(sys::MDL_CLONE, call)?.handle,
        })
    }

    /// A file that carries the buffer with `rights` at most, for another process or a module.
    pub fn to_fd(&self, rights: u32) -> Result<OwnedFd, Error> {
        let call = Call {
            flags: rights,
            ..Call::default()
        };
        let fd = self.call(sys::MDL_TO_FD, call)?.handle;
        // SAFETY: The kernel has just opened it for us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    }

    /// Maps a part of the buffer. `flags`: rights and guards. Others may change what is in there at
    /// any time, so the view has a [`Region::base`], and no slices.
    pub fn map(&self, offset: usize, size: usize, flags: u32) -> Result<Region, Error> {
        let call = Call {
            offset: offset as u64,
            size: size as u64,
            flags,
            ..Call::default()
        };
        let made = self.call(sys::MDL_MAP, call)?;
        self.device.show(made, size, flags, Page::Committed)
    }
}

impl Drop for Mdl {
    fn drop(&mut self) {
        let _ = self.call(sys::CLOSE, Call::default());
    }
}
