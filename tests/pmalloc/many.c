// SPDX-License-Identifier: GPL-2.0
/* Many pools, large ones, and readers that come late. */
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "pmalloc_test.h"

static void ten_thousand_pools(void)
{
	u32 i, n = kt_loops(10000);
	struct pmalloc_pool **pools = kvcalloc(n, sizeof(*pools), GFP_KERNEL);
	u64 **words = kvcalloc(n, sizeof(*words), GFP_KERNEL);

	KT_NEED(pools && words);
	for (i = 0; i < n; i++) {
		pools[i] = pmalloc_create_pool(i % 5);
		words[i] = pools[i] ? pmalloc(pools[i], 8) : NULL;
		if (!KT_NOT_NULL(words[i]))
			break;
		if (i % 5 == PMALLOC_MODE_START_WR)
			wr_ulonglong((unsigned long long *)words[i], i);
		else
			*words[i] = i;
		pmalloc_protect_pool(pools[i]);
		if (!(i % 64))
			cond_resched();
	}
	KT_EQ(figure("pools"), n);
	KT_TRUE(line_in(PMALLOC_SYSFS "audit", "bad 0\n"));
	for (i = 0; i < n && words[i]; i++)
		if (*words[i] != i || !write_faults(words[i], 1)) {
			kt_fail("pool %u is damaged", i);
			break;
		}
	for (i = 0; i < n; i++) {
		pmalloc_destroy_pool(pools[i]);
		if (!(i % 64))
			cond_resched();
	}
	KT_EQ(figure("pools"), 0);
	kvfree(pools);
	kvfree(words);
}

static void large_areas(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_custom_pool(SZ_2M, -1, PMALLOC_MODE_WR);
	u64 reserved, splits = figure("splits");
	u8 *a, *b;

	KT_NEED(pool);
	/* One small object first, so that descriptors are there. */
	KT_NOT_NULL(pmalloc(pool, 8));
	reserved = figure("reserved");
	a = pmalloc(pool, 6 * SZ_1M);
	b = pmalloc(pool, SZ_2M);
	KT_NEED(a && b);
	KT_EQ(figure("reserved") - reserved, 8 * SZ_1M);
	memset(a, 1, 6 * SZ_1M);
	pmalloc_protect_pool(pool);
	KT_TRUE(write_faults(a + 5 * SZ_1M, 1));
	KT_TRUE(wr_memset(a + SZ_1M, 2, SZ_4M));
	KT_NULL(memchr_inv(a, 1, SZ_1M));
	KT_NULL(memchr_inv(a + SZ_1M, 2, SZ_4M));
	KT_NULL(memchr_inv(b, 0, SZ_2M));
	pmalloc_destroy_pool(pool);
	KT_EQ(figure("splits"), splits);
}

static void small_objects_cost_little(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_named_pool("small", 0, -1, PMALLOC_MODE_RO);
	u64 flushes;
	int i;

	KT_NEED(pool);
	for (i = 0; i < 16384; i++)
		if (!KT_NOT_NULL(pmalloc(pool, 64)))
			break;
	KT_EQ(pool_figure("small", "used"), SZ_1M);
	KT_TRUE(pool_figure("small", "bytes") <= SZ_1M / 100 * 105);
	flushes = figure("flushes");
	pmalloc_protect_pool(pool);
	KT_TRUE(figure("flushes") - flushes <= 1);
	pmalloc_destroy_pool(pool);
}

/* More than the first arena, of 32 MiB of addresses, has room for. */
static void an_area_larger_than_an_arena(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();
	u8 *p;

	KT_NEED(pool);
	p = pmalloc(pool, 80 * SZ_1M);
	if (KT_NOT_NULL(p)) {
		p[0] = 1;
		p[80 * SZ_1M - 1] = 1;
		pmalloc_protect_pool(pool);
		KT_TRUE(write_faults(p, 1));
		KT_TRUE(write_faults(p + 80 * SZ_1M - 8, 1));
	}
	pmalloc_destroy_pool(pool);
}

static u64 *volatile shared;
static unsigned long wrong, right, gone;

/* Sees the right word or a fault, never what somebody else has there by now. */
static int read_late(void *unused)
{
	while (!kthread_should_stop()) {
		u64 *p = READ_ONCE(shared), value;

		if (p && copy_from_kernel_nofault(&value, p, sizeof(value)))
			gone++;
		else if (p && value != (uintptr_t)p && value != 0)
			wrong++;
		else if (p)
			right++;
		cond_resched();
	}
	return 0;
}

static void destroy_while_others_read(void)
{
	struct task_struct *task;
	u32 i, n = kt_loops(300);

	wrong = 0;
	right = 0;
	gone = 0;
	task = kthread_run(read_late, NULL, "pmalloc_test");
	KT_NEED(!IS_ERR(task));
	for (i = 0; i < n; i++) {
		struct pmalloc_pool *pool =
			pmalloc_create_pool(i % PMALLOC_MODE_START_WR);
		u64 *p = pmalloc(pool, 8);

		if (!KT_NOT_NULL(p))
			break;
		*p = (uintptr_t)p;
		pmalloc_protect_pool(pool);
		WRITE_ONCE(shared, p);
		cond_resched();
		pmalloc_destroy_pool(pool);
	}
	kthread_stop(task);
	KT_EQ(wrong, 0);
	KT_TRUE(right);
	shared = NULL;
}

const struct kt_test many_tests[] = {
	KT_TEST(ten_thousand_pools),
	KT_TEST(large_areas),
	KT_TEST(small_objects_cost_little),
	KT_TEST(an_area_larger_than_an_arena),
	KT_TEST(destroy_while_others_read),
	{}
};
