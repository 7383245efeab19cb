// SPDX-License-Identifier: GPL-2.0
/* No memory, many regions, two CPUs. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vmm_test.h"

/* More than there is: fails half-way, and nothing half-done stays. */
static void out_of_memory(void)
{
	size_t size = (size_t)totalram_pages() * PAGE_SIZE;
	u64 committed = figure("committed_bytes");
	u64 locked = figure("locked_bytes");
	char *base = KnVmAllocate(RTL_NULL, size, RESERVE | RW);
	struct VmmInfo info;
	void *other;
	size_t n;

	KT_NEED(base);
	KT_EQ(KnVmCommit(base + PAGE_SIZE, 3 * PAGE_SIZE, 0), rcOk);
	memset(base + PAGE_SIZE, 6, 3 * PAGE_SIZE);
	KT_EQ(KnVmProtect(base + 4 * PAGE_SIZE, 5 * PAGE_SIZE, R), rcOk);
	KT_EQ(KnVmCommit(base + 4 * PAGE_SIZE, size - 4 * PAGE_SIZE,
			 VMM_FLAG_LOCKED), rcNoMemory);
	for (n = 4; n < size / PAGE_SIZE; n++)
		KT_NEED(KT_EQ(seen(base + n * PAGE_SIZE), NOTHING));
	expect_pages(base + PAGE_SIZE, 3, RW);
	KT_TRUE(!memchr_inv(base + PAGE_SIZE, 6, 3 * PAGE_SIZE));
	KT_EQ(KnVmQuery(base + 4 * PAGE_SIZE, &info), rcOk);
	KT_EQ(info.state, VMM_PAGE_RESERVED);
	KT_EQ(info.protection, R);
	KT_EQ(figure("committed_bytes"), committed + 3 * PAGE_SIZE);
	KT_EQ(figure("locked_bytes"), locked);
	KT_EQ(KnVmTryAllocate(RTL_NULL, size, LOCKED | RW, &other), rcNoMemory);
	KT_EQ(KnVmUnmap(base, size), rcOk);
	KT_EQ(figure("committed_bytes"), committed);
}

static void many_regions(void)
{
	u64 regions = figure("regions");
	enum { MANY = 1000 };
	void **bases = kcalloc(MANY, sizeof(*bases), GFP_KERNEL);
	struct VmmInfo info;
	int n;

	KT_NEED(bases);
	for (n = 0; n < MANY; n++) {
		size_t size = (1 + n % 7) * PAGE_SIZE;

		bases[n] = KnVmAllocate(RTL_NULL, size, RESERVE | RW);
		KT_NEED(bases[n]);
	}
	KT_EQ(figure("regions"), regions + MANY);
	for (n = 0; n < MANY; n++) {
		KT_EQ(KnVmQuery(bases[n] + 5, &info), rcOk);
		KT_TRUE(info.base == bases[n]);
		KT_EQ(info.size, (1 + n % 7) * PAGE_SIZE);
	}
	for (n = 0; n < MANY; n++)
		KT_EQ(KnVmUnmap(bases[n], (1 + n % 7) * PAGE_SIZE), rcOk);
	KT_EQ(figure("regions"), regions);
	kfree(bases);
}

/*
 * Two threads work on the same region: each call succeeds or is refused as the
 * header says, and whatever the order, books and page tables agree in the end.
 */
enum { RACE_PAGES = 8 };

struct racer {
	char *base;
	u32 seed;
	u32 rounds;
	bool wrong;
	struct completion done;
};

static int race(void *data)
{
	struct racer *r = data;
	struct rnd_state rnd;
	u32 n;

	prandom_seed_state(&rnd, r->seed);
	for (n = 0; n < r->rounds; n++) {
		u32 word = prandom_u32_state(&rnd);
		size_t first = word % RACE_PAGES;
		size_t pages = 1 + (word >> 8) % (RACE_PAGES - first);
		char *addr = r->base + first * PAGE_SIZE;
		size_t size = pages * PAGE_SIZE;
		struct VmmInfo info;
		Retcode rc;

		switch ((word >> 16) % 4) {
		case 0:
			rc = KnVmCommit(addr, size, 0);
			if (rc != rcOk && rc != rcCommitted)
				r->wrong = true;
			break;
		case 1:
			rc = KnVmDecommit(addr, size);
			if (rc != rcOk && rc != rcNotCommitted)
				r->wrong = true;
			break;
		case 2:
			rc = KnVmProtect(addr, size, word >> 20 & 1 ? R : RW);
			if (rc != rcOk)
				r->wrong = true;
			break;
		default:
			rc = KnVmQuery(addr, &info);
			if (rc != rcOk || info.base != r->base)
				r->wrong = true;
		}
		cond_resched();
	}
	complete(&r->done);
	return 0;
}

static void two_cpus(void)
{
	u64 committed = figure("committed_bytes");
	char *base = KnVmAllocate(RTL_NULL, RACE_PAGES * PAGE_SIZE, RESERVE | RW);
	struct racer racers[2];
	u64 pages = 0;
	int n;

	kt_log("KnVmCommit: .*: rcCommitted .*race");
	kt_log("KnVmDecommit: .*: rcNotCommitted .*race");
	KT_NEED(base);
	for (n = 0; n < 2; n++) {
		struct task_struct *task;

		racers[n] = (struct racer) {
			.base = base,
			.seed = 1 + n,
			.rounds = kt_loops(10000),
		};
		init_completion(&racers[n].done);
		task = kthread_create(race, &racers[n], "vmm_race");
		if (IS_ERR(task)) {
			kt_fail("no thread");
			complete(&racers[n].done);
			continue;
		}
		kthread_bind(task, n % num_online_cpus());
		wake_up_process(task);
	}
	for (n = 0; n < 2; n++) {
		wait_for_completion(&racers[n].done);
		KT_TRUE(!racers[n].wrong);
	}
	for (n = 0; n < RACE_PAGES; n++) {
		char *page = base + n * PAGE_SIZE;
		struct VmmInfo info;

		KT_EQ(KnVmQuery(page, &info), rcOk);
		expect_pages(page, 1, info.state == VMM_PAGE_COMMITTED ?
			     info.protection : NOTHING);
		pages += info.state == VMM_PAGE_COMMITTED;
	}
	KT_EQ(figure("committed_bytes"), committed + pages * PAGE_SIZE);
	KT_EQ(KnVmUnmap(base, RACE_PAGES * PAGE_SIZE), rcOk);
	KT_EQ(figure("committed_bytes"), committed);
}

const struct kt_test limit_tests[] = {
	KT_TEST(many_regions),
	KT_TEST(two_cpus),
	KT_TEST(out_of_memory),
	{}
};
