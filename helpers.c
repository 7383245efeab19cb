// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust cannot call by itself: inline functions, macros and per-CPU
 * operations of the kernel, one thin wrapper each. ffi.rs declares them.
 */
#include <linux/compiler.h>
#include <linux/kfence.h>
#include <linux/kobject.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "helpers.h"

const char *rsbac_mem_helper_version(void)
{
	return RSBAC_MEM_VERSION;
}

bool rsbac_mem_helper_is_ours(unsigned long addr)
{
	return within_module(addr, THIS_MODULE);
}

/*
 * GFP_KERNEL where the kernel can tell that the caller may sleep, GFP_ATOMIC
 * where it may not or cannot tell, and 0 in NMI context, where nothing may be
 * allocated. A task that is about to sleep on something else may not sleep
 * here: that would lose its state.
 */
notrace gfp_t rsbac_mem_helper_context_gfp(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT) && preemptible() &&
	    !rcu_preempt_depth() && task_is_running(current))
		return GFP_KERNEL;
	return in_nmi() ? 0 : GFP_ATOMIC;
}

/* Per-CPU counting; safe against preemption and interrupts. */
notrace u64 rsbac_mem_helper_count(u64 __percpu *counter)
{
	return this_cpu_inc_return(*counter);
}

u64 rsbac_mem_helper_sum(u64 __percpu *counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(counter, cpu));
	return sum;
}

void __percpu *rsbac_mem_helper_alloc_percpu(size_t size, size_t align)
{
	return __alloc_percpu(size, align);
}

/*
 * The head page of the slab that @objp lies in, with the start and the length
 * of the slab in @base and @bytes; NULL for all other memory. @base is NULL for
 * KFENCE's objects: they stand alone, somewhere in their page.
 */
notrace const struct page *rsbac_mem_helper_slab_page(const void *objp,
						      const void **base,
						      size_t *bytes)
{
	const struct page *page;

	if (unlikely(!virt_addr_valid(objp)))
		return NULL;
	page = virt_to_head_page(objp);
	if (unlikely(!PageSlab(page)))
		return NULL;
	*base = likely(!is_kfence_address(objp)) ? page_address(page) : NULL;
	*bytes = page_size((struct page *)page);
	return page;
}

/* The first word of an object that may be free already: not for KASAN's eyes. */
notrace u64 rsbac_mem_helper_peek(const void *objp)
{
	return READ_ONCE_NOCHECK(*(const u64 *)objp);
}

bool rsbac_mem_helper_is_vmalloc_addr(const void *addr)
{
	return is_vmalloc_addr(addr);
}

/* The attribute @name that all kobjects of the type of @kobj have, or NULL. */
struct attribute *rsbac_mem_helper_find_attr(struct kobject *kobj,
					     const char *name)
{
	const struct attribute_group *const *groups = kobj->ktype->default_groups;

	for (; groups && *groups; groups++) {
		struct attribute **attr;

		for (attr = (*groups)->attrs; attr && *attr; attr++)
			if (!strcmp((*attr)->name, name))
				return *attr;
	}
	return NULL;
}

void rsbac_mem_helper_xa_init(struct xarray *xa)
{
	xa_init_flags(xa, XA_FLAGS_LOCK_IRQ);
}

int rsbac_mem_helper_xa_store(struct xarray *xa, unsigned long index,
			      unsigned long value, gfp_t gfp)
{
	unsigned long flags;
	void *old;

	xa_lock_irqsave(xa, flags);
	old = __xa_store(xa, index, xa_mk_value(value), gfp);
	xa_unlock_irqrestore(xa, flags);
	return xa_err(old);
}

bool rsbac_mem_helper_xa_erase(struct xarray *xa, unsigned long index,
			       unsigned long *value)
{
	unsigned long flags;
	void *old;

	xa_lock_irqsave(xa, flags);
	old = __xa_erase(xa, index);
	xa_unlock_irqrestore(xa, flags);
	if (!old)
		return false;
	*value = xa_to_value(old);
	return true;
}
