// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs of allocation and free, timed by the cycle counter. Under tools/vm
 * --icount a cycle is an instruction. Reading a parameter runs one measurement:
 *
 *	kmalloc		a 64-byte kmalloc() and kfree()
 *	other		a 64-byte object of a cache that nobody marks
 *	pair		a 64-byte object of the cache kmem_bench
 *	account		such a pair with __GFP_ACCOUNT, of a cache of its own
 *	ring		the same, each object freed 64 allocations later
 *	cpus		how many times the pairs of one CPU all of them get done at the
 *			same time, in hundredths; by the clock, so without --icount
 *	neighbour	makes a cache that our probe cannot tell from "other" by its
 *			address, and says its name: marked, it sends "other" through
 *			all of our hooks, but for the accounting itself
 *
 * "live" objects of kmem_bench are kept beside. Figures are those of the best of
 * many short rounds, in hundredths of a cycle per pair: the emulated clock jumps
 * at ticks, so the best is a round that none has hit.
 */
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/timex.h>

#define SIZE	64
#define PAIRS	500
#define ROUNDS	31

static struct kmem_cache *cache, *other, *accounted;
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
			kmem_cache_free(accounted, kmem_cache_alloc(accounted, GFP_KERNEL_ACCOUNT));
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

static int by_size(const void *left, const void *right)
{
	u64 l = *(const u64 *)left, r = *(const u64 *)right;

	return l < r ? -1 : l > r;
}

/* Emulated clocks are brought up to date by access to a port, and not by rdtsc. */
static u64 now(void)
{
	inb(0x80);
	return get_cycles();
}

static int run_get(char *buf, const struct kernel_param *kp)
{
	enum what what = (enum what)(uintptr_t)kp->arg;
	u64 best = U64_MAX;
	int i;

	pairs(what);
	for (i = 0; i < ROUNDS; i++) {
		u64 start = now();

		pairs(what);
		best = min(best, now() - start);
	}
	return sysfs_emit(buf, "%llu\n", best * 100 / PAIRS);
}

static DECLARE_COMPLETION(all_done);
static atomic_t running;
static ktime_t until;

static int count_pairs(void *count)
{
	u64 done = 0;

	while (ktime_before(ktime_get(), until)) {
		pairs(PAIR);
		done += PAIRS;
		cond_resched();
	}
	*(u64 *)count = done;
	if (atomic_dec_and_test(&running))
		complete(&all_done);
	return 0;
}

/* Pairs that the first @cpus CPUs get done in a second, together. */
static u64 throughput(int cpus)
{
	u64 counts[NR_CPUS > 64 ? 64 : NR_CPUS] = {}, sum = 0;
	int cpu, tried = 0, started = 0;

	reinit_completion(&all_done);
	atomic_set(&running, cpus);
	until = ktime_add_ms(ktime_get(), 1000);
	for_each_online_cpu(cpu) {
		struct task_struct *task;

		if (tried++ == cpus)
			break;
		task = kthread_create_on_cpu(count_pairs, &counts[started], cpu, "kmem_bench/%u");
		if (!IS_ERR(task)) {
			started++;
			wake_up_process(task);
		} else if (atomic_dec_and_test(&running)) {
			complete(&all_done);
		}
	}
	/* Those that were started write to our stack. */
	wait_for_completion(&all_done);
	if (started < cpus)
		return 0;
	while (started--)
		sum += counts[started];
	return sum;
}

static int cpus_get(char *buf, const struct kernel_param *kp)
{
	int n = min(num_online_cpus(), 64);
	u64 ratios[7];
	int i;

	for (i = 0; i < ARRAY_SIZE(ratios); i++) {
		u64 one = throughput(1);

		ratios[i] = one ? div64_u64(throughput(n) * 100, one) : 0;
	}
	sort(ratios, ARRAY_SIZE(ratios), sizeof(*ratios), by_size, NULL);
	return sysfs_emit(buf, "%llu %llu %llu\n", ratios[ARRAY_SIZE(ratios) / 2], ratios[0],
			  ratios[ARRAY_SIZE(ratios) - 1]);
}

static struct kmem_cache *passed[8192], *neighbour;

/* As the module's kmc_place() has it. */
static unsigned long place(const struct kmem_cache *s)
{
	return ((unsigned long)s >> 8) % 256;
}

static int neighbour_get(char *buf, const struct kernel_param *kp)
{
	char name[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(passed) && !neighbour; i++) {
		snprintf(name, sizeof(name), "kmem_bench_%d", i);
		passed[i] = kmem_cache_create(name, SIZE, 0, SLAB_NO_MERGE, NULL);
		if (!passed[i])
			return -ENOMEM;
		if (place(passed[i]) == place(other))
			swap(neighbour, passed[i]);
	}
	return neighbour ? sysfs_emit(buf, "%s\n", name) : -ENOENT;
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
static const struct kernel_param_ops cpus_ops = { .get = cpus_get };
static const struct kernel_param_ops neighbour_ops = { .get = neighbour_get };
static const struct kernel_param_ops live_ops = { .set = live_set, .get = param_get_uint };

module_param_cb(kmalloc, &run_ops, (void *)KMALLOC, 0444);
module_param_cb(other, &run_ops, (void *)OTHER, 0444);
module_param_cb(pair, &run_ops, (void *)PAIR, 0444);
module_param_cb(account, &run_ops, (void *)ACCOUNT, 0444);
module_param_cb(ring, &run_ops, (void *)RING, 0444);
module_param_cb(cpus, &cpus_ops, NULL, 0444);
module_param_cb(neighbour, &neighbour_ops, NULL, 0444);
module_param_cb(live, &live_ops, &live, 0644);

static int __init bench_init(void)
{
	kept = kvcalloc(1000000, sizeof(*kept), GFP_KERNEL);
	cache = kmem_cache_create("kmem_bench", SIZE, 0, SLAB_NO_MERGE, NULL);
	other = kmem_cache_create("kmem_bench_other", SIZE, 0, SLAB_NO_MERGE, NULL);
	accounted = kmem_cache_create("kmem_bench_accounted", SIZE, 0, SLAB_NO_MERGE, NULL);
	return kept && cache && other && accounted ? 0 : -ENOMEM;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(passed); i++)
		kmem_cache_destroy(passed[i]);
	kmem_cache_destroy(neighbour);
	while (live)
		kmem_cache_free(cache, kept[--live]);
	kmem_cache_destroy(cache);
	kmem_cache_destroy(other);
	kmem_cache_destroy(accounted);
	kvfree(kept);
}
module_exit(bench_exit);

MODULE_DESCRIPTION("rsbac_mem benches: pairs of marked and unmarked caches");
MODULE_LICENSE("GPL");
