// SPDX-License-Identifier: GPL-2.0
/* What trampoline.S has to know of C's structures; Kbuild makes offsets.h of it. */
#include <linux/cgroup.h>
#include <linux/kbuild.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "engine.h"

int main(void)
{
	OFFSET(TASK_CGROUPS, task_struct, cgroups);
	OFFSET(CSS_SET_DFL_CGRP, css_set, dfl_cgrp);
	OFFSET(QUICK_WORD, kmc_quick, word);
	DEFINE(QUICK_CREDIT, offsetof(struct kmc_quick, word) + sizeof(u32));
	DEFINE(OWNERS, KMC_SHIFT_MAX * sizeof(kmc_owners[0]));
	DEFINE(SMALL, KMC_SMALL * sizeof(kmc_owners[0]));
	DEFINE(SHIFT, KMC_SHIFT_MAX);
	DEFINE(WINDOW_SHIFT, KMC_WINDOW_SHIFT);
	DEFINE(INTERRUPT_MASK, NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET);
	return 0;
}
