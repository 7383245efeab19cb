// SPDX-License-Identifier: GPL-2.0
/* Reserve, commit, decommit, guards, growth, and what a query says of them. */
#include <linux/sizes.h>
#include <linux/string.h>

#include "vmm_test.h"

/* More than the machine has: address space alone. */
static void reserve_takes_no_memory(void)
{
	u64 committed = figure("committed_bytes");
	u64 reserved = figure("reserved_bytes");
	size_t size = (size_t)totalram_pages() * PAGE_SIZE * 4;
	char *base = KnVmAllocate(RTL_NULL, size, RESERVE | RW);

	KT_NEED(base);
	KT_EQ(seen(base), NOTHING);
	KT_TRUE(!can_read(base));
	KT_TRUE(!can_read(base + size - 1));
	KT_EQ(figure("committed_bytes"), committed);
	KT_EQ(figure("reserved_bytes"), reserved + size);
	KT_EQ(KnVmUnmap(base, size), rcOk);
	KT_EQ(figure("reserved_bytes"), reserved);
}

static void commit_at_once(void)
{
	static const int how[] = { COMMIT, LOCKED };
	int n;

	for (n = 0; n < ARRAY_SIZE(how); n++) {
		u64 committed = figure("committed_bytes");
		u64 locked = figure("locked_bytes");
		char *base = KnVmAllocate(RTL_NULL, SZ_1M, how[n] | RW);

		KT_NEED(base);
		expect_pages(base, SZ_1M / PAGE_SIZE, RW);
		KT_TRUE(!memchr_inv(base, 0, SZ_1M));
		memset(base, 0x5a, SZ_1M);
		KT_TRUE(!memchr_inv(base, 0x5a, SZ_1M));
		KT_EQ(figure("committed_bytes"), committed + SZ_1M);
		KT_EQ(figure("locked_bytes"),
		      locked + (how[n] == LOCKED ? SZ_1M : 0));
		KT_EQ(KnVmUnmap(base, SZ_1M), rcOk);
		KT_EQ(figure("committed_bytes"), committed);
		KT_EQ(figure("locked_bytes"), locked);
	}
}

/* Each of the sizes that the code treats in its own way. */
static void commit_sizes(void)
{
	static const size_t sizes[] = {
		1, 2, 3, 31, 32, 33, 63, 511, 512, 513, 1023, 1024, 1025, 2049
	};
	int n;

	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		size_t size = sizes[n] * PAGE_SIZE;
		char *base = KnVmAllocate(RTL_NULL, size, RESERVE | RW);

		KT_NEED(base);
		KT_EQ(KnVmCommit(base, size, VMM_FLAG_LOCKED), rcOk);
		expect_pages(base, sizes[n], RW);
		KT_TRUE(!memchr_inv(base, 0, size));
		memset(base, sizes[n], size);
		KT_EQ(KnVmDecommit(base, size), rcOk);
		expect_pages(base, sizes[n], NOTHING);
		KT_EQ(KnVmCommit(base, size, VMM_FLAG_LOCKED), rcOk);
		KT_TRUE(!memchr_inv(base, 0, size));
		KT_EQ(KnVmUnmap(base, size), rcOk);
	}
}

static void commit_parts(void)
{
	char *base = KnVmAllocate(RTL_NULL, 10 * PAGE_SIZE, RESERVE | RW);

	KT_NEED(base);
	KT_EQ(KnVmCommit(base + 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0), rcOk);
	KT_EQ(KnVmCommit(base + 7 * PAGE_SIZE, PAGE_SIZE, 0), rcOk);
	memset(base + 2 * PAGE_SIZE, 1, 3 * PAGE_SIZE);
	memset(base + 7 * PAGE_SIZE, 2, PAGE_SIZE);
	expect_pages(base, 2, NOTHING);
	expect_pages(base + 2 * PAGE_SIZE, 3, RW);
	expect_pages(base + 5 * PAGE_SIZE, 2, NOTHING);
	expect_pages(base + 7 * PAGE_SIZE, 1, RW);
	expect_pages(base + 8 * PAGE_SIZE, 2, NOTHING);
	KT_EQ(KnVmDecommit(base + 3 * PAGE_SIZE, PAGE_SIZE), rcOk);
	expect_pages(base + 2 * PAGE_SIZE, 1, RW);
	expect_pages(base + 3 * PAGE_SIZE, 1, NOTHING);
	expect_pages(base + 4 * PAGE_SIZE, 1, RW);
	KT_TRUE(!memchr_inv(base + 2 * PAGE_SIZE, 1, PAGE_SIZE));
	KT_TRUE(!memchr_inv(base + 4 * PAGE_SIZE, 1, PAGE_SIZE));
	KT_EQ(KnVmUnmap(base, 10 * PAGE_SIZE), rcOk);
}

static void guards(void)
{
	static const int which[] = {
		VMM_FLAG_LOW_GUARD, VMM_FLAG_HIGH_GUARD,
		VMM_FLAG_LOW_GUARD | VMM_FLAG_HIGH_GUARD,
	};
	size_t size = 3 * PAGE_SIZE;
	int n;

	for (n = 0; n < ARRAY_SIZE(which); n++) {
		char *base = KnVmAllocate(RTL_NULL, size, LOCKED | RW | which[n]);
		char *low = base - PAGE_SIZE, *high = base + size;
		struct VmmInfo info;

		KT_NEED(base);
		expect_pages(base, 3, RW);
		if (which[n] & VMM_FLAG_LOW_GUARD) {
			KT_TRUE(!can_read(low) && !can_write(low));
			KT_EQ(KnVmQuery(low, &info), rcOk);
			KT_EQ(info.state, VMM_PAGE_GUARD);
			KT_TRUE(info.base == base);
		}
		if (which[n] & VMM_FLAG_HIGH_GUARD) {
			KT_TRUE(!can_read(high) && !can_write(high));
			KT_EQ(KnVmQuery(high, &info), rcOk);
			KT_EQ(info.state, VMM_PAGE_GUARD);
			KT_TRUE(info.runBase == high);
		}
		KT_EQ(KnVmUnmap(base, size), rcOk);
	}
}

static void grow_down(void)
{
	struct VmmInfo info;
	char *base;

	kt_log("KnVmCommit: .*: rcCommitted .*grow_down");
	kt_log("KnVmDecommit: .*: rcGrowDown .*grow_down");
	base = KnVmAllocate(RTL_NULL, 16 * PAGE_SIZE,
			    RESERVE | RW | VMM_FLAG_GROW_DOWN);
	KT_NEED(base);
	/* From the page asked for up to the top. */
	KT_EQ(KnVmCommit(base + 12 * PAGE_SIZE, PAGE_SIZE, 0), rcOk);
	expect_pages(base, 12, NOTHING);
	expect_pages(base + 12 * PAGE_SIZE, 4, RW);
	/* And down from there, with the pages between. */
	KT_EQ(KnVmCommit(base + 5 * PAGE_SIZE, 2 * PAGE_SIZE, 0), rcOk);
	expect_pages(base, 5, NOTHING);
	expect_pages(base + 5 * PAGE_SIZE, 11, RW);
	KT_EQ(KnVmCommit(base + 4 * PAGE_SIZE, 2 * PAGE_SIZE, 0), rcCommitted);
	KT_EQ(KnVmDecommit(base + 8 * PAGE_SIZE, PAGE_SIZE), rcGrowDown);
	expect_pages(base + 5 * PAGE_SIZE, 11, RW);
	KT_EQ(KnVmDecommit(base + 5 * PAGE_SIZE, 3 * PAGE_SIZE), rcOk);
	expect_pages(base, 8, NOTHING);
	expect_pages(base + 8 * PAGE_SIZE, 8, RW);
	KT_EQ(KnVmQuery(base, &info), rcOk);
	KT_EQ(info.flags & VMM_FLAG_GROW_DOWN, VMM_FLAG_GROW_DOWN);
	KT_EQ(KnVmUnmap(base, 16 * PAGE_SIZE), rcOk);
}

/* At an address of the caller's choice, and not twice. */
static void at_an_address(void)
{
	size_t size = 4 * PAGE_SIZE;
	void *base = KnVmAllocate(RTL_NULL, size, RESERVE | R | VMM_FLAG_LOW_GUARD);
	void *again = NULL;

	kt_log("KnVmTryAllocate: .*: rcBusy .*at_an_address");
	KT_NEED(base);
	KT_EQ(KnVmTryAllocate(base, size, RESERVE | R, &again), rcBusy);
	KT_NULL(again);
	KT_EQ(KnVmUnmap(base, size), rcOk);
	KT_EQ(KnVmTryAllocate(base, size, LOCKED | RW | VMM_FLAG_LOW_GUARD,
			      &again), rcOk);
	KT_TRUE(again == base);
	expect_pages(base, 4, RW);
	KT_EQ(KnVmUnmap(base, size), rcOk);
}

static void query(void)
{
	char *base = KnVmAllocate(RTL_NULL, 8 * PAGE_SIZE,
				  RESERVE | RX | VMM_FLAG_WRITE_COMBINE);
	struct VmmInfo info;

	KT_NEED(base);
	KT_EQ(KnVmCommit(base + 2 * PAGE_SIZE, 3 * PAGE_SIZE,
			 VMM_FLAG_LOCKED | RW), rcOk);
	KT_EQ(KnVmQuery(base + 3 * PAGE_SIZE + 5, &info), rcOk);
	KT_TRUE(info.base == base);
	KT_EQ(info.size, 8 * PAGE_SIZE);
	KT_EQ(info.flags, VMM_FLAG_WRITE_COMBINE);
	KT_EQ(info.state, VMM_PAGE_COMMITTED);
	KT_EQ(info.protection, RW);
	KT_EQ(info.locked, 1);
	KT_TRUE(info.runBase == base + 2 * PAGE_SIZE);
	KT_EQ(info.runSize, 3 * PAGE_SIZE);
	KT_EQ(KnVmQuery(base + 8 * PAGE_SIZE - 1, &info), rcOk);
	KT_EQ(info.state, VMM_PAGE_RESERVED);
	KT_EQ(info.protection, RX);
	KT_EQ(info.locked, 0);
	KT_TRUE(info.runBase == base + 5 * PAGE_SIZE);
	KT_EQ(KnVmUnmap(base, 8 * PAGE_SIZE), rcOk);
	KT_EQ(KnVmQuery(base, &info), rcNoRegion);
	KT_EQ(KnVmQuery(RTL_NULL, &info), rcNoRegion);
	KT_EQ(KnVmQuery(&info, &info), rcNoRegion);
	KT_EQ(KnVmQuery((void *)ULONG_MAX, &info), rcNoRegion);
}

const struct kt_test region_tests[] = {
	KT_TEST(reserve_takes_no_memory),
	KT_TEST(commit_at_once),
	KT_TEST(commit_sizes),
	KT_TEST(commit_parts),
	KT_TEST(guards),
	KT_TEST(grow_down),
	KT_TEST(at_an_address),
	KT_TEST(query),
	{}
};
