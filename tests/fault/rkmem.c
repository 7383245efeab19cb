// SPDX-License-Identifier: GPL-2.0
/* The RSBAC calls. */
#include <linux/errno.h>
#include <rsbac/rkmem.h>

#include "fault_test.h"

static int kmalloc_and_free(size_t size)
{
	void *objp = rsbac_kmalloc_unlocked(size);

	rsbac_kfree(objp);
	return objp ? 0 : -ENOMEM;
}

static int kmalloc_64(void)
{
	return kmalloc_and_free(64);
}

static int kmalloc_1m(void)
{
	return kmalloc_and_free(1 << 20);
}

static int vkmalloc_and_free(size_t size)
{
	boolean vmalloc_used;
	void *objp = rsbac_vkmalloc(size, &vmalloc_used);

	rsbac_vkfree(objp, vmalloc_used);
	return objp ? 0 : -ENOMEM;
}

static int vkmalloc_64k(void)
{
	return vkmalloc_and_free(64 << 10);
}

static int vkmalloc_5m(void)
{
	return vkmalloc_and_free(5 << 20);
}

static int slab_create(void)
{
	struct kmem_cache *slab = rsbac_slab_create("fault_test", 200);

	rsbac_slab_destroy(slab);
	return slab ? 0 : -ENOMEM;
}

static int slab_create_rcu(void)
{
	struct kmem_cache *slab = rsbac_slab_create_rcu("fault_test_rcu", 200);

	rsbac_slab_destroy(slab);
	return slab ? 0 : -ENOMEM;
}

static struct kmem_cache *own_slab;

static int smalloc(void)
{
	void *objp = rsbac_smalloc_clear_unlocked(own_slab);

	rsbac_sfree(own_slab, objp);
	return objp ? 0 : -ENOMEM;
}

const struct action rkmem_actions[] = {
	{ "kmalloc_64", kmalloc_64 },
	{ "kmalloc_1m", kmalloc_1m },
	{ "vkmalloc_64k", vkmalloc_64k },
	{ "vkmalloc_5m", vkmalloc_5m },
	{ "slab_create", slab_create },
	{ "slab_create_rcu", slab_create_rcu },
	{ "smalloc", smalloc },
	{}
};

int rkmem_begin(void)
{
	own_slab = rsbac_slab_create("fault_test_own", 200);
	return own_slab ? 0 : -ENOMEM;
}

void rkmem_end(void)
{
	rsbac_slab_destroy(own_slab);
}
