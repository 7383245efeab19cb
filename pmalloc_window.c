// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables through which one CPU alone can write to a protected page.
 *
 * Each CPU has a root of its own: a copy of the kernel's half, and besides it
 * one page of addresses in the hole that the kernel's layout keeps free for
 * hypervisors. No other CPU ever loads that root, so that none can see what is
 * mapped there, not even by speculation. pmalloc/window.rs does the writing;
 * what is here takes the kernel's macros for entries and encryption bits.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/preempt.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "pmalloc_window.h"

#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#include <asm/cpufeature.h>
#include <asm/mem_encrypt.h>
#include <asm/processor.h>

static void *new_table(struct rsbac_mem_window *window)
{
	void *table = (void *)get_zeroed_page(GFP_KERNEL);

	if (table)
		window->tables[window->nr_tables++] = table;
	return table;
}

static unsigned long link_to(void *table)
{
	return __pa(table) | _KERNPG_TABLE;
}

/* Makes the tables. What was made before a failure is for _destroy(). */
int rsbac_mem_window_create(struct rsbac_mem_window *window)
{
	unsigned long addr = GUARD_HOLE_BASE_ADDR;
	unsigned long *root, *table;
	void *next;

	memset(window, 0, sizeof(*window));
	/*
	 * Two pages, since the entry code of page-table isolation takes the bit
	 * above the page offset for the sign of a user's root.
	 */
	root = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
	if (!root)
		return -ENOMEM;
	window->root = root;

	preempt_disable();
	memcpy(root + PTRS_PER_PGD / 2,
	       (unsigned long *)__va(read_cr3_pa()) + PTRS_PER_PGD / 2,
	       PAGE_SIZE / 2);
	preempt_enable();
	/* Belongs to the task that was running. */
	root[pgd_index(LDT_BASE_ADDR)] = 0;

	table = root + pgd_index(addr);
	if (pgtable_l5_enabled()) {
		next = new_table(window);
		if (!next)
			return -ENOMEM;
		*table = link_to(next);
		table = (unsigned long *)next + p4d_index(addr);
	}
	next = new_table(window);
	if (!next)
		return -ENOMEM;
	*table = link_to(next);
	table = (unsigned long *)next + pud_index(addr);
	next = new_table(window);
	if (!next)
		return -ENOMEM;
	*table = link_to(next);
	table = (unsigned long *)next + pmd_index(addr);
	next = new_table(window);
	if (!next)
		return -ENOMEM;
	*table = link_to(next);

	window->entry = (unsigned long *)next + pte_index(addr);
	window->addr = addr;
	/* Not global: what the window maps must go when the root does. */
	window->prot = pgprot_val(PAGE_KERNEL) & ~_PAGE_GLOBAL;
	window->cr3 = __sme_pa(root);
	window->keep = cpu_feature_enabled(X86_FEATURE_PCID) ? X86_CR3_PCID_NOFLUSH : 0;
	return 0;
}

void rsbac_mem_window_destroy(struct rsbac_mem_window *window)
{
	while (window->nr_tables)
		free_page((unsigned long)window->tables[--window->nr_tables]);
	free_pages((unsigned long)window->root, 1);
	window->root = NULL;
}

/*
 * Reserves @pages pages of addresses, with page tables but with nothing in
 * them. vmap() is the exported way: it maps the zero page all over, read-only,
 * and that is taken out again. The caller flushes; vunmap() gives it all back.
 */
void *rsbac_mem_arena_reserve(unsigned long pages)
{
	struct page **list;
	unsigned int level;
	void *base;
	unsigned long n;

	/* Nor would vmap() map more than there is. */
	if (pages > totalram_pages() || pages > INT_MAX)
		return NULL;
	list = kvmalloc_array(pages, sizeof(*list), GFP_KERNEL | __GFP_NOWARN);
	if (!list)
		return NULL;
	for (n = 0; n < pages; n++)
		list[n] = ZERO_PAGE(0);
	base = vmap(list, pages, VM_MAP, PAGE_KERNEL_RO);
	kvfree(list);
	for (n = 0; base && n < pages; n++) {
		pte_t *pte = lookup_address((unsigned long)base + n * PAGE_SIZE,
					    &level);

		if (!WARN_ON_ONCE(!pte || level != PG_LEVEL_4K))
			set_pte(pte, __pte(0));
	}
	return base;
}

#else

int rsbac_mem_window_create(struct rsbac_mem_window *window)
{
	return -EOPNOTSUPP;
}

void rsbac_mem_window_destroy(struct rsbac_mem_window *window)
{
}

void *rsbac_mem_arena_reserve(unsigned long pages)
{
	return NULL;
}

#endif

/* Zeroed memory; large pieces only if they are to be had without much ado. */
unsigned long rsbac_mem_alloc_frames(unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;

	if (order)
		gfp |= __GFP_NORETRY;
	return __get_free_pages(gfp, order);
}

unsigned long rsbac_mem_irq_save(void)
{
	unsigned long flags;

	local_irq_save(flags);
	return flags;
}

void rsbac_mem_irq_restore(unsigned long flags)
{
	local_irq_restore(flags);
}

void rsbac_mem_raw_lock_init(raw_spinlock_t *lock)
{
	raw_spin_lock_init(lock);
}

unsigned long rsbac_mem_raw_lock(raw_spinlock_t *lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(lock, flags);
	return flags;
}

void rsbac_mem_raw_unlock(raw_spinlock_t *lock, unsigned long flags)
{
	raw_spin_unlock_irqrestore(lock, flags);
}

bool rsbac_mem_in_nmi(void)
{
	return in_nmi();
}

u64 rsbac_mem_siphash(const void *data, size_t len, const siphash_key_t *key)
{
	return siphash(data, len, key);
}
