// SPDX-License-Identifier: GPL-2.0

//! The kernel's own files about a cache, `/sys/kernel/slab/<cache>/*`, used from inside.
//!
//! They are the only interface to what the allocator keeps to itself, and stay the same where its
//! structures change.

use crate::ffi;
use core::ptr::NonNull;
use kernel::{
    bindings,
    container_of,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A node of sysfs' own tree, with a reference held.
struct Node(NonNull<bindings::kernfs_node>);

impl Node {
    /// Finds `name` in `parent`; links are found, too.
    ///
    /// # Safety
    ///
    /// `parent` must be live.
    unsafe fn find(parent: *mut bindings::kernfs_node, name: &CStr) -> Option<Self> {
        // SAFETY: `parent` is live by the caller's promise and `name` is a C string.
        let node = unsafe {
            bindings::kernfs_find_and_get_ns(parent, name.as_char_ptr(), core::ptr::null())
        };
        NonNull::new(node).map(Self)
    }

    /// `/sys/kernel/slab`.
    fn slab() -> Option<Self> {
        // SAFETY: `kernel_kobj` is set up at boot and never changed or removed.
        unsafe { Self::find((*bindings::kernel_kobj).sd, c"slab") }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: The reference was taken in `find`.
        unsafe { bindings::kernfs_put(self.0.as_ptr()) };
    }
}

/// Whether the system has a cache, or an alias of one, of that name.
pub(crate) fn exists(name: &CStr) -> bool {
    // SAFETY: The parent is live as long as `slab`.
    Node::slab().is_some_and(|slab| unsafe { Node::find(slab.0.as_ptr(), name) }.is_some())
}

/// The kobject of a cache, with a reference held.
struct Object(NonNull<bindings::kobject>);

impl Object {
    fn find(name: &CStr) -> Option<Self> {
        let slab = Node::slab()?;
        // SAFETY: Directories of sysfs keep their kobject there, which lives as long as they do,
        // and that of `slab`, which is never removed, is inside of a kset.
        let kset = unsafe {
            let kobj = (*slab.0.as_ptr()).priv_.cast::<bindings::kobject>();
            container_of!(kobj, bindings::kset, kobj)
        };
        // SAFETY: `kset` is live and `name` is a C string.
        NonNull::new(unsafe { bindings::kset_find_obj(kset, name.as_char_ptr()) }).map(Self)
    }

    /// The attribute `name` and the operations to use it with.
    fn attr(&self, name: &CStr) -> Option<(*mut bindings::attribute, &bindings::sysfs_ops)> {
        // SAFETY: The kobject is live, and its type, which is static, has operations or a null.
        unsafe {
            let ops = (*(*self.0.as_ptr()).ktype).sysfs_ops.as_ref()?;
            let attr = ffi::rsbac_mem_helper_find_attr(self.0.as_ptr(), name.as_char_ptr());
            (!attr.is_null()).then_some((attr, ops))
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: The reference was taken in `find`.
        unsafe { bindings::kobject_put(self.0.as_ptr()) };
    }
}

/// The number at the start of the file `file` of the cache `cache`. May sleep.
pub(super) fn read(cache: &CStr, file: &CStr) -> Option<u64> {
    let object = Object::find(cache)?;
    let (attr, ops) = object.attr(file)?;
    let mut page = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL).ok()?;
    // SAFETY: The attribute is one of the kobject's type, and the buffer is a page.
    let len = unsafe { (ops.show?)(object.0.as_ptr(), attr, page.as_mut_ptr().cast()) };
    let text = page.get(..usize::try_from(len).ok()?)?;
    let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
    core::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

/// Writes `value` to the file `file` of the cache `cache`. May sleep.
pub(super) fn write(cache: &CStr, file: &CStr, value: &CStr) -> Option<()> {
    let object = Object::find(cache)?;
    let (attr, ops) = object.attr(file)?;
    // SAFETY: The attribute is one of the kobject's type, and `value` is as long as is said.
    let written = unsafe {
        (ops.store?)(
            object.0.as_ptr(),
            attr,
            value.as_char_ptr(),
            value.to_bytes().len(),
        )
    };
    (written > 0).then_some(())
}
