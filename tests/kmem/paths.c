// SPDX-License-Identifier: GPL-2.0
/* Every way in which an object comes and goes. */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/rcupdate.h>

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
	KT_TEST(destroyed_caches_leave_nothing),
	{}
};
