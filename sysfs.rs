// SPDX-License-Identifier: GPL-2.0

//! Directories below `/sys/kernel/rsbac_mem`, with files that show one value each.
//!
//! The `kernel` crate has no face for kobjects yet. A [`Dir`] owns a kobject together with the
//! data that its files show; dropping it removes the directory and waits for readers.
//!
//! ```ignore
//! struct Figures { /* … */ }
//! static ATTRS: [Attr<Figures>; 1] = [Attr::ro(c"objects", |f, out| writeln!(out, "{}", f.objects()))];
//! impl Attributes for Figures {
//!     fn attributes() -> &'static [Attr<Self>] { &ATTRS }
//! }
//! let dir = Dir::new(&parent, c"figures", figures)?;
//! ```

use core::{
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::Deref,
    ptr::NonNull,
    slice, //
};
use kernel::{
    bindings,
    error::to_result,
    fmt,
    page::PAGE_SIZE,
    prelude::*,
    str::Formatter,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque, //
};

/// Shows a value; what does not fit a page is an error.
type Show<T> = fn(&T, &mut Formatter<'_>) -> fmt::Result;
/// Takes what a user wrote, without a closing newline.
type Store<T> = fn(&T, &[u8]) -> Result;

/// One file of a directory.
#[repr(C)]
pub(crate) struct Attr<T: 'static> {
    // First, so that a pointer to it is a pointer to the whole.
    attr: Opaque<bindings::attribute>,
    show: Option<Show<T>>,
    store: Option<Store<T>>,
}

// SAFETY: `attr` is written by the C side alone (lockdep's key), under its own locks.
unsafe impl<T> Sync for Attr<T> {}

impl<T> Attr<T> {
    /// A file that everyone may read.
    pub(crate) const fn ro(name: &'static CStr, show: Show<T>) -> Self {
        Self::new(name, 0o444, Some(show), None)
    }

    /// A file that only root may read, since it tells addresses or the like.
    pub(crate) const fn root_only(name: &'static CStr, show: Show<T>) -> Self {
        Self::new(name, 0o400, Some(show), None)
    }

    const fn new(
        name: &'static CStr,
        mode: bindings::umode_t,
        show: Option<Show<T>>,
        store: Option<Store<T>>,
    ) -> Self {
        // SAFETY: `attribute` is a plain C struct, for which all zeroes are valid.
        let mut attr: bindings::attribute = unsafe { MaybeUninit::zeroed().assume_init() };
        attr.name = kernel::str::as_char_ptr_in_const_context(name);
        attr.mode = mode;
        Self {
            attr: Opaque::new(attr),
            show,
            store,
        }
    }
}

/// Data that a directory shows.
pub(crate) trait Attributes: Send + Sync + Sized + 'static {
    /// The files. They must stand in a `static`, since lockdep keeps keys in them.
    fn attributes() -> &'static [Attr<Self>];
}

/// Nodes whose memory the kernel has not given back yet.
static NODES: Atomic<usize> = Atomic::new(0);

/// A kobject with its data.
#[repr(C)]
struct Node<T: Attributes> {
    // First, so that a pointer to it is a pointer to the whole.
    kobj: Opaque<bindings::kobject>,
    /// Dropped by [`Dir`], as soon as no file can show it any more. The kernel may keep the node for
    /// longer, as with `CONFIG_DEBUG_KOBJECT_RELEASE`.
    data: ManuallyDrop<T>,
}

impl<T: Attributes> Node<T> {
    const OPS: bindings::sysfs_ops = bindings::sysfs_ops {
        show: Some(Self::show),
        store: Some(Self::store),
    };
    const TYPE: bindings::kobj_type = bindings::kobj_type {
        release: Some(Self::release),
        sysfs_ops: &Self::OPS,
        default_groups: core::ptr::null_mut(),
        child_ns_type: None,
        namespace: None,
        get_ownership: None,
    };

    /// # Safety
    ///
    /// Called by sysfs: `kobj` is that of a live `Node<T>`, `attr` one of `T::attributes()`, and
    /// `buf` is valid for writes of a page.
    unsafe extern "C" fn show(
        kobj: *mut bindings::kobject,
        attr: *mut bindings::attribute,
        buf: *mut c_char,
    ) -> isize {
        // SAFETY: By the contract of this function; both structs start with what is pointed to.
        let (node, attr) = unsafe { (&*kobj.cast::<Self>(), &*attr.cast::<Attr<T>>()) };
        // SAFETY: By the contract of this function; sysfs hands out zeroed pages.
        let buf = unsafe { slice::from_raw_parts_mut(buf.cast::<u8>(), PAGE_SIZE) };
        let mut out = Formatter::new(buf);
        let Some(show) = attr.show else {
            return EIO.to_errno() as isize;
        };
        match show(&node.data, &mut out) {
            Ok(()) => out.bytes_written() as isize,
            Err(fmt::Error) => EFBIG.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// Called by sysfs: as `show`, but `buf` is valid for reads of `len` bytes.
    unsafe extern "C" fn store(
        kobj: *mut bindings::kobject,
        attr: *mut bindings::attribute,
        buf: *const c_char,
        len: usize,
    ) -> isize {
        // SAFETY: By the contract of this function; both structs start with what is pointed to.
        let (node, attr) = unsafe { (&*kobj.cast::<Self>(), &*attr.cast::<Attr<T>>()) };
        // SAFETY: By the contract of this function.
        let text = unsafe { slice::from_raw_parts(buf.cast::<u8>(), len) };
        let Some(store) = attr.store else {
            return EIO.to_errno() as isize;
        };
        match store(&node.data, text.strip_suffix(b"\n").unwrap_or(text)) {
            Ok(()) => len as isize,
            Err(err) => err.to_errno() as isize,
        }
    }

    /// # Safety
    ///
    /// Called once, when the last reference to `kobj`, which is that of a `Node<T>`, is gone.
    unsafe extern "C" fn release(kobj: *mut bindings::kobject) {
        // SAFETY: `Dir::new` made the node with `KBox`, and nobody has a reference any more.
        drop(unsafe { KBox::from_raw(kobj.cast::<Self>()) });
        NODES.fetch_sub(1, Relaxed);
    }
}

/// Anything that directories can be made in.
pub(crate) trait Parent {
    /// The kobject of the directory; valid as long as `self`.
    fn kobj(&self) -> *mut bindings::kobject;
}

/// A directory that lives as long as this value.
///
/// # Invariants
///
/// The pointer is to a node whose kobject is registered and of which this holds a reference.
pub(crate) struct Dir<T: Attributes>(NonNull<Node<T>>, PhantomData<Node<T>>);

// SAFETY: Only shared access to `T` is given out, and `T` is `Send` and `Sync`.
unsafe impl<T: Attributes> Send for Dir<T> {}
// SAFETY: As above.
unsafe impl<T: Attributes> Sync for Dir<T> {}

// The node is in a box of its own.
impl<T: Attributes> Unpin for Dir<T> {}

impl<T: Attributes> Dir<T> {
    /// Makes the directory `name` with all its files. May sleep.
    pub(crate) fn new(parent: &impl Parent, name: &CStr, data: T) -> Result<Self> {
        Self::with_parent(parent.kobj(), name, data)
    }

    fn with_parent(parent: *mut bindings::kobject, name: &CStr, data: T) -> Result<Self> {
        // Room first: without it, `data` is dropped like any other value.
        let node = KBox::new_uninit(GFP_KERNEL)?;
        let node = KBox::write(
            node,
            Node {
                // SAFETY: `kobject_init_and_add` asks for a zeroed kobject.
                kobj: Opaque::new(unsafe { MaybeUninit::zeroed().assume_init() }),
                data: ManuallyDrop::new(data),
            },
        );
        NODES.fetch_add(1, Relaxed);
        let node = KBox::into_raw(node);
        let kobj: *mut bindings::kobject = node.cast();
        // SAFETY: `kobj` is zeroed memory of ours, the type lives as long as the module, `parent`
        // is live by the callers' borrow, and the format takes the one string that is given.
        let added = to_result(unsafe {
            bindings::kobject_init_and_add(
                kobj,
                &Node::<T>::TYPE,
                parent,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        });
        // INVARIANT: The kobject holds its first reference, also after an error. If a step below
        // fails, dropping `dir` undoes the steps before it.
        // SAFETY: `KBox::into_raw` gives no null pointers.
        let dir = Self(unsafe { NonNull::new_unchecked(node) }, PhantomData);
        added?;
        for attr in T::attributes() {
            // SAFETY: The kobject is registered, and the attribute is static.
            to_result(unsafe {
                bindings::sysfs_create_file_ns(kobj, attr.attr.get(), core::ptr::null())
            })?;
        }
        Ok(dir)
    }
}

impl<T: Attributes> Parent for Dir<T> {
    fn kobj(&self) -> *mut bindings::kobject {
        self.0.as_ptr().cast()
    }
}

impl<T: Attributes> Deref for Dir<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the type invariant the node is live.
        unsafe { &self.0.as_ref().data }
    }
}

impl<T: Attributes> Drop for Dir<T> {
    fn drop(&mut self) {
        let kobj = self.kobj();
        // SAFETY: By the type invariant we hold a reference, which is given up at last.
        // `kobject_del` waits for readers of the files, so that nobody has the data any more; it
        // does nothing where adding had failed.
        unsafe {
            bindings::kobject_del(kobj);
            ManuallyDrop::drop(&mut self.0.as_mut().data);
            bindings::kobject_put(kobj);
        }
    }
}

/// What the module's own directory shows.
struct Module;

static MODULE_ATTRS: [Attr<Module>; 1] = [Attr::ro(c"version", |_, out| {
    // SAFETY: The helper returns a static string.
    let version = unsafe { CStr::from_char_ptr(crate::ffi::rsbac_mem_helper_version()) };
    fmt::Write::write_fmt(out, fmt!("{version}\n"))
})];

impl Attributes for Module {
    fn attributes() -> &'static [Attr<Self>] {
        &MODULE_ATTRS
    }
}

/// The module's own directory, `/sys/kernel/rsbac_mem`. The last to be dropped: it waits until the
/// kernel needs the code of this file no more.
pub(crate) struct Root(Option<Dir<Module>>);

impl Root {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: `kernel_kobj` is set up at boot and never changed.
        let kernel = unsafe { bindings::kernel_kobj };
        Dir::with_parent(kernel, c"rsbac_mem", Module).map(|dir| Self(Some(dir)))
    }
}

impl Parent for Root {
    fn kobj(&self) -> *mut bindings::kobject {
        self.0.as_ref().map_or(core::ptr::null_mut(), Parent::kobj)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.0 = None;
        while NODES.load(Relaxed) > 0 {
            fsleep(Delta::from_millis(10));
        }
    }
}
