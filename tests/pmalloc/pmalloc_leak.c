// SPDX-License-Identifier: GPL-2.0
/* A caller that goes and leaves a pool behind. */
#include <linux/module.h>
#include <linux/pmalloc.h>

static int __init leak_init(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_named_pool("left_behind", 0, -1, PMALLOC_MODE_RO);

	/* Loads in any case: whether there is a pool can be seen in sysfs. */
	if (pool && pmalloc(pool, 100))
		pmalloc_protect_pool(pool);
	return 0;
}
module_init(leak_init);

static void __exit leak_exit(void)
{
}
module_exit(leak_exit);

MODULE_DESCRIPTION("rsbac_mem tests");
MODULE_LICENSE("GPL");
