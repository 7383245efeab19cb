// SPDX-License-Identifier: GPL-2.0
/* KosMemAlloc() and its kin. */
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vmm_test.h"

static void sizes(void)
{
	static const size_t sizes[] = {
		0, 1, 100, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, SZ_1M + 5
	};
	u64 regions = figure("regions");
	int n;

	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		char *p = KosMemZalloc(sizes[n]);
		size_t size = KosMemGetSize(p);

		KT_NEED(p);
		KT_TRUE(size >= sizes[n] && size >= 1);
		KT_TRUE(size < sizes[n] + 2 * PAGE_SIZE);
		KT_TRUE(!memchr_inv(p, 0, size));
		memset(p, 1, size);
		expect_pages(p, size / PAGE_SIZE, RW);
		KosMemFree(p);
	}
	KosMemFree(RTL_NULL);
	KT_EQ(KosMemGetSize(RTL_NULL), 0);
	KT_EQ(figure("regions"), regions);
}

static void alignment(void)
{
	size_t align;

	for (align = 1; align <= SZ_1G; align *= 2) {
		char *p = KosMemAllocEx(100, align, 1);

		KT_NEED(p);
		KT_EQ((unsigned long)p & (align - 1), 0);
		KT_TRUE(KosMemGetSize(p) >= 100);
		KT_TRUE(!memchr_inv(p, 0, 100));
		memset(p, 2, 100);
		KosMemFree(p);
	}
}

static void wrong_calls(void)
{
	char *p = KosMemAlloc(3 * PAGE_SIZE);
	void *region = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RW);
	void *kmalloced = kmalloc(100, GFP_KERNEL);

	kt_log("KosMemFree: .*: rcNoRegion .*wrong_calls");
	kt_log("KosMemGetSize: .*: rcNoRegion .*wrong_calls");
	kt_log("KosMemAllocEx: .*aligned to 0: rcUnaligned");
	kt_log("KosMemAlloc: .*: rcInvalidSize .*wrong_calls");
	KT_NEED(p && region && kmalloced);
	{
		void *wrong[] = { p + PAGE_SIZE, region, kmalloced, &p, p + 1 };
		static const size_t aligns[] = { 0, 3, PAGE_SIZE + 1, SZ_2G };
		size_t n;

		for_in_one_place(n, ARRAY_SIZE(wrong)) {
			KosMemFree(wrong[n]);
			KT_EQ(KosMemGetSize(wrong[n]), 0);
		}
		for_in_one_place(n, ARRAY_SIZE(aligns))
			KT_NULL(KosMemAllocEx(1, aligns[n], 0));
	}
	KT_NULL(KosMemAlloc(SIZE_MAX));
	expect_pages(p, 3, RW);
	expect_pages(region, 1, RW);
	KosMemFree(p);
	kfree(kmalloced);
	KT_EQ(KnVmUnmap(region, PAGE_SIZE), rcOk);
}

/* Twice: the second finds nothing there. */
static void double_free(void)
{
	void *p = KosMemAlloc(1);

	kt_log("KosMemFree: .*: rcNoRegion .*double_free");
	KT_NEED(p);
	KosMemFree(p);
	KosMemFree(p);
	KT_EQ(KosMemGetSize(RTL_NULL), 0);
}

const struct kt_test kos_tests[] = {
	KT_TEST(sizes),
	KT_TEST(alignment),
	KT_TEST(wrong_calls),
	KT_TEST(double_free),
	{}
};
