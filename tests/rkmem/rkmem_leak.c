// SPDX-License-Identifier: GPL-2.0
/*
 * A caller that goes without freeing: three objects of 64 bytes, five of a slab
 * of its own, "name", which it does not destroy either, and one of vmalloc. The
 * module parameter "try_destroy" makes it try, at unload.
 */
#include <linux/kmemleak.h>
#include <linux/module.h>

#include "rkmem_test.h"

static char *name = "rkmem_test_leak";
module_param(name, charp, 0444);
static bool try_destroy;
module_param(try_destroy, bool, 0444);

static struct kmem_cache *slab;

/* On purpose: kmemleak need not tell. */
static void *lost(void *p)
{
	kmemleak_not_leak(p);
	return p;
}

/* Not to be unrolled: it is to be one site. */
static int count(int n)
{
	OPTIMIZER_HIDE_VAR(n);
	return n;
}

static noinline void *leak_three(void)
{
	void *p = NULL;

	for (int i = 0; i < count(3); i++)
		p = lost(rsbac_kmalloc(64));
	return p;
}

static noinline void *leak_five(void)
{
	void *p = NULL;

	for (int i = 0; i < count(5); i++)
		p = lost(rsbac_smalloc(slab));
	return p;
}

static int __init rkmem_leak_init(void)
{
	slab = rsbac_slab_create(name, 200);
	if (!slab)
		return -ENOMEM;
	if (!leak_three() || !leak_five() || !lost(rsbac_vkmalloc(SZ_8M, NULL)))
		return -ENOMEM;
	return 0;
}
module_init(rkmem_leak_init);

static void __exit rkmem_leak_exit(void)
{
	if (try_destroy)
		rsbac_slab_destroy(slab);
}
module_exit(rkmem_leak_exit);

MODULE_DESCRIPTION("rsbac_mem tests: a caller that leaks");
MODULE_LICENSE("GPL");
