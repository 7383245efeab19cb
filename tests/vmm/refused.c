// SPDX-License-Identifier: GPL-2.0
/* Every call that must be refused, with the code that the header promises. */
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "vmm_test.h"

static const struct {
	int flags;
	Retcode rc;
} allocate[] = {
	/* RESERVE is required, LOCKED goes with COMMIT. */
	{ RW, rcInvalidFlags },
	{ RW | VMM_FLAG_COMMIT, rcInvalidFlags },
	{ RW | VMM_FLAG_COMMIT | VMM_FLAG_LOCKED, rcInvalidFlags },
	{ RW | VMM_FLAG_RESERVE | VMM_FLAG_LOCKED, rcInvalidFlags },
	/* Bits without a name. */
	{ RW | RESERVE | 0x00000008, rcInvalidFlags },
	{ RW | RESERVE | 0x00000080, rcInvalidFlags },
	{ RW | RESERVE | 0x00000800, rcInvalidFlags },
	{ RW | RESERVE | 0x00010000, rcInvalidFlags },
	{ RW | RESERVE | INT_MIN, rcInvalidFlags },
	/* Nothing, W, X, W|X. */
	{ RESERVE, rcInvalidProtection },
	{ RESERVE | VMM_FLAG_WRITE, rcInvalidProtection },
	{ RESERVE | VMM_FLAG_EXECUTE, rcInvalidProtection },
	{ RESERVE | VMM_FLAG_WRITE | VMM_FLAG_EXECUTE, rcInvalidProtection },
	/* Two ways of caching. */
	{ RW | RESERVE | VMM_FLAG_CACHE_MASK, rcInvalidFlags },
	{ RW | RESERVE | VMM_FLAG_WRITE_BACK | VMM_FLAG_WRITE_COMBINE, rcInvalidFlags },
	{ RW | RESERVE | VMM_FLAG_WRITE_THROUGH | VMM_FLAG_CACHE_DISABLE, rcInvalidFlags },
};

static void allocate_flags(void)
{
	u64 regions = figure("regions");
	u64 wrong = figure("wrong_calls");
	int n;

	kt_log("KnVmTryAllocate: 4096 bytes, flags 0x300: rcInvalidFlags");
	kt_log("KnVmTryAllocate: 4096 bytes, flags 0x1: rcInvalidProtection");
	for (n = 0; n < ARRAY_SIZE(allocate); n++) {
		void *base = &base;
		Retcode rc = KnVmTryAllocate(RTL_NULL, PAGE_SIZE,
					     allocate[n].flags, &base);

		if (rc != allocate[n].rc)
			kt_fail("flags %#x: %d, not %d", allocate[n].flags, rc,
				allocate[n].rc);
		KT_TRUE(base == &base);
	}
	KT_EQ(figure("regions"), regions);
	KT_EQ(figure("wrong_calls"), wrong + ARRAY_SIZE(allocate));
}

static void allocate_ranges(void)
{
	static const struct {
		unsigned long addr;
		size_t size;
		Retcode rc;
	} ranges[] = {
		{ 0, 0, rcInvalidSize },
		{ 0, 1, rcUnaligned },
		{ 0, PAGE_SIZE + 1, rcUnaligned },
		{ 0, SIZE_MAX, rcUnaligned },
		{ 0, SIZE_MAX & PAGE_MASK, rcInvalidSize },
		{ 0, 1UL << 62, rcInvalidSize },
		{ 1, PAGE_SIZE, rcUnaligned },
		{ PAGE_SIZE, SIZE_MAX & PAGE_MASK, rcInvalidSize },
		{ ULONG_MAX & PAGE_MASK, PAGE_SIZE, rcInvalidSize },
		/* User space, the direct map, and beyond. */
		{ PAGE_SIZE, PAGE_SIZE, rcBusy },
		{ 0x400000, PAGE_SIZE, rcBusy },
		{ 0, 0, rcInvalidSize },
	};
	u64 regions = figure("regions");
	int n;

	kt_log("KnVmTryAllocate: .*: rcInvalidSize .*allocate_ranges");
	kt_log("KnVmTryAllocate: .*: rcUnaligned .*allocate_ranges");
	kt_log("KnVmTryAllocate: .*: rcBusy .*allocate_ranges");
	for (n = 0; n < ARRAY_SIZE(ranges); n++) {
		void *base = &base;
		Retcode rc = KnVmTryAllocate((void *)ranges[n].addr,
					     ranges[n].size, RESERVE | RW,
					     &base);

		if (rc != ranges[n].rc)
			kt_fail("%#lx and %#zx bytes: %d, not %d",
				ranges[n].addr, ranges[n].size, rc,
				ranges[n].rc);
		KT_TRUE(base == &base);
	}
	KT_EQ(figure("regions"), regions);
}

static void no_place_for_the_answer(void)
{
	kt_log("KnVmTryAllocate: .*: rcInvalidFlags .*no_place");
	kt_log("KnVmQuery: .*: rcInvalidFlags .*no_place");
	kt_log("KnVmAllocate: .*: rcInvalidFlags .*no_place");
	KT_EQ(KnVmTryAllocate(RTL_NULL, PAGE_SIZE, RESERVE | RW, NULL),
	      rcInvalidFlags);
	KT_EQ(KnVmQuery(RTL_NULL, NULL), rcInvalidFlags);
	KT_NULL(KnVmAllocate(RTL_NULL, PAGE_SIZE, 0));
}

/* The same wrong range for each of the calls that take one. */
static void refuse(const char *what, char *addr, size_t size, Retcode rc)
{
	Retcode got[4] = {
		KnVmCommit(addr, size, 0),
		KnVmDecommit(addr, size),
		KnVmProtect(addr, size, R),
		KnVmUnmap(addr, size),
	};
	int n;

	for (n = 0; n < ARRAY_SIZE(got); n++)
		if (got[n] != rc)
			kt_fail("%s: call %d gives %d, not %d", what, n,
				got[n], rc);
}

static void ranges(void)
{
	char *place = KnVmAllocate(RTL_NULL, 9 * PAGE_SIZE, RESERVE | RW);
	char *first, *second, *vmalloced = vmalloc(PAGE_SIZE);

	kt_log("KnVmCommit: .*: rcUnaligned .*refuse");
	kt_log("KnVmCommit: .*: rcInvalidSize .*refuse");
	kt_log("KnVmCommit: .*: rcNoRegion .*refuse");
	kt_log("KnVmDecommit: .*: rcUnaligned .*refuse");
	kt_log("KnVmDecommit: .*: rcInvalidSize .*refuse");
	kt_log("KnVmDecommit: .*: rcNoRegion .*refuse");
	kt_log("KnVmProtect: .*: rcUnaligned .*refuse");
	kt_log("KnVmProtect: .*: rcInvalidSize .*refuse");
	kt_log("KnVmProtect: .*: rcNoRegion .*refuse");
	kt_log("KnVmUnmap: .*: rcUnaligned .*refuse");
	kt_log("KnVmUnmap: .*: rcInvalidSize .*refuse");
	kt_log("KnVmUnmap: .*: rcNoRegion .*refuse");
	KT_NEED(place && vmalloced);
	KT_EQ(KnVmUnmap(place, 9 * PAGE_SIZE), rcOk);
	first = KnVmAllocate(place, 4 * PAGE_SIZE, RESERVE | RW);
	KT_NEED(first);
	/* Right behind the first, as close as the kernel allows. */
	second = KnVmAllocate(first + 5 * PAGE_SIZE, 4 * PAGE_SIZE, RESERVE | RW);
	KT_NEED(second);
	refuse("unaligned address", first + 1, PAGE_SIZE, rcUnaligned);
	refuse("unaligned size", first, PAGE_SIZE - 1, rcUnaligned);
	refuse("nothing", first, 0, rcInvalidSize);
	refuse("wraps", first, -PAGE_SIZE, rcInvalidSize);
	refuse("too long", first, 5 * PAGE_SIZE, rcNoRegion);
	refuse("below", first - PAGE_SIZE, 2 * PAGE_SIZE, rcNoRegion);
	refuse("across two regions", first + 3 * PAGE_SIZE, 4 * PAGE_SIZE, rcNoRegion);
	refuse("both regions", first, 9 * PAGE_SIZE, rcNoRegion);
	refuse("vmalloc", vmalloced, PAGE_SIZE, rcNoRegion);
	refuse("null", NULL, PAGE_SIZE, rcNoRegion);
	refuse("the top", (char *)(-2 * PAGE_SIZE), PAGE_SIZE, rcNoRegion);
	expect_pages(first, 4, NOTHING);
	expect_pages(second, 4, NOTHING);
	KT_EQ(KnVmUnmap(first, 4 * PAGE_SIZE), rcOk);
	refuse("unmapped", first, 4 * PAGE_SIZE, rcNoRegion);
	KT_EQ(KnVmUnmap(second, 4 * PAGE_SIZE), rcOk);
	vfree(vmalloced);
}

/* A guard belongs to the region, but no call works on it. */
static void guards_refuse(void)
{
	char *base = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RW |
				  VMM_FLAG_LOW_GUARD | VMM_FLAG_HIGH_GUARD);

	KT_NEED(base);
	/* Logged by ranges(), once for each place. */
	refuse("low guard", base - PAGE_SIZE, PAGE_SIZE, rcNoRegion);
	refuse("high guard", base + PAGE_SIZE, PAGE_SIZE, rcNoRegion);
	KT_EQ(seen(base), RW);
	KT_EQ(KnVmUnmap(base, PAGE_SIZE), rcOk);
}

static void states(void)
{
	size_t size = 8 * PAGE_SIZE;
	char *base = KnVmAllocate(RTL_NULL, size, RESERVE | RW);

	kt_log("KnVmCommit: .*: rcCommitted .*states");
	kt_log("KnVmDecommit: .*: rcNotCommitted .*states");
	kt_log("KnVmUnmap: .*: rcNoRegion .*states");
	KT_NEED(base);
	KT_EQ(KnVmCommit(base + 4 * PAGE_SIZE, PAGE_SIZE, 0), rcOk);
	base[4 * PAGE_SIZE] = 42;
	/* One page of many is enough, and the others stay as they were. */
	KT_EQ(KnVmCommit(base, size, 0), rcCommitted);
	KT_EQ(KnVmDecommit(base, size), rcNotCommitted);
	/* A region goes as a whole. */
	KT_EQ(KnVmUnmap(base, size - PAGE_SIZE), rcNoRegion);
	expect_pages(base, 4, NOTHING);
	expect_pages(base + 4 * PAGE_SIZE, 1, RW);
	expect_pages(base + 5 * PAGE_SIZE, 3, NOTHING);
	KT_EQ(base[4 * PAGE_SIZE], 42);
	KT_EQ(KnVmUnmap(base, size), rcOk);
}

static void flags_of_calls(void)
{
	static const struct {
		int flags;
		Retcode commit, protect;
	} given[] = {
		{ VMM_FLAG_RESERVE, rcInvalidFlags, rcInvalidFlags },
		{ VMM_FLAG_LOW_GUARD, rcInvalidFlags, rcInvalidFlags },
		{ R | VMM_FLAG_WRITE_BACK, rcInvalidFlags, rcInvalidFlags },
		{ VMM_FLAG_WRITE, rcInvalidProtection, rcInvalidProtection },
		{ VMM_FLAG_EXECUTE, rcInvalidProtection, rcInvalidProtection },
		{ VMM_FLAG_WRITE | VMM_FLAG_EXECUTE, rcInvalidProtection,
		  rcInvalidProtection },
		{ INT_MIN | R, rcInvalidFlags, rcInvalidFlags },
	};
	char *base = KnVmAllocate(RTL_NULL, PAGE_SIZE, RESERVE | RW);
	int n;

	kt_log("KnVmCommit: .*: rcInvalidFlags .*flags_of_calls");
	kt_log("KnVmCommit: .*: rcInvalidProtection .*flags_of_calls");
	kt_log("KnVmProtect: .*: rcInvalidFlags .*flags_of_calls");
	kt_log("KnVmProtect: .*flags 0x200: rcInvalidProtection");
	KT_NEED(base);
	for (n = 0; n < ARRAY_SIZE(given); n++) {
		KT_EQ(KnVmCommit(base, PAGE_SIZE, given[n].flags),
		      given[n].commit);
		KT_EQ(KnVmProtect(base, PAGE_SIZE, given[n].flags),
		      given[n].protect);
		KT_EQ(seen(base), NOTHING);
	}
	/* Nothing is no protection to change to, but none to commit with. */
	KT_EQ(KnVmProtect(base, PAGE_SIZE, 0), rcInvalidProtection);
	kt_log("KnVmProtect: .*flags 0x0: rcInvalidProtection");
	KT_EQ(KnVmUnmap(base, PAGE_SIZE), rcOk);
}

const struct kt_test refused_tests[] = {
	KT_TEST(allocate_flags),
	KT_TEST(allocate_ranges),
	KT_TEST(no_place_for_the_answer),
	KT_TEST(ranges),
	KT_TEST(guards_refuse),
	KT_TEST(states),
	KT_TEST(flags_of_calls),
	{}
};
