// SPDX-License-Identifier: GPL-2.0

//! Uses what the crate has, and stops where it does not do what it says.

use kn_vmm::{flags, Device, Error, PAGE};
use std::os::fd::AsFd;

fn main() -> Result<(), Error> {
    let device = Device::open()?;
    let rw = flags::READ | flags::WRITE;

    let mut region = device.reserve(1 << 30, rw | flags::LOW_GUARD)?;
    assert!(region.bytes(0, 1).is_err());
    region.commit(0, 1 << 20, false)?;
    region.commit(1 << 20, PAGE, true)?;
    region.bytes_mut(0, 5)?.copy_from_slice(b"hello");
    assert_eq!(region.bytes(0, 6)?, b"hello\0");
    region.protect(0, PAGE, flags::READ)?;
    assert!(region.bytes_mut(0, 1).is_err());
    assert_eq!(region.bytes(0, 5)?, b"hello");
    region.decommit(PAGE, PAGE)?;
    assert!(region.bytes(PAGE, 1).is_err());

    let buffer = device.buffer(2 * PAGE, rw)?;
    let file = buffer.narrow(flags::READ)?.to_fd(flags::READ)?;
    let reader = device.buffer_from(file.as_fd())?;
    assert_eq!(reader.size()?, 2 * PAGE);
    assert!(matches!(reader.map(0, PAGE, rw), Err(Error::Refused(-14))));
    let (writer, view) = (buffer.map(0, PAGE, rw)?, reader.map(0, PAGE, flags::READ)?);
    // SAFETY: Both are mapped, as long as this is, and nobody else uses them.
    unsafe {
        writer.base().write_volatile(42);
        assert_eq!(view.base().read_volatile(), 42);
    }
    println!("ok");
    Ok(())
}
