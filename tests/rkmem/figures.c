// SPDX-License-Identifier: GPL-2.0
/* The figures under /sys/kernel/rsbac_mem/slabs/: exact, also under load. */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>

#include "rkmem_test.h"

#define SLAB "rkmem_test_figures"

static struct kmem_cache *slab;

static void figures_follow_each_call(void)
{
	void *objects[10];

	slab = rsbac_slab_create(SLAB, 100);
	KT_NEED(slab);
	for (int i = 0; i < 10; i++) {
		objects[i] = rsbac_smalloc(slab);
		KT_NOT_NULL(objects[i]);
		KT_EQ(slab_figure(SLAB, "objects"), i + 1);
		KT_EQ(slab_figure(SLAB, "bytes"), (i + 1) * 100);
		KT_EQ(slab_figure(SLAB, "allocs"), i + 1);
		KT_EQ(slab_figure(SLAB, "peak_bytes"), (i + 1) * 100);
	}
	for (int i = 0; i < 10; i++) {
		rsbac_sfree(slab, objects[i]);
		KT_EQ(slab_figure(SLAB, "objects"), 9 - i);
		KT_EQ(slab_figure(SLAB, "bytes"), (9 - i) * 100);
		KT_EQ(slab_figure(SLAB, "frees"), i + 1);
		KT_EQ(slab_figure(SLAB, "peak_bytes"), 1000);
	}
	KT_EQ(slab_figure(SLAB, "object_size"), 100);
	KT_EQ(slab_figure(SLAB, "failed"), 0);
	rsbac_slab_destroy(slab);
}

/*
 * A peak between two looks at the figures may be missed, but by no more than
 * one batch of allocations for each CPU.
 */
static void peak_lags_by_a_batch_at_most(void)
{
	const u64 batch = max(roundup_pow_of_two(nr_cpu_ids), 64UL);
	const u64 lag = batch * num_possible_cpus() * 16;
	static void *objects[2000];
	u64 peak;

	slab = rsbac_slab_create(SLAB, 16);
	KT_NEED(slab);
	for (int i = 0; i < ARRAY_SIZE(objects); i++)
		objects[i] = rsbac_smalloc(slab);
	for (int i = 0; i < ARRAY_SIZE(objects); i++)
		rsbac_sfree(slab, objects[i]);
	peak = slab_figure(SLAB, "peak_bytes");
	KT_TRUE(peak <= sizeof(objects) / sizeof(*objects) * 16);
	KT_TRUE(peak + lag >= sizeof(objects) / sizeof(*objects) * 16);
	rsbac_slab_destroy(slab);
}

#define RUNNERS 2
#define ROUNDS 20000

static struct runner {
	struct completion done;
	u64 allocs;
	u64 frees;
	void *kept[100];
} runners[RUNNERS];

/* Allocates and frees at random; keeps at most as many as @kept holds. */
static int run(void *data)
{
	struct runner *me = data;
	u64 random = 88172645463325252ULL + (me - runners);
	u32 rounds = kt_loops(ROUNDS);

	for (u32 i = 0; i < rounds; i++) {
		void **slot;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		slot = &me->kept[random % ARRAY_SIZE(me->kept)];
		if (*slot) {
			rsbac_sfree(slab, *slot);
			*slot = NULL;
			me->frees++;
		} else {
			*slot = rsbac_smalloc(slab);
			if (*slot)
				me->allocs++;
		}
		if (i % 256 == 0)
			cond_resched();
	}
	complete(&me->done);
	return 0;
}

static bool start_runner(struct runner *runner, int cpu)
{
	struct task_struct *task;

	*runner = (struct runner) {};
	init_completion(&runner->done);
	task = kthread_create(run, runner, "rkmem_test/%d", cpu);
	if (IS_ERR(task))
		return false;
	kthread_bind(task, cpu);
	wake_up_process(task);
	return true;
}

static void figures_are_exact_under_load(void)
{
	u64 allocs = 0, frees = 0;
	int cpu = -1, started = 0;

	slab = rsbac_slab_create(SLAB, 48);
	KT_NEED(slab);
	for (int i = 0; i < RUNNERS; i++) {
		cpu = cpumask_next_wrap(cpu, cpu_online_mask);
		if (!KT_TRUE(start_runner(&runners[i], cpu)))
			break;
		started++;
	}
	for (int i = 0; i < started; i++) {
		wait_for_completion(&runners[i].done);
		allocs += runners[i].allocs;
		frees += runners[i].frees;
	}
	KT_TRUE(frees);
	KT_EQ(slab_figure(SLAB, "allocs"), allocs);
	KT_EQ(slab_figure(SLAB, "frees"), frees);
	KT_EQ(slab_figure(SLAB, "objects"), allocs - frees);
	KT_EQ(slab_figure(SLAB, "bytes"), (allocs - frees) * 48);
	KT_TRUE(slab_figure(SLAB, "peak_bytes") >= (allocs - frees) * 48);
	KT_TRUE(slab_figure(SLAB, "peak_bytes") <=
		RUNNERS * ARRAY_SIZE(runners[0].kept) * 48);
	for (int i = 0; i < started; i++)
		for (int j = 0; j < ARRAY_SIZE(runners[i].kept); j++)
			rsbac_sfree(slab, runners[i].kept[j]);
	KT_EQ(slab_figure(SLAB, "objects"), 0);
	rsbac_slab_destroy(slab);
}

/* Each class counts for itself, by its size and not by what was asked for. */
static void each_class_counts_for_itself(void)
{
	u64 bytes = slab_figure("rsbac-512", "bytes");
	u64 others = slab_figure("rsbac-1k", "allocs");
	void *p = rsbac_kmalloc(257), *q = rsbac_kmalloc(512);

	KT_TRUE(p && q);
	KT_EQ(slab_figure("rsbac-512", "object_size"), 512);
	KT_EQ(slab_figure("rsbac-512", "bytes"), bytes + 1024);
	KT_EQ(slab_figure("rsbac-1k", "allocs"), others);
	rsbac_kfree(p);
	rsbac_kfree(q);
	KT_EQ(slab_figure("rsbac-512", "bytes"), bytes);
}

/* With interrupts off nothing can be reclaimed: soon the largest class fails. */
static void failures_are_counted(void)
{
	u64 before = slab_figure("rsbac-4M", "failed");
	static void *objects[4096];
	unsigned long flags;
	int count = 0;

	local_irq_save(flags);
	while (count < ARRAY_SIZE(objects)) {
		objects[count] = rsbac_kmalloc(SZ_4M);
		if (!objects[count])
			break;
		count++;
	}
	local_irq_restore(flags);
	KT_TRUE(count && count < ARRAY_SIZE(objects));
	/* Reading files takes memory as well. */
	rsbac_kfree(objects[--count]);
	KT_EQ(slab_figure("rsbac-4M", "failed"), before + 1);
	KT_TRUE(slab_figure("rsbac-4M", "objects") >= count);
	while (count)
		rsbac_kfree(objects[--count]);
}

const struct kt_test figures_tests[] = {
	KT_TEST(figures_follow_each_call),
	KT_TEST(peak_lags_by_a_batch_at_most),
	KT_TEST(figures_are_exact_under_load),
	KT_TEST(each_class_counts_for_itself),
	KT_TEST(failures_are_counted),
	{}
};
