// SPDX-License-Identifier: GPL-2.0
/* Charges, and objects of a cache that an administrator marks. */
#include <linux/errno.h>
#include <linux/kmem_cgroup.h>
#include <linux/slab.h>

#include "fault_test.h"

static struct kmem_cache *marked;

static int charge(void)
{
	struct kmem_cgroup_charge charge = {};
	int err = kmem_cgroup_charge(&charge, KMEM_CGROUP_PAGES, PAGE_SIZE, GFP_KERNEL);

	kmem_cgroup_uncharge(&charge);
	return err;
}

/* More than a slab of them, so that pages are new to the books. */
static int objects(void)
{
	void *objs[64];
	int i, n;

	for (n = 0; n < ARRAY_SIZE(objs); n++) {
		objs[n] = kmem_cache_alloc(marked, GFP_KERNEL);
		if (!objs[n])
			break;
	}
	for (i = 0; i < n; i++)
		kmem_cache_free(marked, objs[i]);
	return n == ARRAY_SIZE(objs) ? 0 : -ENOMEM;
}

static int cache_create(void)
{
	struct kmem_cache *cache = kmem_cache_create("fault_late", 100, 0, SLAB_NO_MERGE, NULL);

	kmem_cache_destroy(cache);
	return cache ? 0 : -ENOMEM;
}

const struct action kmem_actions[] = {
	{ "charge", charge },
	{ "objects", objects },
	{ "cache_create", cache_create },
	{}
};

int kmem_begin(void)
{
	marked = kmem_cache_create("fault_marked", 200, 0, SLAB_NO_MERGE, NULL);
	return marked ? 0 : -ENOMEM;
}

void kmem_end(void)
{
	kmem_cache_destroy(marked);
}
