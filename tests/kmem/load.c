// SPDX-License-Identifier: GPL-2.0
/* Many objects, all CPUs, and marks that change under them. */
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/maple_tree.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "kmem_test.h"

#define OBJS 512

static struct {
	struct task_struct *task;
	struct rnd_state rnd;
	u32 rounds;
} workers[8];

/* Objects go through here from one worker to another. */
static void *pool[OBJS];

static void swap_one(struct rnd_state *rnd)
{
	u32 dice = prandom_u32_state(rnd);
	void *obj = NULL;

	if (dice & 1)
		obj = kmem_cache_alloc(km_cache, dice & 2 ? GFP_KERNEL : GFP_ATOMIC);
	obj = xchg(&pool[(dice >> 8) % OBJS], obj);
	if (obj && dice & 4)
		kmem_cache_free(km_cache, obj);
	else
		kfree(obj);
}

static int worker(void *arg)
{
	long n = (long)arg;
	u32 i;

	for (i = 0; i < workers[n].rounds; i++) {
		swap_one(&workers[n].rnd);
		if (i % 256 == 0)
			cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Runs @during while all CPUs allocate and free; then frees what is left. */
static void under_load(u32 rounds, void (*during)(void))
{
	long n, count = min_t(long, num_online_cpus(), ARRAY_SIZE(workers));
	int i;

	KT_NEED(km_begin(0));
	for (n = 0; n < count; n++) {
		prandom_seed_state(&workers[n].rnd, 4711 + n);
		workers[n].rounds = kt_loops(rounds);
		workers[n].task = kthread_create(worker, (void *)n, "kmem_test/%ld", n);
		if (!KT_TRUE(!IS_ERR(workers[n].task)))
			break;
		kthread_bind(workers[n].task, n);
		wake_up_process(workers[n].task);
	}
	if (during)
		during();
	while (n--)
		kthread_stop(workers[n].task);
	for (i = 0; i < OBJS; i++) {
		kfree(pool[i]);
		pool[i] = NULL;
	}
	km_end();
}

static void all_cpus_come_back_to_zero(void)
{
	under_load(200000, NULL);
}

static void mark_and_unmark(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		KT_EQ(km_mark("0"), 0);
		KT_EQ(km_root("current"), 0);
		KT_EQ(km_mark("1"), 0);
	}
}

static void marks_may_change_under_load(void)
{
	under_load(100000, mark_and_unmark);
}

/* Maple nodes come from prefilled sheaves, which no tracepoint tells apart. */
static void prefilled_sheaves_are_seen(void)
{
	static DEFINE_MTREE(tree);
	static const char mark[] = "/sys/kernel/slab/maple_node/cache_account";
	u64 before, full;
	long i;

	KT_EQ(km_write(mark, "1"), 0);
	before = km_t("current");
	for (i = 0; i < 2000; i++)
		if (!KT_EQ(mtree_store_range(&tree, i * 10, i * 10 + 5, &tree, GFP_KERNEL), 0))
			break;
	full = km_t("current");
	KT_TRUE(full >= before + 100 * 256);
	mtree_destroy(&tree);
	rcu_barrier();
	KT_TRUE(km_t("current") <= before + 4 * 256);
	KT_EQ(km_write(mark, "0"), 0);
	KT_EQ(km_t("current"), 0);
}

static void a_million_objects(void)
{
	u32 n = kt_loops(1000000), i;
	void **objs = kvcalloc(n, sizeof(*objs), GFP_KERNEL);
	u64 bytes;

	KT_NEED(objs);
	if (!km_begin(0))
		goto out;
	for (i = 0; i < n; i++) {
		objs[i] = kmem_cache_alloc(km_cache, GFP_KERNEL);
		if (!KT_NOT_NULL(objs[i]))
			break;
		if (i % 1024 == 0)
			cond_resched();
	}
	n = i;
	KT_EQ(km_t("current"), (u64)n * OBJ);
	bytes = kt_number_in("/sys/kernel/rsbac_mem/kmem_cgroup/bookkeeping_bytes");
	kt_note("# %u objects, %llu bytes of them, %llu bytes of bookkeeping", n,
		(u64)n * OBJ, bytes);
	KT_TRUE(kt_scale > 1 || bytes <= (u64)n * OBJ / 8);
	for (i = 0; i < n; i++) {
		kmem_cache_free(km_cache, objs[i]);
		if (i % 1024 == 0)
			cond_resched();
	}
	km_end();
out:
	kvfree(objs);
}

const struct kt_test load_tests[] = {
	KT_TEST(all_cpus_come_back_to_zero),
	KT_TEST(marks_may_change_under_load),
	KT_TEST(prefilled_sheaves_are_seen),
	KT_TEST(a_million_objects),
	{}
};
