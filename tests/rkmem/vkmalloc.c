// SPDX-License-Identifier: GPL-2.0
/* rsbac_vkmalloc(): contiguous or not, and whether the flag tells the truth. */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "rkmem_test.h"

static void one_size(size_t size, bool vmalloc_wanted)
{
	boolean vmalloc_used = vmalloc_wanted ? FALSE : TRUE;
	void *p = rsbac_vkmalloc(size, &vmalloc_used);

	if (!p) {
		kt_fail("no %zu bytes", size);
		return;
	}
	if (vmalloc_used != (vmalloc_wanted ? TRUE : FALSE))
		kt_fail("%zu bytes: the flag is %d", size, vmalloc_used);
	if (is_vmalloc_addr(p) != vmalloc_wanted)
		kt_fail("%zu bytes: %s vmalloc memory", size,
			vmalloc_wanted ? "not" : "unexpectedly");
	fill(p, size, size);
	if (!filled(p, size, size))
		kt_fail("%zu bytes do not keep their contents", size);
	rsbac_vkfree(p, vmalloc_used);
}

static void small_is_contiguous(void)
{
	static const size_t sizes[] = {
		1, 8, 100, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, SZ_128K,
		SZ_1M + 1, RSBAC_MAX_KMALLOC - 1, RSBAC_MAX_KMALLOC,
	};

	for (int i = 0; i < ARRAY_SIZE(sizes); i++)
		one_size(sizes[i], false);
}

static void large_is_vmalloc(void)
{
	static const size_t sizes[] = {
		RSBAC_MAX_KMALLOC + 1, RSBAC_MAX_KMALLOC + PAGE_SIZE, SZ_8M - 1,
		SZ_16M,
	};

	for (int i = 0; i < ARRAY_SIZE(sizes); i++)
		one_size(sizes[i], true);
}

static void flag_may_be_null(void)
{
	void *small = rsbac_vkmalloc(100, NULL);
	void *large = rsbac_vkmalloc(RSBAC_MAX_KMALLOC + 1, NULL);

	KT_TRUE(small && !is_vmalloc_addr(small));
	KT_TRUE(large && is_vmalloc_addr(large));
	rsbac_vkfree(small, FALSE);
	rsbac_vkfree(large, TRUE);
}

/* What cannot be had is NULL, and the flag is FALSE whatever it was. */
static void impossible_gives_null_and_false(void)
{
	static const size_t sizes[] = {
		0, SZ_1G * 1024UL, SIZE_MAX / 2, SIZE_MAX - PAGE_SIZE,
		SIZE_MAX - PAGE_SIZE + 2, SIZE_MAX - 1, SIZE_MAX,
	};

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		boolean vmalloc_used = TRUE;

		if (rsbac_vkmalloc(sizes[i], &vmalloc_used))
			kt_fail("got %zu bytes", sizes[i]);
		KT_EQ(vmalloc_used, FALSE);
	}
}

static void vmalloc_is_counted(void)
{
	u64 objects = slab_figure("vmalloc", "objects");
	u64 bytes = slab_figure("vmalloc", "bytes");
	u64 allocs = slab_figure("vmalloc", "allocs");
	u64 frees = slab_figure("vmalloc", "frees");
	boolean used;
	void *p = rsbac_vkmalloc(RSBAC_MAX_KMALLOC + 1, &used);

	KT_NEED(p);
	KT_EQ(slab_figure("vmalloc", "object_size"), 0);
	KT_EQ(slab_figure("vmalloc", "objects"), objects + 1);
	KT_EQ(slab_figure("vmalloc", "bytes"),
	      bytes + RSBAC_MAX_KMALLOC + PAGE_SIZE);
	KT_TRUE(slab_figure("vmalloc", "peak_bytes") >=
		bytes + RSBAC_MAX_KMALLOC + PAGE_SIZE);
	rsbac_vkfree(p, used);
	KT_EQ(slab_figure("vmalloc", "objects"), objects);
	KT_EQ(slab_figure("vmalloc", "bytes"), bytes);
	KT_EQ(slab_figure("vmalloc", "allocs"), allocs + 1);
	KT_EQ(slab_figure("vmalloc", "frees"), frees + 1);
}

static void take_all(struct list_head *held, int order, gfp_t gfp)
{
	struct page *page;

	while ((page = alloc_pages(gfp | __GFP_NOWARN, order))) {
		page->private = order;
		list_add(&page->lru, held);
	}
}

/*
 * Takes nearly all free pages, gives every second one back, and then takes what
 * there still is, or comes up by reclaim, in pieces of the largest size.
 */
static void fragment(struct list_head *held)
{
	struct page *page, *next;

	take_all(held, 0, GFP_KERNEL & ~__GFP_RECLAIM);
	list_for_each_entry_safe(page, next, held, lru) {
		if (page_to_pfn(page) % 2)
			continue;
		list_del(&page->lru);
		__free_page(page);
	}
	take_all(held, MAX_PAGE_ORDER, GFP_KERNEL | __GFP_NORETRY);
}

static void release(struct list_head *held)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, held, lru) {
		list_del(&page->lru);
		__free_pages(page, page->private);
	}
}

/*
 * Half of memory is free, but hardly two pages of it stand together. Reclaim may
 * still find a large piece or two; after that it must be vmalloc.
 */
static void vmalloc_where_memory_is_in_pieces(void)
{
	boolean used[16] = {};
	void *p[16];
	int count = 0;
	LIST_HEAD(held);

	fragment(&held);
	do {
		p[count] = rsbac_vkmalloc(RSBAC_MAX_KMALLOC, &used[count]);
	} while (p[count++] && !used[count - 1] && count < ARRAY_SIZE(p));
	release(&held);

	KT_NOT_NULL(p[count - 1]);
	KT_EQ(used[count - 1], TRUE);
	while (count--) {
		if (!p[count])
			continue;
		KT_EQ(is_vmalloc_addr(p[count]), used[count]);
		fill(p[count], RSBAC_MAX_KMALLOC, count);
		KT_TRUE(filled(p[count], RSBAC_MAX_KMALLOC, count));
		rsbac_vkfree(p[count], used[count]);
	}
}

const struct kt_test vkmalloc_tests[] = {
	KT_TEST(small_is_contiguous),
	KT_TEST(large_is_vmalloc),
	KT_TEST(flag_may_be_null),
	KT_TEST(impossible_gives_null_and_false),
	KT_TEST(vmalloc_is_counted),
	KT_TEST(vmalloc_where_memory_is_in_pieces),
	{}
};
