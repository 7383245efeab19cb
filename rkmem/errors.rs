// SPDX-License-Identifier: GPL-2.0

//! Wrong calls: counted by kind, and named in the log once for each place that makes them.

use crate::{
    caller::Caller,
    sysfs::{
        Attr,
        Attributes,
        Dir,
        Root, //
    }, //
};
use kernel::{
    fmt::{
        self,
        Write, //
    },
    prelude::*,
    str::Formatter,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// What a caller did wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Freed memory that is not ours, or not the start of an object.
    Free,
    /// Freed an object that was free.
    Double,
    /// Did not know which memory it got from `rsbac_vkmalloc`.
    Flag,
    /// Named the wrong slab, or something that is no slab of ours.
    Slab,
    /// Destroyed a slab that has objects.
    Busy,
}

const KINDS: usize = 5;

static COUNTS: [Atomic<u64>; KINDS] = [const { Atomic::new(0) }; KINDS];

/// Places that are named; wrong calls from further ones are counted only.
const NAMED: usize = 128;

/// The places that were named.
static NAMED_PLACES: [Atomic<usize>; NAMED] = [const { Atomic::new(0) }; NAMED];

impl Wrong {
    /// Counts a wrong call and, the first time that it comes from this place, logs `what` with the
    /// caller's address. Does not sleep.
    #[cold]
    pub(crate) fn report(self, what: fmt::Arguments<'_>) {
        COUNTS[self as usize].fetch_add(1, Relaxed);
        let caller = Caller::find();
        // One place can be wrong in several ways: the kind goes into the unused top bits.
        if first_time(caller.to_entry() ^ (self as usize) << 56) {
            pr_warn!("{} (called from {})\n", what, caller);
        }
    }

    /// What to say of an object for which this was found.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Double => "is a free object",
            _ => "is not the start of an object",
        }
    }

    fn show(self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", COUNTS[self as usize].load(Relaxed)))
    }
}

/// Whether `place` was not named yet; it is from now on.
fn first_time(place: usize) -> bool {
    for slot in &NAMED_PLACES {
        match slot.cmpxchg(0, place, Relaxed) {
            Ok(_) => return true,
            Err(other) if other == place => return false,
            Err(_) => {}
        }
    }
    false
}

static ATTRS: [Attr<Table>; KINDS] = [
    Attr::ro(c"wrong_free", |_, out| Wrong::Free.show(out)),
    Attr::ro(c"double_free", |_, out| Wrong::Double.show(out)),
    Attr::ro(c"wrong_flag", |_, out| Wrong::Flag.show(out)),
    Attr::ro(c"wrong_slab", |_, out| Wrong::Slab.show(out)),
    Attr::ro(c"busy_slab", |_, out| Wrong::Busy.show(out)),
];

/// The counts are static, since all calls report.
pub(crate) struct Table;

impl Attributes for Table {
    fn attributes() -> &'static [Attr<Self>] {
        &ATTRS
    }
}

/// `/sys/kernel/rsbac_mem/errors`.
pub(super) struct Errors {
    _dir: Dir<Table>,
}

impl Errors {
    pub(super) fn new(root: &Root) -> Result<Self> {
        Ok(Self {
            _dir: Dir::new(root, c"errors", Table)?,
        })
    }
}
