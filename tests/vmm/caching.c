// SPDX-License-Identifier: GPL-2.0
/* Cache attributes: both views have the same, and lose it together. */
#include <linux/vmalloc.h>

#include "vmm_test.h"

static const int modes[] = {
	VMM_FLAG_WRITE_BACK, VMM_FLAG_WRITE_THROUGH, VMM_FLAG_WRITE_COMBINE,
	VMM_FLAG_CACHE_DISABLE,
};

static void expect_caching(char *base, size_t pages, int mode)
{
	size_t n;

	for (n = 0; n < pages; n++)
		KT_NEED(is_cached(base + n * PAGE_SIZE, mode));
}

static void each_mode(void)
{
	size_t size = 3 * PAGE_SIZE;
	int n;

	for (n = 0; n < ARRAY_SIZE(modes); n++) {
		char *base = KnVmAllocate(RTL_NULL, size,
					  LOCKED | RW | modes[n]);
		struct VmmInfo info;

		KT_NEED(base);
		expect_pages(base, 3, RW);
		expect_caching(base, 3, modes[n]);
		memset(base, 0x77, size);
		KT_TRUE(!memchr_inv(base, 0x77, size));
		KT_EQ(KnVmQuery(base, &info), rcOk);
		KT_EQ(info.flags, modes[n]);
		KT_EQ(KnVmUnmap(base, size), rcOk);
	}
}

/* No flag is the same as write-back. */
static void default_mode(void)
{
	char *base = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RW);

	KT_NEED(base);
	expect_caching(base, 1, VMM_FLAG_WRITE_BACK);
	KT_EQ(KnVmUnmap(base, PAGE_SIZE), rcOk);
}

/* The direct map is write-back again when the memory is given back. */
static void restored(void)
{
	int n;

	for (n = 1; n < ARRAY_SIZE(modes); n++) {
		char *base = KnVmAllocate(RTL_NULL, 2 * PAGE_SIZE,
					  LOCKED | RW | modes[n]);
		struct page *page;
		void *view;

		KT_NEED(base);
		page = vmalloc_to_page(base);
		get_page(page);
		KT_EQ(KnVmDecommit(base, 2 * PAGE_SIZE), rcOk);
		/* is_cached() wants a mapped address. */
		view = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
		if (KT_NOT_NULL(view)) {
			KT_TRUE(is_cached(view, VMM_FLAG_WRITE_BACK));
			KT_EQ(seen_direct(view), RW);
			vunmap(view);
		}
		put_page(page);
		KT_EQ(KnVmCommit(base, PAGE_SIZE, 0), rcOk);
		expect_caching(base, 1, modes[n]);
		KT_EQ(KnVmUnmap(base, 2 * PAGE_SIZE), rcOk);
	}
}

/* A change of rights keeps the caching, and the other way round. */
static void with_rights(void)
{
	static const int all[] = { R, RW, RX, RWX };
	int n, prot;

	for (n = 0; n < ARRAY_SIZE(modes); n++) {
		char *base = KnVmAllocate(RTL_NULL, 4 * PAGE_SIZE,
					  LOCKED | R | modes[n]);

		KT_NEED(base);
		expect_pages(base, 4, R);
		expect_caching(base, 4, modes[n]);
		for (prot = 0; prot < ARRAY_SIZE(all); prot++) {
			KT_EQ(KnVmProtect(base, 4 * PAGE_SIZE, all[prot]), rcOk);
			expect_pages(base, 4, all[prot]);
			expect_caching(base, 4, modes[n]);
		}
		KT_EQ(KnVmProtect(base, 4 * PAGE_SIZE, R), rcOk);
		KT_EQ(KnVmUnmap(base, 4 * PAGE_SIZE), rcOk);
	}
}

const struct kt_test caching_tests[] = {
	KT_TEST(each_mode),
	KT_TEST(default_mode),
	KT_TEST(restored),
	KT_TEST(with_rights),
	{}
};
