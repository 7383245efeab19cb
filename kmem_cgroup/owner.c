// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns which object: a sparse table over the direct map.
 *
 * One leaf for 256 KiB of memory, one array for each page that holds objects of
 * marked caches, one number for each granule of it. A granule is the largest
 * power of two that fits the object size, so that no two objects share one.
 * For objects of at least 32 bytes that is at most an eighth of their memory.
 *
 * A page belongs to one slab at a time. Where it comes back with objects of
 * another size its array is replaced: all objects that the old one told of
 * are dead by then, and those whose end went unnoticed are given back.
 *
 * Locks: kmc_owner_lock (raw, interrupts off) guards the making of leaves and
 * arrays. Readers run with preemption off.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <asm/page.h>

#include "engine.h"

unsigned long kmc_base __read_mostly;
unsigned long kmc_top_len __read_mostly;
struct kmc_leaf **kmc_top __read_mostly;
atomic_long_t kmc_owner_bytes;

static DEFINE_RAW_SPINLOCK(kmc_owner_lock);

static void kmc_owner_free(struct kmc_page *page)
{
	u32 i;

	preempt_disable();
	for (i = 0; i < 4096U >> page->shift; i++) {
		u32 id = xchg(&page->owner[i], 0);

		if (id) {
			kmc_give(id);
			atomic_long_inc(&kmc_stats[KMC_RECONCILED]);
		}
	}
	preempt_enable();
	atomic_long_sub(struct_size(page, owner, 4096U >> page->shift), &kmc_owner_bytes);
	kfree_rcu(page, rcu);
}

/**
 * kmc_owner_make - make room for the owners of the page that @obj is in
 * @obj: an object of @pair's cache
 * @pair: tells the size of a granule
 * @gfp: as the object was allocated with
 *
 * Context: As @gfp says; preemption is on if it may sleep.
 * Return: 0, or -ENOMEM, or -ERANGE where the table does not reach.
 */
int kmc_owner_make(const void *obj, struct kmc_pair *pair, gfp_t gfp)
{
	unsigned long off = (unsigned long)obj - kmc_base;
	struct kmc_leaf *new_leaf = NULL, *leaf;
	struct kmc_page *page, *old;
	unsigned long flags;

	if (off >> 18 >= READ_ONCE(kmc_top_len))
		return -ERANGE;
	gfp &= GFP_KERNEL | __GFP_HIGH | __GFP_NORETRY | __GFP_RETRY_MAYFAIL |
	       __GFP_NOFAIL | __GFP_MEMALLOC | __GFP_NOMEMALLOC;
	gfp |= __GFP_ZERO | __GFP_NOWARN;
	page = kmalloc(struct_size(page, owner, 4096U >> pair->shift), gfp);
	if (!page)
		return -ENOMEM;
	page->shift = pair->shift;
	if (!READ_ONCE(kmc_top[off >> 18])) {
		new_leaf = kmalloc_obj(*new_leaf, gfp);
		if (!new_leaf) {
			kfree(page);
			return -ENOMEM;
		}
	}

	raw_spin_lock_irqsave(&kmc_owner_lock, flags);
	leaf = kmc_top[off >> 18];
	if (!leaf) {
		leaf = new_leaf;
		new_leaf = NULL;
		/* Zeroed before it can be found. */
		smp_store_release(&kmc_top[off >> 18], leaf);
		atomic_long_add(sizeof(*leaf), &kmc_owner_bytes);
	}
	old = leaf->page[(off >> 12) % 64];
	if (old && old->shift == page->shift) {
		swap(old, page);	/* somebody was quicker */
		raw_spin_unlock_irqrestore(&kmc_owner_lock, flags);
		kfree(old);
	} else {
		/* Likewise. */
		smp_store_release(&leaf->page[(off >> 12) % 64], page);
		raw_spin_unlock_irqrestore(&kmc_owner_lock, flags);
		atomic_long_add(struct_size(page, owner, 4096U >> page->shift),
				&kmc_owner_bytes);
		if (old)
			kmc_owner_free(old);
	}
	kfree(new_leaf);
	return 0;
}

static void kmc_sweep_page(struct kmc_page *page, const struct kmc_cache *cache)
{
	u32 i;

	for (i = 0; i < 4096U >> page->shift; i++) {
		u32 id = READ_ONCE(page->owner[i]);

		if (!id || (cache && READ_ONCE(kmc_pair(id)->cache)))
			continue;
		if (try_cmpxchg(&page->owner[i], &id, 0))
			kmc_give(id);
	}
}

/*
 * Gives back what objects of unmarked caches are charged with. The pairs of
 * @cache have lost their cache before, so nobody writes their numbers any more.
 */
void kmc_owner_sweep(const struct kmc_cache *cache)
{
	unsigned long i, j;

	for (i = 0; i < kmc_top_len; i++) {
		struct kmc_leaf *leaf = READ_ONCE(kmc_top[i]);

		if (!leaf)
			continue;
		for (j = 0; j < ARRAY_SIZE(leaf->page); j++) {
			struct kmc_page *page;

			preempt_disable();
			page = READ_ONCE(leaf->page[j]);
			if (page)
				kmc_sweep_page(page, cache);
			preempt_enable();
		}
		cond_resched();
	}
}

/* Sets the table up, empty. It spans what the direct map has now. */
int kmc_owner_start(void)
{
	unsigned long len;

	if (kmc_top)
		return 0;
	kmc_base = PAGE_OFFSET;
	len = DIV_ROUND_UP((unsigned long)high_memory - PAGE_OFFSET, 1UL << 18);
	kmc_top = vcalloc(len, sizeof(*kmc_top));
	if (!kmc_top)
		return -ENOMEM;
	/* The table before its length. */
	smp_store_release(&kmc_top_len, len);
	return 0;
}

/* Frees the table. Nobody looks at it any more: hooks are off, sweeps are done. */
void kmc_owner_stop(void)
{
	unsigned long i, j;

	for (i = 0; i < kmc_top_len; i++) {
		struct kmc_leaf *leaf = kmc_top[i];

		if (!leaf)
			continue;
		for (j = 0; j < ARRAY_SIZE(leaf->page); j++)
			kfree(leaf->page[j]);
		kfree(leaf);
		cond_resched();
	}
	kmc_top_len = 0;
	vfree(kmc_top);
	kmc_top = NULL;
	atomic_long_set(&kmc_owner_bytes, 0);
}
