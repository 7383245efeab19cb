// SPDX-License-Identifier: GPL-2.0

//! The flags of `include/vmm/flags.h`, taken apart.

use super::error::{
    Error,
    Result, //
};
use kernel::sync::atomic::{
    ordering::Relaxed,
    Atomic, //
};

const RESERVE: u32 = 0x1;
const COMMIT: u32 = 0x2;
const LOCKED: u32 = 0x4;
const LOW_GUARD: u32 = 0x10;
const HIGH_GUARD: u32 = 0x20;
const GROW_DOWN: u32 = 0x40;
const READ: u32 = 0x100;
const WRITE: u32 = 0x200;
const EXECUTE: u32 = 0x400;
const RWX: u32 = READ | WRITE | EXECUTE;
const WRITE_BACK: u32 = 0x1000;
const WRITE_THROUGH: u32 = 0x2000;
const WRITE_COMBINE: u32 = 0x4000;
const CACHE_DISABLE: u32 = 0x8000;
const CACHE: u32 = 0xf000;
const GUARDS: u32 = LOW_GUARD | HIGH_GUARD;

/// Whether memory that is writable and executable at once is refused; the parameter `deny_wx`.
static DENY_WX: Atomic<bool> = Atomic::new(false);

/// How often memory that is writable and executable at once was asked for and given.
static WX_GIVEN: Atomic<u64> = Atomic::new(0);

/// Sets the module parameter. Before anyone can call.
pub(super) fn set_deny_wx(deny: bool) {
    DENY_WX.store(deny, Relaxed);
}

/// Whether writable and executable memory is refused.
pub(super) fn deny_wx() -> bool {
    DENY_WX.load(Relaxed)
}

/// How often writable and executable memory was given.
pub(super) fn wx_given() -> u64 {
    WX_GIVEN.load(Relaxed)
}

/// What may be done with a page. All of them can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Prot {
    pub(crate) write: bool,
    pub(crate) exec: bool,
}

impl Prot {
    pub(crate) const ALL: Self = Self {
        write: true,
        exec: true,
    };
    pub(crate) const READ_WRITE: Self = Self {
        write: true,
        exec: false,
    };

    /// Takes the protection out of `flags`; what else is in there is not looked at.
    fn from_flags(flags: u32) -> Result<Self> {
        if flags & READ == 0 {
            return Err(Error::InvalidProtection);
        }
        Ok(Self {
            write: flags & WRITE != 0,
            exec: flags & EXECUTE != 0,
        })
    }

    /// As [`Self::from_flags`], and asks the policy about writable and executable memory.
    fn allowed(flags: u32) -> Result<Self> {
        allow(Self::from_flags(flags)?)
    }

    /// The flags of the header.
    pub(crate) fn to_flags(self) -> u32 {
        READ | if self.write { WRITE } else { 0 } | if self.exec { EXECUTE } else { 0 }
    }

    /// Whether `self` allows no more than `other`.
    pub(crate) fn within(self, other: Self) -> bool {
        self.write <= other.write && self.exec <= other.exec
    }
}

/// Asks the policy about writable and executable memory, and counts what it lets through.
pub(super) fn allow(prot: Prot) -> Result<Prot> {
    if prot.write && prot.exec {
        if deny_wx() {
            return Err(Error::Denied);
        }
        if WX_GIVEN.fetch_add(1, Relaxed) == 0 {
            kernel::prelude::pr_warn!(
                "memory that is writable and executable was asked for; deny_wx=1 refuses it (called from {})\n",
                crate::caller::Caller::find()
            );
        }
    }
    Ok(prot)
}

/// How the processor caches a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Cache {
    WriteBack = 0,
    WriteThrough = 1,
    WriteCombine = 2,
    Disable = 3,
}

impl Cache {
    fn from_flags(flags: u32) -> Result<Self> {
        match flags & CACHE {
            0 | WRITE_BACK => Ok(Self::WriteBack),
            WRITE_THROUGH => Ok(Self::WriteThrough),
            WRITE_COMBINE => Ok(Self::WriteCombine),
            CACHE_DISABLE => Ok(Self::Disable),
            _ => Err(Error::InvalidFlags),
        }
    }

    fn to_flags(self) -> u32 {
        match self {
            Self::WriteBack => WRITE_BACK,
            Self::WriteThrough => WRITE_THROUGH,
            Self::WriteCombine => WRITE_COMBINE,
            Self::Disable => CACHE_DISABLE,
        }
    }
}

/// What a region looks like as long as it lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub(crate) low_guard: bool,
    pub(crate) high_guard: bool,
    pub(crate) grow_down: bool,
    pub(crate) cache: Cache,
}

impl Shape {
    /// No guards, cached as usual.
    pub(crate) const PLAIN: Self = Self {
        low_guard: false,
        high_guard: false,
        grow_down: false,
        cache: Cache::WriteBack,
    };

    fn from_flags(flags: u32) -> Result<Self> {
        Ok(Self {
            low_guard: flags & LOW_GUARD != 0,
            high_guard: flags & HIGH_GUARD != 0,
            grow_down: flags & GROW_DOWN != 0,
            cache: Cache::from_flags(flags)?,
        })
    }

    /// Guard pages below and above.
    pub(crate) fn guards(self) -> (usize, usize) {
        (usize::from(self.low_guard), usize::from(self.high_guard))
    }

    /// The flags of the header.
    pub(crate) fn to_flags(self) -> u32 {
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        bit(self.low_guard, LOW_GUARD)
            | bit(self.high_guard, HIGH_GUARD)
            | bit(self.grow_down, GROW_DOWN)
            | self.cache.to_flags()
    }
}

/// The flags of `KnVmAllocate()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Allocate {
    pub(crate) shape: Shape,
    pub(crate) prot: Prot,
    pub(crate) commit: bool,
    pub(crate) locked: bool,
}

impl Allocate {
    pub(crate) fn parse(flags: u32) -> Result<Self> {
        let known = RESERVE | COMMIT | LOCKED | GUARDS | GROW_DOWN | RWX | CACHE;
        let (commit, locked) = (flags & COMMIT != 0, flags & LOCKED != 0);
        if flags & !known != 0 || flags & RESERVE == 0 || (locked && !commit) {
            return Err(Error::InvalidFlags);
        }
        Ok(Self {
            shape: Shape::from_flags(flags)?,
            prot: Prot::allowed(flags)?,
            commit,
            locked,
        })
    }
}

/// The flags of `KnVmCommit()`: whether the pages are locked, and a new protection if given.
pub(crate) fn parse_commit(flags: u32) -> Result<(bool, Option<Prot>)> {
    if flags & !(COMMIT | LOCKED | RWX) != 0 {
        return Err(Error::InvalidFlags);
    }
    let prot = if flags & RWX != 0 {
        Some(Prot::allowed(flags)?)
    } else {
        None
    };
    Ok((flags & LOCKED != 0, prot))
}

/// The flags of `KnVmProtect()` and of an MDL buffer: a protection and nothing else.
pub(crate) fn parse_prot(flags: u32) -> Result<Prot> {
    if flags & !RWX != 0 {
        return Err(Error::InvalidFlags);
    }
    Prot::allowed(flags)
}

/// The flags of `KnPmmMdlMap()`: a protection and, perhaps, guards.
pub(crate) fn parse_map(flags: u32) -> Result<(Prot, Shape)> {
    if flags & !(RWX | GUARDS) != 0 {
        return Err(Error::InvalidFlags);
    }
    Ok((Prot::allowed(flags)?, Shape::from_flags(flags)?))
}
