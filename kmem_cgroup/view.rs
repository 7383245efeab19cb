// SPDX-License-Identifier: GPL-2.0

//! The kernel's caches, and the file `cache_account` in the directory of each.
//!
//! A cache is known by its kobject, which sits inside of `struct kmem_cache` at an offset that a
//! cache of our own tells: we know its pointer, and sysfs knows its kobject.

use super::ffi;
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CString,
    sync::SetOnce, //
};

#[allow(
    clippy::needless_update,
    reason = "kernels with lockdep have more in an attribute"
)]
/// The file. It is the same for all caches, since sysfs says which one is meant.
static FILE: File = File(bindings::bin_attribute {
    attr: bindings::attribute {
        name: kernel::str::as_char_ptr_in_const_context(NAME),
        mode: 0o644,
        // SAFETY: All zeroes are valid for what lockdep adds on some kernels.
        ..unsafe { core::mem::MaybeUninit::zeroed().assume_init() }
    },
    read: Some(read),
    write: Some(write),
    // SAFETY: All zeroes, that is no other callbacks, are valid for the rest.
    ..unsafe { core::mem::MaybeUninit::zeroed().assume_init() }
});

const NAME: &CStr = c"cache_account";

/// Longer lists of names are cut.
const NAMES: usize = 1024;

struct File(bindings::bin_attribute);

// SAFETY: Nobody writes to it.
unsafe impl Sync for File {}

/// Where in `struct kmem_cache` the kobject is, in bytes.
static OFFSET: SetOnce<usize> = SetOnce::new();

kernel::sync::global_lock! {
    // SAFETY: Initialised by `View::new` before first use.
    unsafe(uninit) static FILES: Mutex<()> = ();
}

/// A cache, with a reference to its kobject.
///
/// # Invariants
///
/// The pointer is to the kobject of a cache, of which this holds a reference.
struct Cache(NonNull<bindings::kobject>);

impl Cache {
    /// The cache of this name, if there is one with a kobject of its own.
    fn find(name: &CStr) -> Option<Self> {
        // SAFETY: `View::new` has found the set; `name` is a string.
        let kobj = unsafe { ffi::kmc_kset_get(name.as_char_ptr()) };
        // INVARIANT: The search took a reference.
        NonNull::new(kobj).map(Self)
    }

    /// Runs `f` for each cache there is.
    fn for_each(mut f: impl FnMut(&Self)) {
        let mut next = core::ptr::null_mut();
        loop {
            // SAFETY: `next` is NULL or was returned before, and its reference is given up.
            next = unsafe { ffi::kmc_kset_next(next) };
            let Some(kobj) = NonNull::new(next) else {
                return;
            };
            // INVARIANT: The walk took a reference, which it wants back.
            let cache = core::mem::ManuallyDrop::new(Self(kobj));
            f(&cache);
        }
    }

    fn name(&self) -> &CStr {
        // SAFETY: By the type invariant; caches are never renamed.
        unsafe { CStr::from_char_ptr((*self.0.as_ptr()).name) }
    }

    /// The `struct kmem_cache` around it.
    fn as_ptr(&self) -> Option<*mut bindings::kmem_cache> {
        Some(self.0.as_ptr().wrapping_byte_sub(OFFSET.copy()?).cast())
    }

    fn object_size(&self) -> u32 {
        self.as_ptr().map_or(0, |cache| {
            // SAFETY: By the type invariant the cache is live.
            unsafe { bindings::kmem_cache_size(cache) }
        })
    }

    fn has_file(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { ffi::kmc_kset_has_file(self.0.as_ptr(), NAME.as_char_ptr()) }
    }

    /// Adds the file, unless it is there: caches that are merged share a directory.
    fn add_file(&self) {
        let _files = FILES.lock();
        if self.has_file() {
            return;
        }
        // SAFETY: By the type invariant; the attribute is static.
        let added = unsafe { bindings::sysfs_create_bin_file(self.0.as_ptr(), &FILE.0) };
        if let Err(err) = to_result(added) {
            pr_warn!("{}: no cache_account: {err:?}\n", self.name());
        }
    }

    fn remove_file(&self) {
        let _files = FILES.lock();
        if self.has_file() {
            // SAFETY: By the type invariant; the file is there.
            unsafe { bindings::sysfs_remove_bin_file(self.0.as_ptr(), &FILE.0) };
        }
    }

    /// The names of the caches that share this one, and how many they are.
    fn aliases<'a>(&self, buf: &'a mut [u8]) -> Result<(&'a str, usize)> {
        // SAFETY: By the type invariant; the buffer is valid for writes of its length.
        let count =
            unsafe { ffi::kmc_kset_aliases(self.0.as_ptr(), buf.as_mut_ptr().cast(), buf.len()) };
        to_result(count.min(0))?;
        let names = CStr::from_bytes_until_nul(buf).map_err(|_| EINVAL)?;
        Ok((names.to_str()?, count as usize))
    }

    /// Whether objects of this cache come from `kmalloc()`, whose callers have not asked for a
    /// cache: the kernel's own, and those of `kmem_buckets`, known by their ladder of sizes.
    fn is_kmalloc(&self) -> bool {
        let name = self.name().to_bytes();
        if [&b"kmalloc-"[..], b"dma-kmalloc-"]
            .iter()
            .any(|start| name.starts_with(start))
        {
            return true;
        }
        let Some(dash) = name.iter().rposition(|&c| c == b'-') else {
            return false;
        };
        let (stem, size) = (&name[..dash], &name[dash + 1..]);
        stem != b"rsbac" && is_size(size, self.object_size()) && {
            let Ok(stem) = core::str::from_utf8(stem) else {
                return false;
            };
            ["8", "4k", "8k"].iter().all(|size| {
                CString::try_from_fmt(fmt!("{stem}-{size}"))
                    .is_ok_and(|name| Self::find(&name).is_some())
            })
        }
    }

    fn mark(&self, memcg: bool) -> Result {
        if self.is_kmalloc() {
            return Err(EINVAL);
        }
        let mut buf = [0u8; NAMES];
        let own = self.name().to_str()?;
        let (names, count) = self.aliases(&mut buf).unwrap_or(("", 0));
        let name = match count {
            1 => names,
            _ => own,
        };
        if count > 1 {
            pr_info!("{own} is counted as a whole; it serves {names}\n");
        }
        let name = CString::try_from_fmt(fmt!("{name}"))?;
        let cache = self.as_ptr().ok_or(ENODEV)?;
        // SAFETY: By the type invariant cache and kobject are live, and stay so for the call; the
        // engine takes a reference of its own.
        to_result(unsafe {
            ffi::kmc_mark(
                cache,
                self.0.as_ptr(),
                name.as_char_ptr(),
                self.object_size(),
                memcg,
            )
        })
    }

    fn store(&self, text: &[u8]) -> Result {
        match text.trim_ascii() {
            b"1" => self.mark(false),
            b"memcg" => self.mark(true),
            b"0" => {
                let cache = self.as_ptr().ok_or(ENODEV)?;
                // SAFETY: By the type invariant.
                to_result(unsafe { ffi::kmc_unmark(cache) })
            }
            _ => Err(EINVAL),
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::kobject_put(self.0.as_ptr()) };
    }
}

/// Whether `text` is how kmalloc caches write `bytes`: 96, 512, 1k, 8k.
fn is_size(text: &[u8], bytes: u32) -> bool {
    let (digits, unit) = match text {
        [digits @ .., b'k'] => (digits, 1024),
        _ => (text, 1),
    };
    core::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse::<u32>().ok())
        .and_then(|number| number.checked_mul(unit))
        == Some(bytes)
}

/// # Safety
///
/// Called by sysfs: `kobj` is that of a cache, and `buf` is valid for writes of `len` bytes.
unsafe extern "C" fn read(
    _file: *mut bindings::file,
    kobj: *mut bindings::kobject,
    _attr: *const bindings::bin_attribute,
    buf: *mut c_char,
    off: bindings::loff_t,
    len: usize,
) -> isize {
    let Some(offset) = OFFSET.copy() else {
        return ENODEV.to_errno() as isize;
    };
    // SAFETY: Only the address is used.
    let text: &[u8] = match unsafe { ffi::kmc_marked(kobj.wrapping_byte_sub(offset).cast()) } {
        0 => b"0\n",
        1 => b"1\n",
        _ => b"memcg\n",
    };
    let rest = usize::try_from(off)
        .ok()
        .and_then(|off| text.get(off..))
        .unwrap_or(&[]);
    let rest = &rest[..rest.len().min(len)];
    // SAFETY: By the contract of this function, and `rest` is no longer than `len`.
    unsafe { core::ptr::copy_nonoverlapping(rest.as_ptr(), buf.cast(), rest.len()) };
    rest.len() as isize
}

/// # Safety
///
/// Called by sysfs: `kobj` is that of a cache, and `buf` is valid for reads of `len` bytes.
unsafe extern "C" fn write(
    _file: *mut bindings::file,
    kobj: *mut bindings::kobject,
    _attr: *const bindings::bin_attribute,
    buf: *mut c_char,
    off: bindings::loff_t,
    len: usize,
) -> isize {
    let Some(kobj) = NonNull::new(kobj).filter(|_| off == 0) else {
        return EINVAL.to_errno() as isize;
    };
    // SAFETY: By the contract of this function.
    let text = unsafe { core::slice::from_raw_parts(buf.cast::<u8>(), len) };
    // INVARIANT: sysfs holds the kobject during the call, so no reference is taken or given up.
    let cache = core::mem::ManuallyDrop::new(Cache(kobj));
    match cache.store(text) {
        Ok(()) => len as isize,
        Err(err) => err.to_errno() as isize,
    }
}

/// Called by the engine when a cache was created, maybe as another name of an older one.
#[no_mangle]
extern "C" fn kmc_cache_created(cache: *mut bindings::kmem_cache) {
    let Some(offset) = OFFSET.copy() else {
        return;
    };
    let kobj: *mut bindings::kobject = cache.wrapping_byte_add(offset).cast();
    // SAFETY: The kobject of a cache that was just created is live; it is its creator who may
    // destroy it again.
    let in_sysfs = unsafe { !(*kobj).sd.is_null() };
    if let Some(kobj) = NonNull::new(kobj).filter(|_| in_sysfs) {
        // INVARIANT: As above, so no reference is taken or given up.
        core::mem::ManuallyDrop::new(Cache(kobj)).add_file();
    }
}

/// The files; they go when this is dropped.
pub(super) struct View;

impl View {
    pub(super) fn new() -> Result<Self> {
        // SAFETY: Called once, here, before the lock is used.
        unsafe { FILES.init() };
        // SAFETY: May be called at any time.
        to_result(unsafe { ffi::kmc_kset_find() })?;
        OFFSET.populate(learn_offset()?);
        // From here on an error undoes what was done.
        let view = Self;
        // SAFETY: The engine runs.
        to_result(unsafe { ffi::kmc_watch_on() })?;
        Cache::for_each(Cache::add_file);
        Ok(view)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: The engine runs. No files are added after this.
        unsafe { ffi::kmc_watch_off() };
        Cache::for_each(Cache::remove_file);
    }
}

/// Compares a cache of our own with its kobject.
fn learn_offset() -> Result<usize> {
    const PROBE: &CStr = c"rsbac_mem_probe";
    let mut args = bindings::kmem_cache_args::default();
    // SAFETY: The name is static, and the size and flags are valid.
    let cache = unsafe {
        bindings::__kmem_cache_create_args(
            PROBE.as_char_ptr(),
            64,
            &mut args,
            1 << bindings::_slab_flag_bits__SLAB_NO_MERGE,
        )
    };
    if cache.is_null() {
        return Err(ENOMEM);
    }
    let offset = Cache::find(PROBE)
        .and_then(|found| (found.0.as_ptr() as usize).checked_sub(cache as usize))
        .filter(|&offset| offset > 0 && offset < 4096);
    // SAFETY: The cache is ours and has no objects.
    unsafe { bindings::kmem_cache_destroy(cache) };
    offset.ok_or(ENXIO)
}
