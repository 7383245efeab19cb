// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/config/kmem`: a directory is a group.
//!
//! `mkdir` makes a group below another one, `rmdir` removes one that has none below it. configfs
//! holds the module while there are directories.

use super::{
    group::Group,
    mirror::{
        self,
        Mirror, //
    }, //
};
use kernel::{
    configfs::{
        self,
        configfs_attrs, //
    },
    fmt,
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    str::{
        CString,
        Formatter, //
    },
    sync::{
        Arc,
        ArcBorrow,
        Mutex, //
    }, //
};

/// The whole tree.
pub(crate) type Tree = configfs::Subsystem<Node>;

/// A group and its directory in sysfs.
#[pin_data]
struct Inner {
    group: Arc<Group>,
    /// `None` once the directory was removed; somebody may have a file of it open still.
    #[pin]
    mirror: Mutex<Option<Mirror>>,
}

/// What stands behind a directory.
#[pin_data]
pub(crate) struct Node {
    inner: Arc<Inner>,
    /// The directories below, by the addresses of their nodes. `configfs::Group` does not give
    /// its data out again, and it is by its address that a child which goes is recognised.
    #[pin]
    children: Mutex<KVec<(usize, Arc<Inner>)>>,
}

impl Inner {
    fn new(group: Arc<Group>, mirror: Mirror) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                group,
                mirror <- new_mutex!(Some(mirror)),
            }),
            GFP_KERNEL,
        )
    }
}

impl Node {
    fn new(inner: Arc<Inner>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            inner,
            children <- new_mutex!(KVec::new()),
        })
    }
}

/// Registers the tree, with the root group as its top directory.
pub(crate) fn tree((group, mirror): (Arc<Group>, Mirror)) -> Result<impl PinInit<Tree, Error>> {
    let files = configfs_attrs! {
        container: configfs::Subsystem<Node>,
        data: Node,
        child: Node,
        attributes: [
            current: 0,
            peak: 2,
            events: 3,
            caches: 4,
            usage_in_bytes: 5,
            max_usage_in_bytes: 7,
            failcnt: 8,
            pids: 10,
        ],
    };
    let inner = Inner::new(group, mirror)?;
    Ok(configfs::Subsystem::new(c"kmem", files, Node::new(inner)))
}

#[vtable]
impl configfs::GroupOperations for Node {
    type Child = Node;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<configfs::Group<Node>, Error>> {
        let files = configfs_attrs! {
            container: configfs::Group<Node>,
            data: Node,
            child: Node,
            attributes: [
                current: 0,
                max: 1,
                peak: 2,
                events: 3,
                caches: 4,
                usage_in_bytes: 5,
                limit_in_bytes: 6,
                max_usage_in_bytes: 7,
                failcnt: 8,
                cgroup: 9,
                pids: 10,
            ],
        };
        let group = Arc::new(self.inner.group.child(name)?, GFP_KERNEL)?;
        let mirror = {
            let above = self.inner.mirror.lock();
            let above = above.as_ref().ok_or(ENOENT)?;
            mirror::mirror(above, name, group.clone())?
        };
        let inner = Inner::new(group, mirror)?;
        let node = Node::new(inner.clone()).pin_chain(move |node| {
            let at = core::ptr::from_ref(&*node) as usize;
            self.children.lock().push((at, inner), GFP_KERNEL)?;
            Ok(())
        });
        Ok(configfs::Group::new(CString::try_from(name)?, files, node))
    }

    fn drop_item(&self, child: ArcBorrow<'_, configfs::Group<Node>>) {
        let start = core::ptr::from_ref(&*child) as usize;
        let within = start..start + size_of::<configfs::Group<Node>>();
        let mut children = self.children.lock();
        let Some(i) = children.iter().position(|(at, _)| within.contains(at)) else {
            return;
        };
        let Ok((_, inner)) = children.remove(i) else {
            return;
        };
        drop(children);
        // The directory in sysfs goes first: removing the group ends what it notifies.
        drop(inner.mirror.lock().take());
        inner.group.remove();
    }
}

/// Writes a value with `show`.
fn text(
    page: &mut [u8; PAGE_SIZE],
    show: impl FnOnce(&mut Formatter<'_>) -> fmt::Result,
) -> Result<usize> {
    let mut out = Formatter::new(page);
    show(&mut out).map_err(|_| EFBIG)?;
    Ok(out.bytes_written())
}

/// One file: its number above, how it is shown, and how it is written, if it is.
macro_rules! file {
    ($id:literal, |$group:ident, $page:ident| $show:expr $(, |$to:ident, $text:ident| $store:expr)?) => {
        #[vtable]
        impl configfs::AttributeOperations<$id> for Node {
            type Data = Node;

            fn show(node: &Node, $page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
                let $group = &*node.inner.group;
                $show
            }

            $(fn store(node: &Node, $text: &[u8]) -> Result {
                let $to = &*node.inner.group;
                $store
            })?
        }
    };
}

file!(0, |group, page| text(page, |out| group.show_current(out)));
file!(
    1,
    |group, page| text(page, |out| group.show_max(out)),
    |group, text| group.store_max(text, c"max")
);
file!(2, |group, page| text(page, |out| group.show_peak(out)));
file!(3, |group, page| text(page, |out| group.show_events(out)));
file!(4, |group, page| group.show_caches(page));
file!(5, |group, page| text(page, |out| group.show_current(out)));
file!(
    6,
    |group, page| text(page, |out| group.show_limit(out)),
    |group, text| group.store_max(text, c"-1")
);
file!(
    7,
    |group, page| text(page, |out| group.show_peak(out)),
    |group, _text| {
        group.reset_peak();
        Ok(())
    }
);
file!(
    8,
    |group, page| text(page, |out| group.show_failcnt(out)),
    |group, _text| {
        group.reset_failcnt();
        Ok(())
    }
);
file!(9, |group, page| group.show_cgroup(page), |group, text| {
    group.store_cgroup(text)
});
file!(10, |group, page| group.show_pids(page), |group, text| group
    .store_pids(text));
