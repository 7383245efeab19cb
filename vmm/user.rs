// SPDX-License-Identifier: GPL-2.0

//! Regions for programs: the device `/dev/kn_vmm`.
//!
//! A program asks for a region by ioctl, maps it with `mmap()` at the offset that it was told,
//! changes protections with `mprotect()`, and gives it back with `munmap()`; the kernel's own
//! books of the address space stay right that way. `include/uapi/kn_vmm.h` has the details,
//! `include/kn_vmm_user.h` the calls as KasperskyOS has them.
//!
//! Lock order: the process's mmap lock, then the lock of a [`region::Region`]. Nothing is copied
//! from or to the process with a region's lock held.

mod region;
mod space;
mod vma;

use self::space::Space;
use super::error::{
    Error,
    Result, //
};
use kernel::{
    fs::File,
    ioctl::{
        _IOC_SIZE,
        _IOWR, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    mm::virt::VmaNew,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    transmute::{
        AsBytes,
        FromBytes, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// The registered device; programs that have it open keep the module loaded.
#[pin_data]
pub(super) struct Device {
    #[pin]
    registration: MiscDeviceRegistration<Space>,
}

impl Device {
    pub(super) fn new() -> impl PinInit<Self, kernel::error::Error> {
        try_pin_init!(Self {
            registration <- MiscDeviceRegistration::register(MiscDeviceOptions {
                name: c"kn_vmm",
            }),
        })
    }
}

/// `struct kn_vmm_call`: what all calls but one take and give.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) addr: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    pub(super) flags: u32,
    pub(super) handle: u32,
}

// SAFETY: Any bits are valid for these fields, and there is no padding.
unsafe impl FromBytes for Call {}
// SAFETY: There is no padding.
unsafe impl AsBytes for Call {}

/// `struct kn_vmm_info`: the answer to a query.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Info {
    pub(super) addr: u64,
    pub(super) base: u64,
    pub(super) size: u64,
    pub(super) run_base: u64,
    pub(super) run_size: u64,
    pub(super) flags: u32,
    pub(super) state: u32,
    pub(super) protection: u32,
    pub(super) locked: u32,
}

// SAFETY: Any bits are valid for these fields, and there is no padding.
unsafe impl FromBytes for Info {}
// SAFETY: There is no padding.
unsafe impl AsBytes for Info {}

const MAGIC: u32 = 0xcb;
const ALLOCATE: u32 = _IOWR::<Call>(MAGIC, 1);
const COMMIT: u32 = _IOWR::<Call>(MAGIC, 2);
const DECOMMIT: u32 = _IOWR::<Call>(MAGIC, 3);
const QUERY: u32 = _IOWR::<Info>(MAGIC, 4);
const CANCEL: u32 = _IOWR::<Call>(MAGIC, 5);
const MDL_CREATE: u32 = _IOWR::<Call>(MAGIC, 6);
const MDL_FROM_BUF: u32 = _IOWR::<Call>(MAGIC, 7);
const MDL_FROM_VM: u32 = _IOWR::<Call>(MAGIC, 8);
const MDL_MAP: u32 = _IOWR::<Call>(MAGIC, 9);
const MDL_CLONE: u32 = _IOWR::<Call>(MAGIC, 10);
const MDL_SIZE: u32 = _IOWR::<Call>(MAGIC, 11);
const CLOSE: u32 = _IOWR::<Call>(MAGIC, 12);
const MDL_TO_FD: u32 = _IOWR::<Call>(MAGIC, 13);
const MDL_FROM_FD: u32 = _IOWR::<Call>(MAGIC, 14);

/// One call, with its arguments; changes those that the caller gets back.
fn serve(space: &Space, cmd: u32, call: &mut Call) -> Result {
    let [addr, size, offset] = [call.addr, call.size, call.offset].map(|word| word as usize);
    match cmd {
        ALLOCATE => space.allocate(size, call.flags).map(|made| made.tell(call)),
        COMMIT => space.commit(addr, size, call.flags),
        DECOMMIT => space.decommit(addr, size),
        CANCEL => space.cancel(offset),
        MDL_CREATE => space.mdl_create(size, call.flags).map(|h| call.handle = h),
        MDL_FROM_BUF => space
            .mdl_from_data(addr, size, call.flags)
            .map(|h| call.handle = h),
        MDL_FROM_VM => space
            .mdl_from_region(addr, size, call.flags)
            .map(|h| call.handle = h),
        MDL_MAP => space
            .mdl_map(call.handle, offset, size, call.flags)
            .map(|made| made.tell(call)),
        MDL_CLONE => space
            .mdl_clone(call.handle, call.flags)
            .map(|h| call.handle = h),
        MDL_SIZE => space
            .mdl_size(call.handle)
            .map(|size| call.size = size as u64),
        CLOSE => space.close(call.handle),
        MDL_TO_FD => space
            .mdl_to_fd(call.handle, call.flags)
            .map(|fd| call.handle = fd),
        MDL_FROM_FD => space.mdl_from_fd(call.handle).map(|h| call.handle = h),
        _ => Err(Error::NotSupported),
    }
}

/// What an ioctl returns: 0, or the code of the header as a positive number.
fn answer(result: Result) -> isize {
    result.map_or_else(|error| -error.to_retcode() as isize, |()| 0)
}

#[vtable]
impl MiscDevice for Space {
    type Ptr = Arc<Self>;

    fn open(file: &File, _misc: &MiscDeviceRegistration<Self>) -> kernel::error::Result<Arc<Self>> {
        Space::new(file)
    }

    fn mmap(space: ArcBorrow<'_, Self>, _file: &File, vma: &VmaNew) -> kernel::error::Result {
        space.map(vma)
    }

    fn ioctl(
        space: ArcBorrow<'_, Self>,
        _file: &File,
        cmd: u32,
        arg: usize,
    ) -> kernel::error::Result<isize> {
        if !space.is_mine() {
            return Ok(answer(Err(Error::NoDevice)));
        }
        let user = || UserSlice::new(UserPtr::from_addr(arg), _IOC_SIZE(cmd));
        if cmd == QUERY {
            let mut info = user().reader().read::<Info>()?;
            let found = space.query(&mut info);
            user().writer().write(&info)?;
            return Ok(answer(found));
        }
        if !(ALLOCATE..=MDL_FROM_FD).contains(&cmd) {
            return Err(ENOTTY);
        }
        let mut call = user().reader().read::<Call>()?;
        let served = serve(&space, cmd, &mut call);
        if served.is_ok() {
            // A program whose memory cannot be written any more loses what it was given when the
            // file is closed; nothing of it is visible to others.
            user().writer().write(&call)?;
        }
        Ok(answer(served))
    }
}
