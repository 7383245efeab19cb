// SPDX-License-Identifier: GPL-2.0
/* The table of modes in <linux/pmalloc.h>, line by line. */
#include "pmalloc_test.h"

enum { OPEN, READ_ONLY, RARE };

static void expect(const char *when, u64 *p, int what)
{
	bool faults = write_faults(p, *p);
	bool wanted = what != OPEN;

	if (faults != wanted)
		kt_fail("%s: a write %s", when, faults ? "faults" : "passes");
	if (what == RARE && !wr_ulonglong((unsigned long long *)p, *p + 1))
		kt_fail("%s: not write-rare", when);
}

/* What memory is: right after pmalloc(), once its area is full, and sealed. */
static void walk(u8 mode, int fresh, int full, int sealed)
{
	struct pmalloc_pool *pool = pmalloc_create_pool(mode);
	u64 *first, *second, *third;

	KT_NEED(pool);
	first = pmalloc(pool, PAGE_SIZE / 2);
	KT_NEED(first);
	expect("fresh", first, fresh);
	second = pmalloc(pool, PAGE_SIZE);
	KT_NEED(second);
	expect("full", first, full);
	expect("fresh in the second area", second, fresh);
	pmalloc_protect_pool(pool);
	expect("sealed", first, sealed);
	expect("sealed in the second area", second, sealed);
	third = pmalloc(pool, 8);
	KT_NEED(third);
	expect("fresh after the seal", third, fresh);
	expect("still sealed", second, sealed);
	pmalloc_protect_pool(pool);
	expect("sealed again", third, sealed);
	pmalloc_destroy_pool(pool);
}

static void mode_ro(void)
{
	walk(PMALLOC_MODE_RO, OPEN, OPEN, READ_ONLY);
}

static void mode_wr(void)
{
	walk(PMALLOC_MODE_WR, OPEN, OPEN, RARE);
}

static void mode_auto_ro(void)
{
	walk(PMALLOC_MODE_AUTO_RO, OPEN, READ_ONLY, READ_ONLY);
}

static void mode_auto_wr(void)
{
	walk(PMALLOC_MODE_AUTO_WR, OPEN, RARE, RARE);
}

static void mode_start_wr(void)
{
	walk(PMALLOC_MODE_START_WR, RARE, RARE, RARE);
}

static void read_only_means_not_even_rarely(void)
{
	u8 modes[] = { PMALLOC_MODE_RO, PMALLOC_MODE_AUTO_RO };
	int i;

	kt_log("wr_memcpy: .* is not in a write-rare pool");
	for_in_one_place(i, ARRAY_SIZE(modes)) {
		struct pmalloc_pool *pool = pmalloc_create_pool(modes[i]);
		int *p = pmalloc(pool, sizeof(*p));

		KT_NEED(p);
		*p = 1;
		pmalloc_protect_pool(pool);
		KT_TRUE(!wr_int(p, 2));
		KT_EQ(*p, 1);
		pmalloc_destroy_pool(pool);
	}
}

static void make_ro_ends_write_rare(void)
{
	u8 modes[] = {
		PMALLOC_MODE_WR, PMALLOC_MODE_AUTO_WR, PMALLOC_MODE_START_WR,
	};
	int i;

	kt_log("wr_memcpy: .* is not in a write-rare pool");
	for_in_one_place(i, ARRAY_SIZE(modes)) {
		struct pmalloc_pool *pool = pmalloc_create_pool(modes[i]);
		int *p = pmalloc(pool, sizeof(*p));

		KT_NEED(p);
		KT_TRUE(wr_int(p, 5));
		pmalloc_make_pool_ro(pool);
		KT_TRUE(!wr_int(p, 6));
		KT_EQ(*p, 5);
		KT_TRUE(write_faults(PTR_ALIGN_DOWN(p, 8), 7));
		pmalloc_destroy_pool(pool);
	}
}

static void strings_in_all_modes(void)
{
	u8 mode;

	for (mode = PMALLOC_MODE_RO; mode <= PMALLOC_MODE_START_WR; mode++) {
		struct pmalloc_pool *pool = pmalloc_create_pool(mode);
		char *s = pstrdup(pool, "rules and regulations");

		KT_TRUE(s && !strcmp(s, "rules and regulations"));
		pmalloc_protect_pool(pool);
		KT_TRUE(s && !strcmp(s, "rules and regulations"));
		pmalloc_destroy_pool(pool);
	}
}

const struct kt_test modes_tests[] = {
	KT_TEST(mode_ro),
	KT_TEST(mode_wr),
	KT_TEST(mode_auto_ro),
	KT_TEST(mode_auto_wr),
	KT_TEST(mode_start_wr),
	KT_TEST(read_only_means_not_even_rarely),
	KT_TEST(make_ro_ends_write_rare),
	KT_TEST(strings_in_all_modes),
	{}
};
