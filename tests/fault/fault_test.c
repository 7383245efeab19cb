// SPDX-License-Identifier: GPL-2.0
/*
 * Exported calls as actions for failnth: writing a name to the module's
 * parameter "act" makes the call, and undoes it where it succeeds. The write
 * fails with ENOMEM where the call does.
 */
#include <linux/module.h>
#include <rsbac/rkmem.h>

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

static const struct {
	const char *name;
	int (*act)(void);
} actions[] = {
	{ "kmalloc_64", kmalloc_64 },
	{ "kmalloc_1m", kmalloc_1m },
	{ "vkmalloc_64k", vkmalloc_64k },
	{ "vkmalloc_5m", vkmalloc_5m },
	{ "slab_create", slab_create },
	{ "slab_create_rcu", slab_create_rcu },
	{ "smalloc", smalloc },
};

static int act_set(const char *name, const struct kernel_param *param)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		if (sysfs_streq(name, actions[i].name))
			return actions[i].act();
	return -EINVAL;
}

static const struct kernel_param_ops act_ops = { .set = act_set };
module_param_cb(act, &act_ops, NULL, 0200);
MODULE_PARM_DESC(act, "the name of a call to make now");

static int __init fault_init(void)
{
	own_slab = rsbac_slab_create("fault_test_own", 200);
	return own_slab ? 0 : -ENOMEM;
}
module_init(fault_init);

static void __exit fault_exit(void)
{
	rsbac_slab_destroy(own_slab);
}
module_exit(fault_exit);

MODULE_DESCRIPTION("calls that are made while memory fails");
MODULE_LICENSE("GPL");
