// SPDX-License-Identifier: GPL-2.0
/* Every way in which an object comes and goes. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "kmem_test.h"

#define N 100

struct object {
	struct rcu_head rcu;
	char rest[OBJ - sizeof(struct rcu_head)];
};

static void *objs[N];

static bool fill(gfp_t gfp)
{
	int i;

	for (i = 0; i < N; i++) {
		objs[i] = kmem_cache_alloc(km_cache, gfp);
		if (!KT_NOT_NULL(objs[i]))
			break;
	}
	return i == N && KT_EQ(km_t("current"), N * OBJ);
}

static void empty(void)
{
	int i;

	for (i = 0; i < N; i++)
		kmem_cache_free(km_cache, objs[i]);
}

static void kmem_cache_free_is_seen(void)
{
	KT_NEED(km_begin(0));
	if (fill(GFP_KERNEL)) {
		kmem_cache_free(km_cache, objs[N - 1]);
		KT_EQ(km_t("current"), (N - 1) * OBJ);
		objs[N - 1] = kmem_cache_alloc(km_cache, GFP_KERNEL);
		KT_EQ(km_t("current"), N * OBJ);
	}
	empty();
	km_end();
}

static void kfree_is_seen(void)
{
	int i;

	KT_NEED(km_begin(0));
	fill(GFP_KERNEL);
	for (i = 0; i < N; i++)
		kfree(objs[i]);
	km_end();
}

static void kfree_rcu_is_seen(void)
{
	int i;

	KT_NEED(km_begin(0));
	fill(GFP_KERNEL);
	for (i = 0; i < N; i++) {
		struct object *obj = objs[i];

		if (i % 2)
			kfree_rcu(obj, rcu);
		else
			kfree_rcu_mightsleep(obj);
	}
	KT_EQ(km_t("current"), 0);
	km_end();
}

static void call_rcu_free(struct rcu_head *rcu)
{
	kmem_cache_free(km_cache, container_of(rcu, struct object, rcu));
}

static void free_in_softirq_is_seen(void)
{
	int i;

	KT_NEED(km_begin(0));
	fill(GFP_KERNEL);
	for (i = 0; i < N; i++)
		call_rcu(&((struct object *)objs[i])->rcu, call_rcu_free);
	rcu_barrier();
	km_end();
}

static void bulk_is_seen(void)
{
	KT_NEED(km_begin(0));
	if (KT_TRUE(kmem_cache_alloc_bulk(km_cache, GFP_KERNEL, N, objs))) {
		KT_EQ(km_t("current"), N * OBJ);
		kmem_cache_free_bulk(km_cache, N / 2, objs);
		KT_EQ(km_t("current"), N / 2 * OBJ);
		kfree_bulk(N / 2, objs + N / 2);
	}
	km_end();
}

static void node_and_lru_are_seen(void)
{
	KT_NEED(km_begin(0));
	objs[0] = kmem_cache_alloc_node(km_cache, GFP_KERNEL, 0);
	objs[1] = kmem_cache_alloc_lru(km_cache, NULL, GFP_KERNEL);
	KT_EQ(km_t("current"), 2 * OBJ);
	kmem_cache_free(km_cache, objs[0]);
	kmem_cache_free(km_cache, objs[1]);
	km_end();
}

static void typesafe_by_rcu_is_seen(void)
{
	KT_NEED(km_begin(SLAB_TYPESAFE_BY_RCU));
	fill(GFP_KERNEL);
	empty();
	fill(GFP_KERNEL);
	empty();
	km_end();
}

static void atomic_allocations_are_seen(void)
{
	unsigned long flags;
	int i;

	KT_NEED(km_begin(0));
	local_irq_save(flags);
	for (i = 0; i < N; i++)
		objs[i] = kmem_cache_alloc(km_cache, GFP_ATOMIC);
	local_irq_restore(flags);
	KT_EQ(km_t("current"), N * OBJ);
	local_irq_save(flags);
	for (i = 0; i < N; i++)
		kmem_cache_free(km_cache, objs[i]);
	local_irq_restore(flags);
	km_end();
}

static void alloc_there(struct irq_work *work)
{
	objs[0] = kmem_cache_alloc(km_cache, GFP_ATOMIC);
}

static void interrupts_charge_the_root(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(alloc_there);

	KT_NEED(km_begin(0));
	irq_work_queue(&work);
	irq_work_sync(&work);
	KT_NOT_NULL(objs[0]);
	KT_EQ(km_t("current"), 0);
	KT_EQ(km_root("current"), OBJ);
	kmem_cache_free(km_cache, objs[0]);
	km_end();
}

static void objects_from_before_do_not_count(void)
{
	KT_NEED(km_begin(0));
	KT_EQ(km_mark("0"), 0);
	objs[0] = kmem_cache_alloc(km_cache, GFP_KERNEL);
	objs[1] = kmem_cache_alloc(km_cache, GFP_KERNEL);
	KT_EQ(km_mark("1"), 0);
	KT_EQ(km_t("current"), 0);
	objs[2] = kmem_cache_alloc(km_cache, GFP_KERNEL);
	kmem_cache_free(km_cache, objs[0]);
	KT_EQ(km_t("current"), OBJ);
	kmem_cache_free(km_cache, objs[2]);
	KT_EQ(km_t("current"), 0);
	kmem_cache_free(km_cache, objs[1]);
	km_end();
}

static void unmarking_gives_all_back_at_once(void)
{
	KT_NEED(km_begin(0));
	fill(GFP_KERNEL);
	KT_EQ(km_mark("0"), 0);
	KT_EQ(km_t("current"), 0);
	KT_EQ(km_mark("1"), 0);
	KT_EQ(km_t("current"), 0);
	empty();
	KT_EQ(km_t("current"), 0);
	fill(GFP_KERNEL);
	empty();
	km_end();
}

/* Freed while nobody looked, and allocated again: it must count once. */
static void reuse_after_a_missed_free(void)
{
	KT_NEED(km_begin(0));
	fill(GFP_KERNEL);
	KT_EQ(km_mark("0"), 0);
	empty();
	KT_EQ(km_mark("1"), 0);
	fill(GFP_KERNEL);
	empty();
	km_end();
}

/* Of each size that owners are told apart by in another way. */
static void every_size_is_seen(void)
{
	static const u16 sizes[] = { 8, 16, 24, 40, 63, 64, 72, 4096, 5000 };
	struct kmem_cache *cache;
	int n, i;

	KT_NEED(km_begin(0));
	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		cache = kmem_cache_create("kmem_size", sizes[n], 0, SLAB_NO_MERGE, NULL);
		if (!KT_NOT_NULL(cache))
			break;
		KT_EQ(km_mark_other("kmem_size", "1"), 0);
		for (i = 0; i < N; i++)
			KT_NOT_NULL(objs[i] = kmem_cache_alloc(cache, GFP_KERNEL));
		KT_EQ(km_t("current"), N * kmem_cache_size(cache));
		for (i = 0; i < N; i++) {
			if (i % 2)
				kmem_cache_free(cache, objs[i]);
			else
				kfree(objs[i]);
		}
		KT_EQ(km_t("current"), 0);
		KT_EQ(km_root("current"), 0);
		kmem_cache_destroy(cache);
	}
	km_end();
}

/* The module tells caches apart by this byte of their address at first. */
static u8 place(const struct kmem_cache *cache)
{
	return (unsigned long)cache >> 8;
}

static struct {
	struct kmem_cache *cache;
	char name[24];
} all[300];

/* Makes caches until two of them lie so, and leaves these in all[0] and all[1]. */
static int make_neighbours(void)
{
	int n, i;

	for (n = 0; n < ARRAY_SIZE(all); n++) {
		snprintf(all[n].name, sizeof(all[n].name), "kmem_place_%d", n);
		all[n].cache = kmem_cache_create(all[n].name, OBJ, 0, SLAB_NO_MERGE, NULL);
		if (!KT_NOT_NULL(all[n].cache))
			break;
		for (i = 0; i < n; i++) {
			if (place(all[i].cache) != place(all[n].cache))
				continue;
			swap(all[0], all[i]);
			swap(all[1], all[n]);
			return n + 1;
		}
	}
	kt_fail("no two of %d caches are in one place", n);
	return n;
}

static void caches_in_one_place(void)
{
	int n;

	KT_NEED(km_begin(0));
	n = make_neighbours();
	if (!kt_failed()) {
		KT_EQ(km_mark_other(all[0].name, "1"), 0);
		/* Unmarked, it must not take what is charged in advance for the other. */
		KT_NOT_NULL(objs[3] = kmem_cache_alloc(all[0].cache, GFP_KERNEL));
		KT_NOT_NULL(objs[0] = kmem_cache_alloc(all[1].cache, GFP_KERNEL));
		KT_EQ(km_t("current"), OBJ);
		kmem_cache_free(all[0].cache, objs[3]);
		KT_EQ(km_t("current"), 0);
		KT_EQ(km_mark_other(all[1].name, "1"), 0);
		KT_NOT_NULL(objs[1] = kmem_cache_alloc(all[1].cache, GFP_KERNEL));
		KT_NOT_NULL(objs[2] = kmem_cache_alloc(all[0].cache, GFP_KERNEL));
		KT_EQ(km_t("current"), 2 * OBJ);
		kmem_cache_free(all[1].cache, objs[0]);
		KT_EQ(km_t("current"), 2 * OBJ);
		/* The place goes to the other, and not what was charged there. */
		KT_EQ(km_mark_other(all[0].name, "0"), 0);
		KT_EQ(km_t("current"), OBJ);
		KT_EQ(km_mark_other(all[1].name, "0"), 0);
		KT_EQ(km_mark_other(all[1].name, "1"), 0);
		KT_EQ(km_t("current"), 0);
		KT_NOT_NULL(objs[0] = kmem_cache_alloc(all[1].cache, GFP_KERNEL));
		KT_EQ(km_t("current"), OBJ);
		kmem_cache_free(all[0].cache, objs[2]);
		kmem_cache_free(all[1].cache, objs[1]);
		KT_EQ(km_t("current"), OBJ);
		kmem_cache_free(all[1].cache, objs[0]);
	}
	while (n--)
		kmem_cache_destroy(all[n].cache);
	km_end();
}

static DECLARE_COMPLETION(in_ctor);
static DECLARE_COMPLETION(go_on);
static struct kmem_cache *slow_cache;
static bool slow;
static int slow_count;

static void slow_ctor(void *obj)
{
	if (!slow)
		return;
	slow = false;
	complete(&in_ctor);
	wait_for_completion(&go_on);
}

static void free_slow(void)
{
	while (slow_count)
		kmem_cache_free(slow_cache, objs[--slow_count]);
}

/* By the quick path: with charges in advance, and in memory that is known. */
static void alloc_slowly(struct work_struct *work)
{
	while (slow_count < N)
		objs[slow_count++] = kmem_cache_alloc(slow_cache, GFP_KERNEL);
	free_slow();
	kmem_cache_shrink(slow_cache);
	slow = true;
	while (slow && slow_count < N)
		objs[slow_count++] = kmem_cache_alloc(slow_cache, GFP_KERNEL);
}

static void finish_ctor(struct work_struct *work)
{
	complete(&go_on);
}

/* Charged while the cache was marked, and allocated when it is no longer. */
static void unmarking_waits_for_allocations(void)
{
	static DECLARE_WORK(alloc, alloc_slowly);
	static DECLARE_DELAYED_WORK(finish, finish_ctor);

	KT_NEED(km_begin(0));
	reinit_completion(&in_ctor);
	reinit_completion(&go_on);
	slow_count = 0;
	slow_cache = kmem_cache_create("kmem_slow", OBJ, 0, SLAB_NO_MERGE, slow_ctor);
	if (KT_NOT_NULL(slow_cache)) {
		KT_EQ(km_mark_other("kmem_slow", "1"), 0);
		queue_work_on(0, system_percpu_wq, &alloc);
		wait_for_completion(&in_ctor);
		KT_EQ(km_root("current"), slow_count * OBJ + OBJ);
		queue_delayed_work(system_dfl_wq, &finish, msecs_to_jiffies(100));
		KT_EQ(km_mark_other("kmem_slow", "0"), 0);
		flush_work(&alloc);
		KT_EQ(km_root("current"), 0);
		free_slow();
		kmem_cache_destroy(slow_cache);
	}
	km_end();
}

static void destroyed_caches_leave_nothing(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		KT_NEED(km_begin(0));
		fill(GFP_KERNEL);
		empty();
		km_end();
	}
	KT_TRUE(!km_table_has("kmem_test "));
}

const struct kt_test paths_tests[] = {
	KT_TEST(kmem_cache_free_is_seen),
	KT_TEST(kfree_is_seen),
	KT_TEST(kfree_rcu_is_seen),
	KT_TEST(free_in_softirq_is_seen),
	KT_TEST(bulk_is_seen),
	KT_TEST(node_and_lru_are_seen),
	KT_TEST(typesafe_by_rcu_is_seen),
	KT_TEST(atomic_allocations_are_seen),
	KT_TEST(interrupts_charge_the_root),
	KT_TEST(objects_from_before_do_not_count),
	KT_TEST(unmarking_gives_all_back_at_once),
	KT_TEST(reuse_after_a_missed_free),
	KT_TEST(every_size_is_seen),
	KT_TEST(caches_in_one_place),
	KT_TEST(unmarking_waits_for_allocations),
	KT_TEST(destroyed_caches_leave_nothing),
	{}
};
