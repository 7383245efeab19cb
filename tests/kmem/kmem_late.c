// SPDX-License-Identifier: GPL-2.0
/*
 * A cache that is made after rsbac_mem was loaded. Write to the parameter how
 * many objects of it there shall be.
 */
#include <linux/module.h>
#include <linux/slab.h>

#define MOST 10000

static struct kmem_cache *cache;
static void *objs[MOST];
static unsigned int count;

static int count_set(const char *text, const struct kernel_param *kp)
{
	unsigned int wanted;
	int err = kstrtouint(text, 0, &wanted);

	if (err || wanted > MOST || !cache)
		return err ?: -EINVAL;
	while (count > wanted)
		kmem_cache_free(cache, objs[--count]);
	while (count < wanted) {
		objs[count] = kmem_cache_alloc(cache, GFP_KERNEL);
		if (!objs[count])
			return -ENOMEM;
		count++;
	}
	return 0;
}

static const struct kernel_param_ops count_ops = {
	.set = count_set,
	.get = param_get_uint,
};
module_param_cb(objects, &count_ops, &count, 0644);
MODULE_PARM_DESC(objects, "how many objects there are");

static int __init late_init(void)
{
	cache = kmem_cache_create("kmem_late", 200, 0, SLAB_NO_MERGE, NULL);
	return cache ? 0 : -ENOMEM;
}
module_init(late_init);

static void __exit late_exit(void)
{
	while (count)
		kmem_cache_free(cache, objs[--count]);
	kmem_cache_destroy(cache);
}
module_exit(late_exit);

MODULE_DESCRIPTION("rsbac_mem tests: a late cache");
MODULE_LICENSE("GPL");
