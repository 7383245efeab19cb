// SPDX-License-Identifier: GPL-2.0

//! A group as a safe handle, and the text that its files show and take.

use super::ffi;
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    fmt::{
        self,
        Write, //
    },
    prelude::*,
    str::{
        CString,
        Formatter, //
    }, //
};

/// Where cgroup v2 is mounted; people paste paths with it.
const MOUNT: &[u8] = b"/sys/fs/cgroup";

/// A group that the engine knows.
///
/// # Invariants
///
/// The pointer is to the engine's root, or to a group from `kmc_group_new` that this owns.
pub(crate) struct Group(*const ffi::Group);

// SAFETY: The engine's calls may be made from any task, by several at a time.
unsafe impl Send for Group {}
// SAFETY: As above.
unsafe impl Sync for Group {}

impl Group {
    /// The group of everyone who is in no other.
    pub(crate) fn root() -> Self {
        // INVARIANT: This is the root.
        Self(&raw const ffi::kmc_root)
    }

    fn is_root(&self) -> bool {
        core::ptr::eq(self.0, &raw const ffi::kmc_root)
    }

    /// Makes a group below this one. May sleep.
    pub(crate) fn child(&self, name: &CStr) -> Result<Self> {
        // SAFETY: By the type invariant; `name` ends with a NUL. Directories of configfs keep
        // those above them, so the parent outlives the child.
        let group = unsafe { ffi::kmc_group_new(self.0, name.as_char_ptr()) };
        // INVARIANT: It is a new group, and ours.
        Ok(Self(from_err_ptr(group)?))
    }

    /// Takes the group out of use; its tasks and charges go to the parent. May sleep.
    pub(crate) fn remove(&self) {
        // SAFETY: By the type invariant. configfs removes directories without subdirectories
        // only, once, and never the root.
        unsafe { ffi::kmc_group_remove(self.0) };
    }

    /// Has the readers of the sysfs file `kn` notified of refusals; takes its reference over.
    ///
    /// # Safety
    ///
    /// `kn` is NULL, or a file with a reference that the caller gives up.
    pub(crate) unsafe fn watch(&self, kn: *mut bindings::kernfs_node) {
        // SAFETY: By the type invariant and the contract of this function.
        unsafe { ffi::kmc_group_watch(self.0, kn) };
    }

    fn figures(&self) -> ffi::Figures {
        let mut figures = ffi::Figures::default();
        // SAFETY: By the type invariant; `figures` may be written.
        unsafe { ffi::kmc_group_figures(self.0, &mut figures) };
        figures
    }

    pub(crate) fn show_current(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", self.figures().current))
    }

    pub(crate) fn show_max(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.figures().max {
            ffi::NO_MAX => out.write_str("max\n"),
            max => out.write_fmt(fmt!("{max}\n")),
        }
    }

    /// As the memory controller of cgroup v1 said "no limit": the largest number of whole pages.
    pub(crate) fn show_limit(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", self.figures().max & !0xfff))
    }

    pub(crate) fn show_peak(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", self.figures().peak))
    }

    pub(crate) fn show_failcnt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_fmt(fmt!("{}\n", self.figures().failed))
    }

    pub(crate) fn show_events(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let figures = self.figures();
        out.write_fmt(fmt!("max {}\nfailed {}\n", figures.hits, figures.refused))
    }

    /// Writes text of the engine to `page`.
    fn engine_text(
        page: &mut [u8],
        text: impl FnOnce(*mut c_char, usize) -> isize,
    ) -> Result<usize> {
        let len = text(page.as_mut_ptr().cast(), page.len());
        usize::try_from(len).map_err(|_| Error::from_errno(len as c_int))
    }

    pub(crate) fn show_caches(&self, page: &mut [u8]) -> Result<usize> {
        // SAFETY: By the type invariant; the buffer is valid for writes of its length.
        Self::engine_text(page, |buf, len| unsafe {
            ffi::kmc_group_caches(self.0, buf, len)
        })
    }

    pub(crate) fn show_cgroup(&self, page: &mut [u8]) -> Result<usize> {
        // SAFETY: As above.
        Self::engine_text(page, |buf, len| unsafe {
            ffi::kmc_group_attached(self.0, buf, len)
        })
    }

    pub(crate) fn show_pids(&self, page: &mut [u8]) -> Result<usize> {
        // SAFETY: As above.
        Self::engine_text(page, |buf, len| unsafe {
            ffi::kmc_pid_list(self.0, buf, len)
        })
    }

    /// Takes a new maximum, as `memory.max` would; `none` is the word for no maximum.
    pub(crate) fn store_max(&self, text: &[u8], none: &CStr) -> Result {
        let text = word(text)?;
        // SAFETY: By the type invariant; both are strings.
        to_result(unsafe { ffi::kmc_group_set_max(self.0, text.as_char_ptr(), none.as_char_ptr()) })
    }

    pub(crate) fn reset_peak(&self) {
        // SAFETY: By the type invariant.
        unsafe { ffi::kmc_group_reset(self.0, true) };
    }

    pub(crate) fn reset_failcnt(&self) {
        // SAFETY: By the type invariant.
        unsafe { ffi::kmc_group_reset(self.0, false) };
    }

    /// Attaches the cgroup whose path is given, or none. May sleep.
    pub(crate) fn store_cgroup(&self, text: &[u8]) -> Result {
        let text = text.trim_ascii();
        let path = match text.strip_prefix(MOUNT) {
            Some(b"") => b"/",
            Some(rest) if rest.starts_with(b"/") => rest,
            _ => text,
        };
        if !path.is_empty() && !path.starts_with(b"/") {
            return Err(EINVAL);
        }
        let path = word(path)?;
        // SAFETY: By the type invariant; the path is a string.
        to_result(unsafe { ffi::kmc_group_attach(self.0, path.as_char_ptr()) })
    }

    /// Puts a process, by its number, into the group. May sleep.
    pub(crate) fn store_pids(&self, text: &[u8]) -> Result {
        let text = core::str::from_utf8(text.trim_ascii()).map_err(|_| EINVAL)?;
        let pid: c_int = text.parse().map_err(|_| EINVAL)?;
        if pid < 0 {
            return Err(EINVAL);
        }
        // SAFETY: By the type invariant; any number may be asked for.
        to_result(unsafe { ffi::kmc_pid_attach(self.0, pid) })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_root() {
            // SAFETY: By the type invariant this is ours, and nobody looks at it any more.
            unsafe { ffi::kmc_group_put(self.0) };
        }
    }
}

/// What was written, without surrounding blanks, as a string of C.
fn word(text: &[u8]) -> Result<CString> {
    let text = core::str::from_utf8(text.trim_ascii()).map_err(|_| EINVAL)?;
    CString::try_from_fmt(fmt!("{text}"))
}
