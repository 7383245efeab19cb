// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust cannot call by itself: inline functions, macros and per-CPU
 * operations of the kernel, one thin wrapper each. ffi.rs declares them.
 */
#include <linux/atomic.h>
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
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "helpers.h"

#ifdef CONFIG_UML
/*
 * There, memory is in one piece, and the real one has addresses that a module
 * cannot have.
 */
#undef __get_kernel_nofault
#define __get_kernel_nofault(dst, src, type, label)			\
do {									\
	*(dst) = READ_ONCE(*(const type *)(src));			\
	if (0)								\
		goto label;						\
} while (0)
#endif

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

/* Where the direct map begins: the address of physical address 0. */
unsigned long rsbac_mem_helper_direct_map(void)
{
	return (unsigned long)__va(0);
}

/*
 * Per-CPU counting for architectures that have no instruction for it, safe
 * against preemption and interrupts. An atomic of one's own CPU is cheaper
 * there than this_cpu_inc_return(), which turns interrupts off.
 */
notrace u64 rsbac_mem_helper_count(u64 __percpu *counter)
{
	u64 count;

	preempt_disable_notrace();
	count = atomic64_inc_return((atomic64_t *)this_cpu_ptr(counter));
	preempt_enable_notrace();
	return count;
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
 * The head page of the slab that @objp, any address, lies in; NULL for all
 * other memory. The direct map may have holes, in which there are no
 * descriptors of pages, hence the reads that survive a fault.
 */
static __always_inline const struct page *slab_head(const void *objp)
{
	const struct page *page;
	unsigned long head;
	unsigned int type;

	if (unlikely((unsigned long)objp < PAGE_OFFSET || objp >= high_memory))
		return NULL;
	page = virt_to_page(objp);
	__get_kernel_nofault(&head, &page->compound_info, unsigned long, fault);
	if (head & 1)
		page = compound_head(page);
	__get_kernel_nofault(&type, &page->page_type, unsigned int, fault);
	return likely(type >> 24 == PGTY_slab) ? page : NULL;
fault:
	return NULL;
}

/* The word of a slab's head page that names its cache, as slab/page.rs found out. */
static size_t cache_word __read_mostly = SIZE_MAX;

bool rsbac_mem_helper_learn_cache_word(const void *objp,
				       const struct kmem_cache *cache)
{
	const struct page *page = slab_head(objp);
	size_t word;

	for (word = 0; page && word < sizeof(*page) / sizeof(long); word++) {
		if (((void **)page)[word] == cache) {
			cache_word = word;
			return true;
		}
	}
	return false;
}

/* The cache of the slab that @objp, any address, lies in, or NULL. */
notrace struct kmem_cache *rsbac_mem_helper_cache_of(const void *objp)
{
	const struct page *page = slab_head(objp);

	return page ? ((struct kmem_cache **)page)[cache_word] : NULL;
}

/*
 * Where in its slab @objp lies: returns bytes from the start, and how many the
 * slab has in @bytes. @objp lies in a slab. SIZE_MAX for KFENCE's objects, which
 * stand alone.
 */
size_t rsbac_mem_helper_slab_offset(const void *objp, size_t *bytes)
{
	struct page *page = virt_to_head_page(objp);

	if (is_kfence_address(objp))
		return SIZE_MAX;
	*bytes = page_size(page);
	return objp - page_address(page);
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
