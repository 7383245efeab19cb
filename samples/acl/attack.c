// SPDX-License-Identifier: GPL-2.0
/*
 * acl_attack: turns a rule of acl_sample that denies into one that allows, as
 * someone would who has found a way to write to the kernel's memory: through the
 * address where the rule is, and through the direct map, where all memory is a
 * second time. Writes that fault are survived, and the log says how each went.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "acl.h"

static unsigned int line;
module_param(line, uint, 0);
MODULE_PARM_DESC(line, "of the policy: the rule that is to allow what it denies");

static bool faults(bool *deny)
{
	u8 no = 0;

	__put_kernel_nofault(deny, &no, u8, fault);
	return false;
fault:
	return true;
}

static void attack(const char *view, bool *deny)
{
	pr_info("acl_attack: a write through %s %s\n", view,
		faults(deny) ? "was stopped: it faulted" : "went through");
}

static int __init attack_init(void)
{
	bool *deny = acl_target(line);
	bool copy;

	if (!deny) {
		pr_err("acl_attack: no rule stands in line %u\n", line);
		return -ENOENT;
	}
	copy = *deny;
	attack("the address of an ordinary copy", &copy);
	attack("the address of the rule", deny);
	attack("the direct map", page_address(vmalloc_to_page(deny)) + offset_in_page(deny));
	return 0;
}
module_init(attack_init);

static void __exit attack_exit(void)
{
}
module_exit(attack_exit);

MODULE_DESCRIPTION("rsbac_mem sample: an attack on acl_sample's policy");
MODULE_LICENSE("GPL");
