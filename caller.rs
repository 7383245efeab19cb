// SPDX-License-Identifier: GPL-2.0

//! Whose call this is: the first return address on the stack that is not ours.
//!
//! Walking the stack takes thousands of instructions, so it is done where something went wrong
//! (and for each allocation under `track=1`), and the calls that go well pay nothing for it.

use crate::ffi;
use kernel::{
    bindings,
    fmt,
    prelude::*, //
};

/// Return addresses that are looked at. Ours take up a handful.
const DEPTH: usize = 16;

/// The address of a call into this module; prints as `function+0x10/0x80 [module]`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller(usize);

impl Caller {
    /// Finds the caller of the exported function that is being served. Does not sleep.
    pub(crate) fn find() -> Self {
        let mut trace: [c_ulong; DEPTH] = [0; DEPTH];
        // SAFETY: `trace` is valid for writes of `DEPTH` addresses.
        let len = unsafe { bindings::stack_trace_save(trace.as_mut_ptr(), DEPTH as c_uint, 0) };
        trace[..len as usize]
            .iter()
            // SAFETY: Any address may be asked about.
            .find(|&&addr| !unsafe { ffi::rsbac_mem_helper_is_ours(addr) })
            .map_or(Self(0), |&addr| Self(addr))
    }

    /// The address as a number that fits an XArray value entry, which has 63 bits.
    pub(crate) fn to_entry(self) -> usize {
        self.0 & (isize::MAX as usize)
    }

    /// The inverse of [`Self::to_entry`]: kernel text is in the upper half.
    pub(crate) fn from_entry(entry: usize) -> Self {
        Self(entry | (1 << (usize::BITS - 1)))
    }
}

/// A pointer as the kernel prints it in logs: hashed, unless booted with `no_hash_pointers`.
pub(crate) struct Hashed(pub(crate) *const c_void);

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, c"%pS", self.0 as *const c_void)
    }
}

impl fmt::Display for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, c"%p", self.0)
    }
}

/// Prints `pointer` through the one conversion in `format`, which does not read through it.
fn print(f: &mut fmt::Formatter<'_>, format: &'static CStr, pointer: *const c_void) -> fmt::Result {
    let mut buf = [0u8; 128];
    // SAFETY: `buf` is valid for writes of the length given, and `format` has one conversion,
    // which takes a pointer and does not dereference it.
    let len =
        unsafe { bindings::scnprintf(buf.as_mut_ptr(), buf.len(), format.as_char_ptr(), pointer) };
    let text = buf.get(..len as usize).unwrap_or(&[]);
    f.write_str(core::str::from_utf8(text).unwrap_or("?"))
}

#[kunit_tests(rsbac_mem_caller)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_kernel_survive_an_entry() {
        let caller = Caller(0xffff_ffff_8123_4567);
        assert!(Caller::from_entry(caller.to_entry()) == caller);
    }

    #[test]
    fn the_caller_is_not_us() {
        // KUnit calls this.
        let Caller(addr) = Caller::find();
        assert!(addr != 0);
        // SAFETY: Any address may be asked about.
        assert!(!unsafe { ffi::rsbac_mem_helper_is_ours(addr) });
    }
}
