// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/rsbac_mem/pmalloc/`: figures of all pools, and a directory for each.

use super::{
    audit::Audit,
    live,
    pool::{
        Hot,
        Pool, //
    },
    stats::STATS, //
};
use crate::sysfs::{
    Attr,
    Attributes, //
};
use kernel::{
    fmt::{
        self,
        Write, //
    },
    str::Formatter,
    sync::{
        atomic::ordering::Relaxed,
        Arc, //
    }, //
};

/// What the directory of the discipline shows.
pub(crate) struct Totals;

static TOTALS: [Attr<Totals>; 7] = [
    Attr::ro(c"audit", |_, out| Audit::new().show(out, live::write_name)),
    Attr::ro(c"pools", |_, out| writeln!(out, "{}", live::count())),
    Attr::ro(c"reserved", |_, out| {
        writeln!(out, "{}", STATS.reserved.load(Relaxed))
    }),
    Attr::ro(c"splits", |_, out| {
        writeln!(out, "{}", STATS.splits.load(Relaxed))
    }),
    Attr::ro(c"flushes", |_, out| {
        writeln!(out, "{}", STATS.flushes.load(Relaxed))
    }),
    Attr::ro(c"writes", |_, out| {
        writeln!(out, "{}", STATS.writes.load(Relaxed))
    }),
    Attr::ro(c"refused", |_, out| {
        writeln!(out, "{}", STATS.refused.load(Relaxed))
    }),
];

impl Attributes for Totals {
    fn attributes() -> &'static [Attr<Self>] {
        &TOTALS
    }
}

/// What the directory of a pool shows.
pub(crate) struct Figures {
    pub(crate) pool: &'static Pool,
    pub(crate) hot: Arc<Hot>,
    pub(crate) full_protection: bool,
}

impl Figures {
    fn state(&self) -> &'static str {
        // Areas only go with the lock held.
        let _cursor = self.hot.cursor.lock();
        if self.pool.is_open() {
            "open"
        } else {
            "sealed"
        }
    }

    fn protection(&self) -> &'static str {
        if self.full_protection {
            "full"
        } else {
            "area"
        }
    }

    fn mode(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mode = self.pool.mode();
        out.write_str(mode.kind.name())?;
        for (set, name) in [
            (mode.is_freeable(), "freeable"),
            (mode.is_verified(), "verified"),
            (mode.has_cookies(), "cookie"),
        ] {
            if set {
                write!(out, " {name}")?;
            }
        }
        writeln!(out)
    }
}

static FIGURES: [Attr<Figures>; 12] = [
    Attr::ro(c"mode", |f, out| f.mode(out)),
    Attr::ro(c"state", |f, out| writeln!(out, "{}", f.state())),
    Attr::ro(c"protection", |f, out| writeln!(out, "{}", f.protection())),
    Attr::ro(c"areas", |f, out| {
        writeln!(out, "{}", f.hot.cursor.lock().areas)
    }),
    Attr::ro(c"bytes", |f, out| {
        writeln!(out, "{}", f.hot.cursor.lock().bytes)
    }),
    Attr::ro(c"used", |f, out| {
        writeln!(out, "{}", f.hot.cursor.lock().used)
    }),
    Attr::ro(c"wasted", |f, out| {
        writeln!(out, "{}", f.hot.cursor.lock().wasted)
    }),
    Attr::ro(c"peak", |f, out| {
        writeln!(out, "{}", f.hot.cursor.lock().peak)
    }),
    Attr::ro(c"cap", |f, out| match f.pool.cap.get() {
        usize::MAX => writeln!(out, "none"),
        cap => writeln!(out, "{cap}"),
    }),
    Attr::ro(c"failcnt", |f, out| {
        writeln!(out, "{}", f.hot.cursor.lock().failed)
    }),
    Attr::ro(c"writes", |f, out| {
        writeln!(out, "{}", f.hot.writing.writes())
    }),
    Attr::root_only(c"ledger", |f, out| f.hot.writing.show(out)),
];

impl Attributes for Figures {
    fn attributes() -> &'static [Attr<Self>] {
        &FIGURES
    }
}
