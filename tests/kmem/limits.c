// SPDX-License-Identifier: GPL-2.0
/* Limits: exact, and nobody else's business. */
#include <linux/completion.h>
#include <linux/kthread.h>

#include "kmem_test.h"

#define FIT 10	/* objects */

static void *objs[4 * FIT];

/* Allocates until that fails; how many. */
static int fill(gfp_t gfp)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(objs); i++) {
		objs[i] = kmem_cache_alloc(km_cache, gfp);
		if (!objs[i])
			break;
	}
	return i;
}

static void empty(int n)
{
	while (n--)
		kmem_cache_free(km_cache, objs[n]);
}

static void exactly_as_many_as_fit(void)
{
	u64 failcnt;
	int n;

	KT_NEED(km_begin(0));
	/* Credit that this CPU holds from before must not change the figure. */
	n = fill(GFP_KERNEL);
	KT_EQ(n, 4 * FIT);
	empty(n);
	failcnt = km_t("failcnt");
	KT_EQ(km_max("2000\n"), 0);
	n = fill(GFP_KERNEL);
	KT_EQ(n, FIT);
	KT_EQ(km_t("current"), FIT * OBJ);
	KT_EQ(km_t("failcnt"), failcnt + 1);
	kmem_cache_free(km_cache, objs[--n]);
	objs[n] = kmem_cache_alloc(km_cache, GFP_ATOMIC);
	if (KT_NOT_NULL(objs[n]))
		n++;
	KT_NULL(kmem_cache_alloc(km_cache, GFP_ATOMIC));
	KT_EQ(km_t("failcnt"), failcnt + 2);
	empty(n);
	km_end();
}

static void nofail_does_not_fail(void)
{
	void *more;
	int n;

	KT_NEED(km_begin(0));
	KT_EQ(km_max("2000\n"), 0);
	n = fill(GFP_KERNEL);
	more = kmem_cache_alloc(km_cache, GFP_KERNEL | __GFP_NOFAIL);
	KT_NOT_NULL(more);
	KT_EQ(km_t("current"), (FIT + 1) * OBJ);
	kmem_cache_free(km_cache, more);
	empty(n);
	km_end();
}

static void bulk_fails_as_a_whole(void)
{
	KT_NEED(km_begin(0));
	KT_EQ(km_max("2000\n"), 0);
	KT_TRUE(!kmem_cache_alloc_bulk(km_cache, GFP_KERNEL, FIT + 1, objs));
	KT_EQ(km_t("current"), 0);
	if (KT_TRUE(kmem_cache_alloc_bulk(km_cache, GFP_KERNEL, FIT, objs)))
		kmem_cache_free_bulk(km_cache, FIT, objs);
	km_end();
}

static void below_what_is_used(void)
{
	int n;

	KT_NEED(km_begin(0));
	n = fill(GFP_KERNEL);
	KT_EQ(km_max("400\n"), 0);
	KT_NULL(kmem_cache_alloc(km_cache, GFP_KERNEL));
	KT_EQ(km_t("current"), n * OBJ);
	/* What is freed above the maximum is not for us to use again. */
	while (n > 2 * FIT)
		kmem_cache_free(km_cache, objs[--n]);
	objs[n] = kmem_cache_alloc(km_cache, GFP_KERNEL);
	if (!KT_TRUE(!objs[n]))
		n++;
	KT_EQ(km_t("current"), 2 * FIT * OBJ);
	empty(n);
	objs[0] = kmem_cache_alloc(km_cache, GFP_KERNEL);
	if (KT_NOT_NULL(objs[0]))
		empty(1);
	km_end();
}

static DECLARE_COMPLETION(other_done);
static int other_got;

static int other(void *unused)
{
	void *obj = kmem_cache_alloc(km_cache, GFP_KERNEL);

	other_got = !!obj;
	if (obj)
		kmem_cache_free(km_cache, obj);
	complete(&other_done);
	return 0;
}

static void others_go_on(void)
{
	struct task_struct *task;
	int n;

	KT_NEED(km_begin(0));
	KT_EQ(km_max("2000\n"), 0);
	n = fill(GFP_KERNEL);
	reinit_completion(&other_done);
	other_got = 0;
	task = kthread_run(other, NULL, "kmem_test");
	if (KT_TRUE(!IS_ERR(task)))
		wait_for_completion(&other_done);
	KT_EQ(other_got, 1);
	empty(n);
	km_end();
}

static void zero_is_a_limit(void)
{
	KT_NEED(km_begin(0));
	KT_EQ(km_max("0\n"), 0);
	KT_NULL(kmem_cache_alloc(km_cache, GFP_KERNEL));
	KT_NULL(kmem_cache_alloc_node(km_cache, GFP_KERNEL, NUMA_NO_NODE));
	KT_NULL(kmem_cache_alloc_lru(km_cache, NULL, GFP_KERNEL));
	km_end();
}

static void unmarked_caches_are_not_limited(void)
{
	int n;

	KT_NEED(km_begin(0));
	KT_EQ(km_max("0\n"), 0);
	KT_EQ(km_mark("0"), 0);
	n = fill(GFP_KERNEL);
	KT_EQ(n, 4 * FIT);
	empty(n);
	km_end();
}

const struct kt_test limits_tests[] = {
	KT_TEST(exactly_as_many_as_fit),
	KT_TEST(nofail_does_not_fail),
	KT_TEST(bulk_fails_as_a_whole),
	KT_TEST(below_what_is_used),
	KT_TEST(others_go_on),
	KT_TEST(zero_is_a_limit),
	KT_TEST(unmarked_caches_are_not_limited),
	{}
};
