/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Charging kernel memory to the groups of /sys/kernel/config/kmem, explicitly.
 *
 * Caches that an administrator marks are charged without anybody's help. These
 * calls are for the owners of other memory: kmalloc()ed, vmalloc()ed, or whole
 * pages. A charge lives in a struct kmem_cgroup_charge that the caller keeps
 * beside the memory; it goes to the group of the calling task, or to the root
 * group outside of task context, and is given back from wherever.
 *
 * Documentation/kmem_cgroup.md has the whole story.
 */
#ifndef _LINUX_KMEM_CGROUP_H
#define _LINUX_KMEM_CGROUP_H

#include <linux/types.h>

/**
 * enum kmem_cgroup_kind - kinds of memory that are charged explicitly
 * @KMEM_CGROUP_KMALLOC: objects from kmalloc() and the like
 * @KMEM_CGROUP_VMALLOC: memory from vmalloc() and the like
 * @KMEM_CGROUP_PAGES: pages from alloc_pages() and the like
 *
 * Figures show them as [kmalloc], [vmalloc] and [pages].
 */
enum kmem_cgroup_kind {
	KMEM_CGROUP_KMALLOC = 1,
	KMEM_CGROUP_VMALLOC = 2,
	KMEM_CGROUP_PAGES = 3,
};

/**
 * struct kmem_cgroup_charge - one charge, kept by its owner
 * @id: whom it went to; private. 0 in a charge that holds nothing.
 * @bytes: how much it is
 *
 * All zeroes is a charge that holds nothing.
 */
struct kmem_cgroup_charge {
	u32 id;
	size_t bytes;
};

/**
 * kmem_cgroup_charge - charge memory to the group of the calling task
 * @charge: a charge that holds nothing; left so on failure
 * @kind: what the memory is
 * @bytes: how much, at least 1
 * @gfp: __GFP_NOFAIL goes over limits; all else is ignored
 *
 * Context: Any but NMI; does not sleep.
 *
 * Return: 0; -ENOMEM where the group or one above it would go over its max;
 * -EINVAL for a wrong @kind, for 0 bytes and more than LONG_MAX, and
 * where @charge holds something already.
 */
int kmem_cgroup_charge(struct kmem_cgroup_charge *charge,
		       enum kmem_cgroup_kind kind, size_t bytes, gfp_t gfp);

/**
 * kmem_cgroup_charge_vmalloc - charge what vmalloc() returned
 * @charge: a charge that holds nothing; left so on failure
 * @addr: what vmalloc() or a relative of it returned
 * @bytes: as asked for there
 * @gfp: as kmem_cgroup_charge()
 *
 * Charges whole pages, as vmalloc() uses them, without the guard page.
 *
 * Context: Any but NMI; does not sleep.
 *
 * Return: as kmem_cgroup_charge(); -EINVAL also where @addr is not the start of
 * a page in vmalloc()'s range.
 */
int kmem_cgroup_charge_vmalloc(struct kmem_cgroup_charge *charge,
			       const void *addr, size_t bytes, gfp_t gfp);

/**
 * kmem_cgroup_charge_pages - charge 2^@order pages
 * @charge: a charge that holds nothing; left so on failure
 * @order: as given to alloc_pages()
 * @gfp: as kmem_cgroup_charge()
 *
 * Context: Any but NMI; does not sleep.
 * Return: as kmem_cgroup_charge(); -EINVAL for an @order that no memory has.
 */
int kmem_cgroup_charge_pages(struct kmem_cgroup_charge *charge,
			     unsigned int order, gfp_t gfp);

/**
 * kmem_cgroup_uncharge - give a charge back
 * @charge: a charge; nothing happens where it holds nothing
 *
 * Context: Any but NMI; does not sleep.
 */
void kmem_cgroup_uncharge(struct kmem_cgroup_charge *charge);

#endif /* _LINUX_KMEM_CGROUP_H */
