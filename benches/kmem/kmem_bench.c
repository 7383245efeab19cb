// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs of allocation and free, timed. Under tools/vm --icount a nanosecond is
 * an instruction. Reading a parameter runs one measurement:
 *
 *	kmalloc		a 64-byte kmalloc() and kfree()
 *	other		a 64-byte object of a cache that nobody marks
 *	pair		a 64-byte object of the cache kmem_bench
 *	account		the same with __GFP_ACCOUNT
 *	ring		the same, each object freed 64 allocations later
 *
 * "live" objects of kmem_bench are kept beside. Figures are the median of
 * rounds, in hundredths of a nanosecond per pair.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>

#define SIZE	64
#define PAIRS	2000
#define ROUNDS	9

static struct kmem_cache *cache, *other;
static void **kept;
static unsigned int live;

enum what { KMALLOC, OTHER, PAIR, ACCOUNT, RING };

static void pairs(enum what what)
{
	void *ring[64] = {};
	int i;

	for (i = 0; i < PAIRS; i++) {
		switch (what) {
		case KMALLOC:
			kfree(kmalloc(SIZE, GFP_KERNEL));
			break;
		case OTHER:
			kmem_cache_free(other, kmem_cache_alloc(other, GFP_KERNEL));
			break;
		case PAIR:
			kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
			break;
		case ACCOUNT:
			kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL_ACCOUNT));
			break;
		case RING:
			if (ring[i % 64])
				kmem_cache_free(cache, ring[i % 64]);
			ring[i % 64] = kmem_cache_alloc(cache, GFP_KERNEL);
			break;
		}
	}
	for (i = 0; i < 64; i++)
		if (ring[i])
			kmem_cache_free(cache, ring[i]);
}

static int by_size(const void *a, const void *b)
{
	return *(u64 *)a < *(u64 *)b ? -1 : 1;
}

static int run_get(char *buf, const struct kernel_param *kp)
{
	enum what what = (enum what)(uintptr_t)kp->arg;
	u64 took[ROUNDS];
	int i;

	pairs(what);
	for (i = 0; i < ROUNDS; i++) {
		u64 start = ktime_get_ns();

		pairs(what);
		took[i] = ktime_get_ns() - start;
	}
	sort(took, ROUNDS, sizeof(*took), by_size, NULL);
	return sysfs_emit(buf, "%llu\n", took[ROUNDS / 2] * 100 / PAIRS);
}

static int live_set(const char *text, const struct kernel_param *kp)
{
	unsigned int wanted;

	if (kstrtouint(text, 0, &wanted) || wanted > 1000000 || !kept)
		return -EINVAL;
	while (live > wanted)
		kmem_cache_free(cache, kept[--live]);
	while (live < wanted) {
		kept[live] = kmem_cache_alloc(cache, GFP_KERNEL);
		if (!kept[live])
			return -ENOMEM;
		live++;
	}
	return 0;
}

static const struct kernel_param_ops run_ops = { .get = run_get };
static const struct kernel_param_ops live_ops = { .set = live_set, .get = param_get_uint };

module_param_cb(kmalloc, &run_ops, (void *)KMALLOC, 0444);
module_param_cb(other, &run_ops, (void *)OTHER, 0444);
module_param_cb(pair, &run_ops, (void *)PAIR, 0444);
module_param_cb(account, &run_ops, (void *)ACCOUNT, 0444);
module_param_cb(ring, &run_ops, (void *)RING, 0444);
module_param_cb(live, &live_ops, &live, 0644);

static int __init bench_init(void)
{
	kept = kvcalloc(1000000, sizeof(*kept), GFP_KERNEL);
	cache = kmem_cache_create("kmem_bench", SIZE, 0, SLAB_NO_MERGE, NULL);
	other = kmem_cache_create("kmem_bench_other", SIZE, 0, SLAB_NO_MERGE, NULL);
	return kept && cache && other ? 0 : -ENOMEM;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	while (live)
		kmem_cache_free(cache, kept[--live]);
	kmem_cache_destroy(cache);
	kmem_cache_destroy(other);
	kvfree(kept);
}
module_exit(bench_exit);

MODULE_DESCRIPTION("rsbac_mem benches: pairs of marked and unmarked caches");
MODULE_LICENSE("GPL");
