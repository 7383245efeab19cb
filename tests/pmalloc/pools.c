// SPDX-License-Identifier: GPL-2.0
/* Pools, areas, and what is allocated from them. */
#include "pmalloc_test.h"

static void both_generations_of_callers(void)
{
	struct pmalloc_pool *pools[] = {
		pmalloc_create_pool(),
		pmalloc_create_pool(PMALLOC_MODE_WR),
		pmalloc_create_custom_pool(SZ_8K, 4),
		pmalloc_create_custom_pool(0, -1, PMALLOC_MODE_AUTO_RO),
	};
	int i;

	for_in_one_place(i, ARRAY_SIZE(pools)) {
		KT_NOT_NULL(pools[i]);
		pmalloc_destroy_pool(pools[i]);
	}
	pmalloc_destroy_pool(NULL);
}

static void wrong_parameters(void)
{
	static const u8 wrong[] = { 5, 15, 0x80, 0x85, 0xff };
	int i;
	u64 refused = figure("refused");

	kt_log("pmalloc_create_pool: .* is not a mode \\(caller wrong_parameters.*\\[pmalloc_test\\]\\)");
	for_in_one_place(i, ARRAY_SIZE(wrong))
		KT_NULL(pmalloc_create_pool(wrong[i]));
	kt_log("pmalloc_create_pool: .* is not an alignment");
	KT_NULL(pmalloc_create_custom_pool(0, PAGE_SHIFT + 1));
	KT_EQ(figure("refused"), refused + ARRAY_SIZE(wrong) + 1);
	KT_NULL(pmalloc_create_custom_pool(SIZE_MAX, -1));
	KT_NULL(pmalloc_create_named_pool("", 0, -1, PMALLOC_MODE_RO));
	KT_NULL(pmalloc_create_named_pool("a/b", 0, -1, PMALLOC_MODE_RO));
	KT_NULL(pmalloc_create_named_pool("..", 0, -1, PMALLOC_MODE_RO));
	KT_EQ(figure("pools"), 0);
}

static void sizes_up_to_three_pages(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();
	size_t size;

	KT_NEED(pool);
	for (size = 1; size < 3 * PAGE_SIZE; size += size < 64 ? 1 : 61) {
		u8 *p = pmalloc(pool, size);

		if (!KT_NOT_NULL(p) || !KT_TRUE(IS_ALIGNED((uintptr_t)p, 8)))
			break;
		KT_NULL(memchr_inv(p, 0, size));
		KT_TRUE(is_pmalloc_object(p, size));
		memset(p, 0xa5, size);
	}
	pmalloc_destroy_pool(pool);
}

static void sizes_that_cannot_be(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_named_pool("impossible", 0, -1, PMALLOC_MODE_RO);
	u64 reserved = figure("reserved");

	KT_NEED(pool);
	KT_NULL(pmalloc(pool, 0));
	KT_NULL(pmalloc(pool, SIZE_MAX));
	KT_NULL(pmalloc(pool, SIZE_MAX - PAGE_SIZE));
	KT_NULL(pmalloc(pool, 1UL << 46));
	KT_EQ(pool_figure("impossible", "failcnt"), 4);
	KT_NULL(pmalloc_array(pool, 0, 8));
	KT_NULL(pmalloc_array(pool, SIZE_MAX / 4, 8));
	KT_NULL(pcalloc(pool, SIZE_MAX, 2));
	KT_NULL(pstrdup(pool, NULL));
	KT_EQ(pool_figure("impossible", "bytes"), 0);
	KT_EQ(figure("reserved"), reserved);
	pmalloc_destroy_pool(pool);
}

static void refill_and_alignment(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_custom_pool(3 * PAGE_SIZE - 5, 7);
	u8 *a, *b;

	KT_NEED(pool);
	a = pmalloc(pool, 1);
	b = pmalloc(pool, 1);
	KT_TRUE(IS_ALIGNED((uintptr_t)a, 128));
	/* Downwards from the end of three pages. */
	KT_EQ(a - b, 128);
	KT_TRUE(IS_ALIGNED((uintptr_t)a + 128, PAGE_SIZE));
	KT_TRUE(is_pmalloc_object(a + 128 - 3 * PAGE_SIZE, 3 * PAGE_SIZE));
	KT_TRUE(!is_pmalloc_object(a + 128 - 3 * PAGE_SIZE, 3 * PAGE_SIZE + 1));
	KT_TRUE(!is_pmalloc_object(a, SIZE_MAX));
	/* An object larger than the refill gets an area of its size. */
	b = pmalloc(pool, 5 * PAGE_SIZE + 1);
	KT_TRUE(is_pmalloc_object(b, 5 * PAGE_SIZE + 128));
	KT_TRUE(!is_pmalloc_object(b, 5 * PAGE_SIZE + 129));
	KT_TRUE(IS_ALIGNED((uintptr_t)b, 128));
	pmalloc_destroy_pool(pool);
}

static void figures_of_a_pool(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_named_pool("figures", 0, -1, PMALLOC_MODE_WR);
	u64 *p;

	KT_NEED(pool);
	KT_NULL(pmalloc_create_named_pool("figures", 0, -1, PMALLOC_MODE_WR));
	KT_EQ(figure("pools"), 1);
	KT_TRUE(pool_says("figures", "mode", "wr\n"));
	KT_EQ(pool_figure("figures", "areas"), 0);
	p = pmalloc(pool, 96);
	KT_NEED(p);
	KT_TRUE(pool_says("figures", "state", "open\n"));
	KT_EQ(pool_figure("figures", "areas"), 1);
	KT_EQ(pool_figure("figures", "bytes"), PAGE_SIZE);
	KT_EQ(pool_figure("figures", "used"), 96);
	KT_EQ(pool_figure("figures", "wasted"), 0);
	pmalloc_protect_pool(pool);
	KT_TRUE(pool_says("figures", "state", "sealed\n"));
	KT_EQ(pool_figure("figures", "wasted"), PAGE_SIZE - 96);
	KT_TRUE(pool_says("figures", "protection",
			  full_protection() ? "full\n" : "area\n"));
	KT_TRUE(wr_ulong((unsigned long *)p, 1));
	KT_EQ(pool_figure("figures", "writes"), 1);
	KT_TRUE(pool_says("figures", "cap", "none\n"));
	pmalloc_set_cap(pool, 3 * PAGE_SIZE - 1);
	KT_EQ(pool_figure("figures", "cap"), 3 * PAGE_SIZE - 1);
	KT_NOT_NULL(pmalloc(pool, PAGE_SIZE));
	KT_NULL(pmalloc(pool, 1));
	KT_EQ(pool_figure("figures", "failcnt"), 1);
	KT_EQ(pool_figure("figures", "peak"), 2 * PAGE_SIZE);
	KT_TRUE(pool_says("figures", "state", "open\n"));
	pmalloc_destroy_pool(pool);
	KT_TRUE(!kt_exists(PMALLOC_SYSFS "figures"));
	KT_EQ(figure("pools"), 0);
}

static void default_name_is_the_callers_module(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();
	bool found = false;
	char path[64];
	int i;

	/* Numbers only grow, and there were not many yet. */
	for (i = 0; i < 1000 && !found; i++) {
		scnprintf(path, sizeof(path), PMALLOC_SYSFS "pmalloc_test-%d", i);
		found = kt_exists(path);
	}
	KT_TRUE(found);
	pmalloc_destroy_pool(pool);
	KT_TRUE(!kt_exists(path));
}

static void handles_that_are_none(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();
	u64 refused = figure("refused");
	u64 on_stack[64] = {};

	KT_NEED(pool);
	kt_log("pmalloc: pmalloc: .* is not a pool");
	kt_log("pmalloc_protect_pool: .* is not a pool");
	kt_log("pmalloc_destroy_pool: .* is not a pool");
	KT_NULL(pmalloc((void *)on_stack, 8));
	pmalloc_protect_pool((void *)pool + 8);
	pmalloc_destroy_pool(pool);
	pmalloc_destroy_pool(pool);
	KT_EQ(figure("refused"), refused + 3);
	kt_log("pmalloc_verify: .* is not a pool");
	KT_EQ(pmalloc_verify(NULL), -EINVAL);
}

const struct kt_test pools_tests[] = {
	KT_TEST(both_generations_of_callers),
	KT_TEST(wrong_parameters),
	KT_TEST(sizes_up_to_three_pages),
	KT_TEST(sizes_that_cannot_be),
	KT_TEST(refill_and_alignment),
	KT_TEST(figures_of_a_pool),
	KT_TEST(default_name_is_the_callers_module),
	KT_TEST(handles_that_are_none),
	{}
};
