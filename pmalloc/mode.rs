// SPDX-License-Identifier: GPL-2.0

//! What a pool is created for: `PMALLOC_MODE_*` of the public header.

/// When memory of a pool becomes read-only, and whether it can be written after that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ro,
    Wr,
    AutoRo,
    AutoWr,
    StartWr,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Ro,
        Self::Wr,
        Self::AutoRo,
        Self::AutoWr,
        Self::StartWr,
    ];

    pub(crate) fn is_write_rare(self) -> bool {
        matches!(self, Self::Wr | Self::AutoWr | Self::StartWr)
    }

    /// Whether areas are protected as they fill.
    pub(crate) fn is_auto(self) -> bool {
        matches!(self, Self::AutoRo | Self::AutoWr)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ro => "ro",
            Self::Wr => "wr",
            Self::AutoRo => "auto_ro",
            Self::AutoWr => "auto_wr",
            Self::StartWr => "start_wr",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) kind: Kind,
    flags: usize,
}

impl Mode {
    const KIND: usize = 0x0f;
    const FREEABLE: usize = 0x10;
    const VERIFIED: usize = 0x20;
    const COOKIE: usize = 0x40;

    /// What a caller asks for; `None` if there is no such mode.
    pub(crate) fn new(mode: u8) -> Option<Self> {
        let mode = usize::from(mode);
        let flags = mode & !Self::KIND;
        let kind = *Kind::ALL.get(mode & Self::KIND)?;
        (flags & !(Self::FREEABLE | Self::VERIFIED | Self::COOKIE) == 0)
            .then_some(Self { kind, flags })
    }

    #[inline(always)]
    pub(crate) fn from_word(word: usize) -> Self {
        let kind = Kind::ALL
            .get(word & Self::KIND)
            .copied()
            .unwrap_or(Kind::Ro);
        Self {
            kind,
            flags: word & !Self::KIND,
        }
    }

    pub(crate) fn to_word(self) -> usize {
        self.kind as usize | self.flags
    }

    /// The same, but that nothing can be written once it is sealed.
    pub(crate) fn without_write_rare(self) -> Self {
        let kind = if self.kind.is_auto() {
            Kind::AutoRo
        } else {
            Kind::Ro
        };
        Self { kind, ..self }
    }

    /// Whether single objects can be freed.
    pub(crate) fn is_freeable(self) -> bool {
        self.flags & Self::FREEABLE != 0
    }

    /// Whether digests are kept of sealed areas.
    pub(crate) fn is_verified(self) -> bool {
        self.flags & Self::VERIFIED != 0
    }

    /// Whether write-rare calls must present a cookie.
    pub(crate) fn has_cookies(self) -> bool {
        self.flags & Self::COOKIE != 0
    }

    /// Whether objects have headers.
    #[inline(always)]
    pub(crate) fn has_headers(self) -> bool {
        self.flags & (Self::FREEABLE | Self::COOKIE) != 0
    }
}
