// SPDX-License-Identifier: GPL-2.0
/*
 * Exported calls as actions for failnth: writing a name to the module's
 * parameter "act" makes the calls of that name. The write fails as they do.
 */
#include <linux/module.h>

#include "fault_test.h"

static const struct action *const actions[] = {
	rkmem_actions,
	pmalloc_actions,
	vmm_actions,
	kmem_actions,
};

static int act_set(const char *name, const struct kernel_param *param)
{
	const struct action *action;
	int i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		for (action = actions[i]; action->name; action++)
			if (sysfs_streq(name, action->name))
				return action->act();
	return -EINVAL;
}

static const struct kernel_param_ops act_ops = { .set = act_set };
module_param_cb(act, &act_ops, NULL, 0200);
MODULE_PARM_DESC(act, "the name of an action to do now");

static int __init fault_init(void)
{
	int err = rkmem_begin();

	if (err)
		return err;
	err = kmem_begin();
	if (err)
		rkmem_end();
	return err;
}
module_init(fault_init);

static void __exit fault_exit(void)
{
	kmem_end();
	rkmem_end();
}
module_exit(fault_exit);

MODULE_DESCRIPTION("calls that are made while memory fails");
MODULE_LICENSE("GPL");
