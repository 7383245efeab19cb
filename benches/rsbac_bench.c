// SPDX-License-Identifier: GPL-2.0
/*
 * What one allocation and one free cost, ours against the kernel's.
 *
 * Write "KIND SIZE CPUS ROUNDS PAIRS" to /sys/kernel/debug/rsbac_bench/run, with
 * KIND "pairs" or "large", then read "result": a line "CONTESTANT PICOSECONDS"
 * for each measurement, the time of a pair. In a round each contestant has its
 * turn, so that what disturbs one disturbs all. With two CPUs, both work at the
 * same time and the mean of the two is said.
 *
 * kmem_buckets have no destroy, hence this module no unload.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <rsbac/rkmem.h>

#define MAX_CPUS 2
#define MAX_ROUNDS 64

/* What is measured now; set before the threads start. */
static struct kmem_cache *cache, *slab;
static kmem_buckets *buckets;
static size_t size;
static u32 pairs;

/* Between the two the pointer must exist, and no call may be left out. */
#define PAIRS(_alloc, _free)			\
	for (u32 i = 0; i < pairs; i++) {	\
		void *p = (_alloc);		\
						\
		OPTIMIZER_HIDE_VAR(p);		\
		_free;				\
	}

static noinline void pair_kmalloc(void)
{
	PAIRS(kmalloc(size, GFP_KERNEL), kfree(p));
}

static noinline void pair_rsbac(void)
{
	PAIRS(rsbac_kmalloc(size), rsbac_kfree(p));
}

static noinline void pair_rsbac_unlocked(void)
{
	PAIRS(rsbac_kmalloc_unlocked(size), rsbac_kfree(p));
}

static noinline void pair_cache(void)
{
	PAIRS(kmem_cache_alloc(cache, GFP_KERNEL), kmem_cache_free(cache, p));
}

static noinline void pair_rsbac_slab(void)
{
	PAIRS(rsbac_smalloc(slab), rsbac_sfree(slab, p));
}

static noinline void pair_buckets(void)
{
	PAIRS(kmem_buckets_alloc(buckets, size, GFP_KERNEL), kfree(p));
}

static noinline void pair_kvmalloc(void)
{
	PAIRS(kvmalloc(size, GFP_KERNEL), kvfree(p));
}

static noinline void pair_rsbac_vkmalloc(void)
{
	boolean vmalloc_used;

	PAIRS(rsbac_vkmalloc(size, &vmalloc_used),
	      rsbac_vkfree(p, vmalloc_used));
}

struct contestant {
	const char *name;
	void (*run)(void);
};

static const struct contestant small_ones[] = {
	{ "kmalloc", pair_kmalloc },
	{ "rsbac_kmalloc", pair_rsbac },
	{ "rsbac_kmalloc_unlocked", pair_rsbac_unlocked },
	{ "kmem_cache", pair_cache },
	{ "rsbac_smalloc", pair_rsbac_slab },
	{ "kmem_buckets", pair_buckets },
	{}
};

static const struct contestant large_ones[] = {
	{ "kvmalloc", pair_kvmalloc },
	{ "rsbac_vkmalloc", pair_rsbac_vkmalloc },
	{}
};

/* One CPU's share of a measurement. */
static struct share {
	struct completion done;
	void (*run)(void);
	u64 ns;
} shares[MAX_CPUS];
static atomic_t not_ready;

static int do_share(void *data)
{
	struct share *share = data;
	u64 start;

	atomic_dec(&not_ready);
	while (atomic_read(&not_ready))
		cond_resched();
	start = ktime_get_ns();
	share->run();
	share->ns = ktime_get_ns() - start;
	complete(&share->done);
	return 0;
}

/* Picoseconds a pair; 0 if it could not be measured. */
static u64 measure(void (*run)(void), int cpus)
{
	struct task_struct *tasks[MAX_CPUS];
	u64 ns = 0;
	int i;

	for (i = 0; i < cpus; i++) {
		shares[i].run = run;
		init_completion(&shares[i].done);
		tasks[i] = kthread_create(do_share, &shares[i],
					  "rsbac_bench/%d", i);
		if (IS_ERR(tasks[i])) {
			while (i--)
				kthread_stop(tasks[i]);
			return 0;
		}
		kthread_bind(tasks[i], i);
	}
	atomic_set(&not_ready, cpus);
	for (i = 0; i < cpus; i++)
		wake_up_process(tasks[i]);
	for (i = 0; i < cpus; i++) {
		wait_for_completion(&shares[i].done);
		ns += shares[i].ns;
	}
	return div_u64(ns * 1000, pairs * cpus);
}

static DEFINE_MUTEX(lock);
static struct sample {
	const char *name;
	u64 ps;
} samples[MAX_ROUNDS * ARRAY_SIZE(small_ones)];
static int sample_count;

static int run_rounds(const struct contestant *all, int cpus, int rounds)
{
	const struct contestant *one;

	sample_count = 0;
	/* Once without counting, to fill what is kept per CPU. */
	for (one = all; one->name; one++)
		measure(one->run, cpus);
	for (int round = 0; round < rounds; round++)
		for (one = all; one->name; one++)
			samples[sample_count++] = (struct sample) {
				one->name, measure(one->run, cpus)
			};
	return 0;
}

static int run_small(int cpus, int rounds)
{
	int err = -ENOMEM;

	cache = kmem_cache_create("bench_cache", size, 0, SLAB_NO_MERGE, NULL);
	slab = rsbac_slab_create("bench_slab", size);
	if (cache && slab)
		err = run_rounds(small_ones, cpus, rounds);
	kmem_cache_destroy(cache);
	rsbac_slab_destroy(slab);
	return err;
}

static ssize_t run_write(struct file *file, const char __user *from,
			 size_t count, loff_t *pos)
{
	char text[64], kind[8];
	int cpus, rounds, err;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';

	mutex_lock(&lock);
	err = -EINVAL;
	if (sscanf(text, "%7s %zu %d %d %u", kind, &size, &cpus, &rounds,
		   &pairs) != 5 ||
	    !size || !pairs || cpus < 1 || cpus > MAX_CPUS ||
	    cpus > num_online_cpus() || rounds < 1 || rounds > MAX_ROUNDS)
		goto out;
	if (!strcmp(kind, "pairs") && size <= KMALLOC_MAX_SIZE)
		err = run_small(cpus, rounds);
	else if (!strcmp(kind, "large"))
		err = run_rounds(large_ones, cpus, rounds);
out:
	mutex_unlock(&lock);
	return err ? err : count;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.write = run_write,
};

static int result_show(struct seq_file *seq, void *unused)
{
	mutex_lock(&lock);
	for (int i = 0; i < sample_count; i++)
		seq_printf(seq, "%s %llu\n", samples[i].name, samples[i].ps);
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

static int __init rsbac_bench_init(void)
{
	struct dentry *dir;

	buckets = kmem_buckets_create("rsbac_bench", 0, 0, 0, NULL);
	if (!buckets)
		pr_warn("rsbac_bench: no kmem_buckets: kmalloc's stand in\n");
	dir = debugfs_create_dir("rsbac_bench", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("result", 0444, dir, NULL, &result_fops);
	return 0;
}
module_init(rsbac_bench_init);

MODULE_DESCRIPTION("rsbac_mem benchmark: pairs of an allocation and a free");
MODULE_LICENSE("GPL");
