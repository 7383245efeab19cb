// SPDX-License-Identifier: GPL-2.0
/*
 * Attacks, each with what must stop it: "fault" where the processor does,
 * "refused" where the call does, which says so in the log and counts it.
 */
#include <linux/cache.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "pmalloc_test.h"

#define PATTERN 0x5ea1ed5ea1ed5ea1ULL

/* A sealed page of @mode, full of PATTERN. */
static u64 *sealed_page(struct pmalloc_pool **pool, u8 mode)
{
	u64 *page;

	*pool = pmalloc_create_pool(mode);
	page = *pool ? pmalloc(*pool, PAGE_SIZE) : NULL;
	if (!page) {
		kt_fail("no pool");
		return NULL;
	}
	memset64(page, PATTERN, PAGE_SIZE / 8);
	pmalloc_protect_pool(*pool);
	return page;
}

static bool intact(const u64 *page)
{
	int i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		if (page[i] != PATTERN)
			return false;
	return true;
}

static bool by_store(u64 *page)
{
	return write_faults(page + 17, 1);
}

static bool by_memset(u64 *page)
{
	return memset_faults(page + 1, 0, 100);
}

static bool by_memcpy(u64 *page)
{
	static const char junk[100];

	return memcpy_faults(page + 5, junk, sizeof(junk));
}

static bool by_atomic(u64 *page)
{
	return atomic_faults(page + 511, 1);
}

static bool by_usercopy(u64 *page)
{
	unsigned long user = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	bool stopped;

	if (IS_ERR_VALUE(user) ||
	    put_user(1UL, (unsigned long __user *)user)) {
		kt_fail("no user memory");
		return false;
	}
	/* copy_from_user() itself would go on to zero what it could not copy. */
	pagefault_disable();
	stopped = __copy_from_user_inatomic(page, (void __user *)user, 64);
	pagefault_enable();
	vm_munmap(user, PAGE_SIZE);
	return stopped;
}

static bool by_direct_map(u64 *page)
{
	return write_faults(direct_map(page + 3), 1);
}

static bool by_direct_map_memset(u64 *page)
{
	return memset_faults(direct_map(page), 0, PAGE_SIZE);
}

struct attack {
	const char *name;
	bool (*stopped)(u64 *page);
	bool direct_map;	/* stopped only where that is protected */
};

static const struct attack attacks[] = {
	{ "store", by_store },
	{ "memset", by_memset },
	{ "memcpy", by_memcpy },
	{ "atomic", by_atomic },
	{ "usercopy", by_usercopy },
	{ "direct map", by_direct_map, true },
	{ "memset in the direct map", by_direct_map_memset, true },
};

static void sealed_memory_under_attack(void)
{
	u8 mode;
	int i;

	for (mode = PMALLOC_MODE_RO; mode <= PMALLOC_MODE_AUTO_WR; mode++) {
		struct pmalloc_pool *pool;
		u64 *page = sealed_page(&pool, mode);

		KT_NEED(page);
		for_in_one_place(i, ARRAY_SIZE(attacks)) {
			if (attacks[i].direct_map && !full_protection())
				continue;
			if (!attacks[i].stopped(page))
				kt_fail("mode %u: %s was not stopped", mode,
					attacks[i].name);
			if (!intact(page))
				kt_fail("mode %u: %s wrote", mode,
					attacks[i].name);
		}
		pmalloc_destroy_pool(pool);
	}
}

/* The attacks themselves work where nothing is sealed. */
static void open_memory_under_attack(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();
	u64 *page = pmalloc(pool, PAGE_SIZE);
	int i;

	KT_NEED(page);
	for_in_one_place(i, ARRAY_SIZE(attacks)) {
		if (attacks[i].direct_map && full_protection())
			continue;
		memset64(page, PATTERN, PAGE_SIZE / 8);
		if (attacks[i].stopped(page))
			kt_fail("%s was stopped", attacks[i].name);
		if (intact(page))
			kt_fail("%s wrote nothing", attacks[i].name);
	}
	pmalloc_destroy_pool(pool);
}

static void memcpy_across_the_end(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();
	struct pmalloc_pool *next = pmalloc_create_pool();
	u8 *a = pmalloc(pool, 64), *b = pmalloc(next, PAGE_SIZE);
	static const char junk[2 * PAGE_SIZE];

	KT_NEED(a && b);
	/* Both are open: the page between areas is what stops it. */
	KT_TRUE(memcpy_faults(a, junk, 65));
	KT_TRUE(memcpy_faults(a, junk, sizeof(junk)));
	KT_TRUE(read_faults(a + 64));
	KT_NULL(memchr_inv(b, 0, PAGE_SIZE));
	pmalloc_destroy_pool(pool);
	pmalloc_destroy_pool(next);
}

static void write_after_destroy(void)
{
	struct pmalloc_pool *pool;
	u64 *page = sealed_page(&pool, PMALLOC_MODE_WR);

	KT_NEED(page);
	pmalloc_destroy_pool(pool);
	KT_TRUE(read_faults(page));
	KT_TRUE(write_faults(page, 1));
	kt_log("wr_memset: .* is not in a write-rare pool, nothing was written \\(caller write_after_destroy");
	KT_TRUE(!wr_memset(page, 0, 8));
	KT_TRUE(!is_pmalloc_object(page, 8));
}

static void unseal_by_overwriting_the_pool(void)
{
	struct pmalloc_pool *pool;
	u64 *page = sealed_page(&pool, PMALLOC_MODE_RO);

	KT_NEED(page);
	KT_TRUE(memset_faults(pool, 0, 64));
	KT_TRUE(memset_faults(pool, 0xff, 64));
	if (full_protection())
		KT_TRUE(memset_faults(direct_map(pool), 0, 64));
	KT_TRUE(write_faults(page, 1));
	KT_TRUE(intact(page));
	KT_TRUE(pmalloc_require(pool, page, PAGE_SIZE));
	pmalloc_destroy_pool(pool);
}

static const u64 constant = PATTERN;
static u64 after_init __ro_after_init = PATTERN;

static void write_rare_onto_others(void)
{
	struct pmalloc_pool *pool;
	u64 *page = sealed_page(&pool, PMALLOC_MODE_RO);
	u64 on_stack = PATTERN;
	u64 refused = figure("refused");

	KT_NEED(page);
	kt_log("wr_memset: .* \\(8 bytes\\) is not in a write-rare pool, nothing was written");
	KT_TRUE(!wr_memset(page, 0, 8));
	KT_TRUE(intact(page));
	kt_log("wr_memset: .* \\(7 bytes\\) is not in a write-rare pool, nothing was written");
	KT_TRUE(!wr_memset(&constant, 0, 7));
	KT_EQ(READ_ONCE(constant), PATTERN);
	kt_log("wr_memset: .* \\(6 bytes\\) is not in a write-rare pool, nothing was written");
	KT_TRUE(!wr_memset(&after_init, 0, 6));
	KT_EQ(READ_ONCE(after_init), PATTERN);
	kt_log("wr_memset: .* \\(5 bytes\\) is not in a write-rare pool, nothing was written");
	KT_TRUE(!wr_memset(&on_stack, 0, 5));
	KT_EQ(on_stack, PATTERN);
	kt_log("wr_memset: .* \\(4 bytes\\) is not in a write-rare pool, nothing was written");
	KT_TRUE(!wr_memset(NULL, 0, 4));
	kt_log("wr_memset: .* \\(3 bytes\\) is not in a write-rare pool, nothing was written");
	KT_TRUE(!wr_memset(pool, 0, 3));
	KT_EQ(figure("refused"), refused + 6);
	pmalloc_destroy_pool(pool);
}

static void bounds_that_overflow(void)
{
	struct pmalloc_pool *pool;
	u64 *page = sealed_page(&pool, PMALLOC_MODE_WR);
	size_t sizes[] = {
		PAGE_SIZE + 1, 2 * PAGE_SIZE, SIZE_MAX, SIZE_MAX - 1,
		0UL - (uintptr_t)page, 0UL - (uintptr_t)page + 8,
		SIZE_MAX - (uintptr_t)page,
	};
	int i;

	KT_NEED(page);
	kt_log("wr_memset: .* is not in a write-rare pool");
	for_in_one_place(i, ARRAY_SIZE(sizes))
		KT_TRUE(!wr_memset(page, 0, sizes[i]));
	kt_log("wr_memcpy: .* is not in a write-rare pool");
	for_in_one_place(i, ARRAY_SIZE(sizes))
		KT_TRUE(!wr_memcpy(page, &constant, sizes[i]));
	KT_TRUE(intact(page));
	KT_TRUE(wr_memset(page, 0, PAGE_SIZE));
	pmalloc_destroy_pool(pool);
}

const struct kt_test attacks_tests[] = {
	KT_TEST(open_memory_under_attack),
	KT_TEST(sealed_memory_under_attack),
	KT_TEST(memcpy_across_the_end),
	KT_TEST(write_after_destroy),
	KT_TEST(unseal_by_overwriting_the_pool),
	KT_TEST(write_rare_onto_others),
	KT_TEST(bounds_that_overflow),
	{}
};
