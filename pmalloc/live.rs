// SPDX-License-Identifier: GPL-2.0

//! The pools that there are, with their directories in sysfs.
//!
//! Lock order: `POOLS` is not held while another lock of the discipline is taken.

use super::{
    attrs::{
        Figures,
        Totals, //
    },
    mode::Mode,
    pool::Pool,
    store, //
};
use crate::{
    caller::Caller,
    sysfs::{
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
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    str::{
        CString,
        Formatter, //
    }, //
};

/// The longest name of a pool.
const NAME: usize = 48;

/// The pools by the address of their descriptors.
struct Pools {
    /// The directory that theirs are in; `None` while the module is not ready.
    parent: Option<Dir<Totals>>,
    dirs: Option<RBTree<usize, Dir<Figures>>>,
    /// Hashes of their names: sysfs complains loudly of one that is taken.
    names: Option<RBTree<u64, ()>>,
    count: usize,
}

kernel::sync::global_lock! {
    // SAFETY: Made when the module is loaded, before anybody else comes here.
    unsafe(uninit) static POOLS: Mutex<Pools> = Pools {
        parent: None,
        dirs: None,
        names: None,
        count: 0,
    };
}

/// Makes the locks and the directory of the discipline.
///
/// # Safety
///
/// Must be called once, when the module is loaded.
pub(crate) unsafe fn start(root: &Root) -> Result {
    // SAFETY: By the contract of this function.
    unsafe {
        store::STORE.init();
        POOLS.init();
    }
    POOLS.lock().parent = Some(Dir::new(root, c"pmalloc", Totals)?);
    Ok(())
}

/// Removes the directory. There are no pools: each holds the module.
pub(crate) fn stop() {
    let parent = POOLS.lock().parent.take();
    drop(parent);
    store::remove();
}

/// Creates a pool together with its directory. May sleep.
pub(crate) fn create(
    mode: Mode,
    refill: usize,
    align: usize,
    name: Option<&CStr>,
    caller: impl FnOnce() -> Caller,
) -> Result<&'static Pool> {
    // Both that may be wanted for the name are found before anything is made.
    let given = name
        .map(|name| CString::try_from_fmt(fmt!("{}", name)))
        .transpose()?;
    let name = match given {
        Some(name) if is_name(name.to_bytes()) => name,
        Some(_) => return Err(EINVAL),
        None => default_name(caller())?,
    };
    let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
    let name_node = RBTreeNodeReservation::new(GFP_KERNEL)?;
    let hashed = hash_of(name.to_bytes());
    let (pool, hot) = Pool::create(mode, refill, align, name)?;
    let full_protection = store::with(|store| Ok(store.full_protection))?;
    let made = (|| {
        let mut pools = POOLS.lock();
        let names = pools.names.get_or_insert_with(RBTree::new);
        if names.get(&hashed).is_some() {
            return Err(EEXIST);
        }
        let parent = pools.parent.as_ref().ok_or(ENODEV)?;
        let figures = Figures {
            pool,
            hot: hot.clone(),
            full_protection,
        };
        let dir = Dir::new(parent, &hot.name, figures)?;
        let node = node.into_node(core::ptr::from_ref(pool) as usize, dir);
        pools.dirs.get_or_insert_with(RBTree::new).insert(node);
        let names = pools.names.get_or_insert_with(RBTree::new);
        names.insert(name_node.into_node(hashed, ()));
        pools.count += 1;
        Ok(())
    })();
    if let Err(err) = made {
        pool.destroy()?;
        return Err(err);
    }
    Ok(pool)
}

/// Destroys a pool and its directory. May sleep.
pub(crate) fn destroy(pool: &'static Pool) -> Result {
    let dir = {
        let mut pools = POOLS.lock();
        let key = core::ptr::from_ref(pool) as usize;
        let dir = pools.dirs.as_mut().and_then(|dirs| dirs.remove(&key));
        if let Some(dir) = &dir {
            let hashed = hash_of(dir.hot.name.to_bytes());
            pools.names.as_mut().and_then(|names| names.remove(&hashed));
            pools.count -= 1;
        }
        dir
    };
    // Whoever else destroys the same pool at the same time finds no directory.
    let dir = dir.ok_or(EINVAL)?;
    let hot = dir.hot.clone();
    // Waits for readers of its files.
    drop(dir);
    let result = pool.destroy();
    drop(hot);
    result
}

/// How many pools there are.
pub(crate) fn count() -> usize {
    POOLS.lock().count
}

/// Writes the name of the pool with that number.
pub(crate) fn write_name(id: usize, out: &mut Formatter<'_>) -> fmt::Result {
    let pools = POOLS.lock();
    let mut dirs = pools.dirs.iter().flat_map(RBTree::values);
    let found = dirs.find(|dir| dir.pool.id.get() == id);
    match found {
        Some(dir) => out.write_fmt(fmt!("{}", &*dir.hot.name)),
        None => write!(out, "#{id}"),
    }
}

/// FNV-1a. Two names of the same hash, of which there is no hope, cannot be used at a time.
fn hash_of(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= NAME
        && name != b"."
        && name != b".."
        && name
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'!'))
}

/// The module that `caller` is in, and a number.
fn default_name(caller: Caller) -> Result<CString> {
    let text = CString::try_from_fmt(fmt!("{}", caller))?;
    let text = text.to_bytes();
    let start = text
        .iter()
        .rposition(|&byte| byte == b'[')
        .map_or(0, |at| at + 1);
    let end = text.iter().rposition(|&byte| byte == b']').unwrap_or(0);
    let module = text
        .get(start..end)
        .filter(|name| is_name(name))
        .unwrap_or(b"kernel");
    let module = core::str::from_utf8(module).unwrap_or("kernel");
    let id = store::with(|store| Ok(store.new_id()))?;
    CString::try_from_fmt(fmt!("{module}-{id}"))
}
