// SPDX-License-Identifier: GPL-2.0
/* Protections: what page tables say of both views, and what the processor does. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "vmm_test.h"

static const int all[] = { R, RW, RX, RWX };

/* Every one of the four, from the start and as a change from each other one. */
static void transitions(void)
{
	int from, to;

	for (from = 0; from < ARRAY_SIZE(all); from++) {
		for (to = 0; to < ARRAY_SIZE(all); to++) {
			size_t size = 5 * PAGE_SIZE;
			char *base = KnVmAllocate(RTL_NULL, size,
						  LOCKED | all[from]);

			KT_NEED(base);
			expect_pages(base, 5, all[from]);
			KT_EQ(KnVmProtect(base, size, all[to]), rcOk);
			expect_pages(base, 5, all[to]);
			KT_TRUE(can_read(base));
			KT_EQ(can_write(base), !!(all[to] & VMM_FLAG_WRITE));
			KT_EQ(KnVmProtect(base, size, all[from]), rcOk);
			expect_pages(base, 5, all[from]);
			KT_EQ(KnVmUnmap(base, size), rcOk);
		}
	}
}

/* The direct map's view cannot be written either. */
static void direct_map(void)
{
	char *base = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RW);
	char *direct;

	KT_NEED(base);
	base[7] = 3;
	direct = page_address(vmalloc_to_page(base));
	KT_EQ(direct[7], 3);
	KT_TRUE(can_write(direct));
	KT_EQ(KnVmProtect(base, PAGE_SIZE, R), rcOk);
	KT_TRUE(!can_write(base));
	KT_TRUE(!can_write(direct));
	KT_EQ(KnVmUnmap(base, PAGE_SIZE), rcOk);
	/* Given back as it was taken. */
	KT_TRUE(can_write(direct));
}

static void parts(void)
{
	char *base = KnVmAllocate(RTL_NULL, 9 * PAGE_SIZE, LOCKED | RW);
	struct VmmInfo info;
	int n;

	KT_NEED(base);
	for (n = 0; n < 9; n++)
		memset(base + n * PAGE_SIZE, n, PAGE_SIZE);
	KT_EQ(KnVmProtect(base + 2 * PAGE_SIZE, 3 * PAGE_SIZE, R), rcOk);
	KT_EQ(KnVmProtect(base + 4 * PAGE_SIZE, 3 * PAGE_SIZE, RX), rcOk);
	expect_pages(base, 2, RW);
	expect_pages(base + 2 * PAGE_SIZE, 2, R);
	expect_pages(base + 4 * PAGE_SIZE, 3, RX);
	expect_pages(base + 7 * PAGE_SIZE, 2, RW);
	KT_EQ(KnVmQuery(base + 3 * PAGE_SIZE, &info), rcOk);
	KT_EQ(info.protection, R);
	KT_EQ(info.runSize, 2 * PAGE_SIZE);
	/* One call over four kinds of pages. */
	KT_EQ(KnVmProtect(base, 9 * PAGE_SIZE, RW), rcOk);
	expect_pages(base, 9, RW);
	for (n = 0; n < 9; n++)
		KT_TRUE(!memchr_inv(base + n * PAGE_SIZE, n, PAGE_SIZE));
	KT_EQ(KnVmUnmap(base, 9 * PAGE_SIZE), rcOk);
}

/* Large enough for several batches, and for a whole large page. */
static void many_pages(void)
{
	size_t pages = 1300;
	char *base = KnVmAllocate(RTL_NULL, pages * PAGE_SIZE, LOCKED | RW);

	KT_NEED(base);
	KT_EQ(KnVmProtect(base, pages * PAGE_SIZE, RX), rcOk);
	expect_pages(base, pages, RX);
	KT_EQ(KnVmProtect(base + 700 * PAGE_SIZE, PAGE_SIZE, RW), rcOk);
	expect_pages(base, 700, RX);
	expect_pages(base + 700 * PAGE_SIZE, 1, RW);
	expect_pages(base + 701 * PAGE_SIZE, pages - 701, RX);
	KT_EQ(KnVmDecommit(base, pages * PAGE_SIZE), rcOk);
	KT_EQ(KnVmUnmap(base, pages * PAGE_SIZE), rcOk);
}

/* Committed one by one, the pages are scattered over the direct map. */
static void scattered_pages(void)
{
	char *base = KnVmAllocate(RTL_NULL, 64 * PAGE_SIZE, RESERVE | RW);
	int n, to;

	KT_NEED(base);
	for (n = 0; n < 64; n += 2)
		KT_EQ(KnVmCommit(base + n * PAGE_SIZE, PAGE_SIZE, 0), rcOk);
	for (n = 63; n > 0; n -= 2)
		KT_EQ(KnVmCommit(base + n * PAGE_SIZE, PAGE_SIZE, 0), rcOk);
	for (n = 0; n < ARRAY_SIZE(all); n++) {
		for (to = 0; to < ARRAY_SIZE(all); to++) {
			KT_EQ(KnVmProtect(base, 64 * PAGE_SIZE, all[n]), rcOk);
			expect_pages(base, 64, all[n]);
			KT_EQ(KnVmProtect(base, 64 * PAGE_SIZE, all[to]), rcOk);
			expect_pages(base, 64, all[to]);
		}
	}
	KT_EQ(KnVmUnmap(base, 64 * PAGE_SIZE), rcOk);
}

/* Reserved pages remember what they will be. */
static void before_commit(void)
{
	char *base = KnVmAllocate(RTL_NULL, 4 * PAGE_SIZE, RESERVE | RW);

	KT_NEED(base);
	KT_EQ(KnVmProtect(base + PAGE_SIZE, 2 * PAGE_SIZE, RX), rcOk);
	expect_pages(base, 4, NOTHING);
	KT_EQ(KnVmCommit(base, 4 * PAGE_SIZE, 0), rcOk);
	expect_pages(base, 1, RW);
	expect_pages(base + PAGE_SIZE, 2, RX);
	expect_pages(base + 3 * PAGE_SIZE, 1, RW);
	/* And through a decommit, too. */
	KT_EQ(KnVmDecommit(base, 4 * PAGE_SIZE), rcOk);
	KT_EQ(KnVmCommit(base, 4 * PAGE_SIZE, R), rcOk);
	expect_pages(base, 4, R);
	KT_EQ(KnVmUnmap(base, 4 * PAGE_SIZE), rcOk);
}

/* Code that was written there runs. */
static void execute(void)
{
	/* endbr64; mov $42, %eax; ret */
	static const u8 code[] = {
		0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 42, 0, 0, 0, 0xc3
	};
	static const int how[] = { RX, RWX };
	int n;

	for (n = 0; n < ARRAY_SIZE(how); n++) {
		u8 *base = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RW);
		int (*call)(void) = (int (*)(void))base;

		KT_NEED(base);
		memcpy(base, code, sizeof(code));
		KT_EQ(KnVmProtect(base, PAGE_SIZE, how[n]), rcOk);
		KT_EQ(call(), 42);
		KT_EQ(KnVmUnmap(base, PAGE_SIZE), rcOk);
	}
}

/* One CPU keeps a page in its TLB by writing it; another write-protects it. */
struct writer {
	char *page;
	bool stop, running;
	bool late;		/* wrote after it was told that it may not */
	bool closed;		/* set when KnVmProtect() has returned */
	struct completion done;
};

static int keep_writing(void *data)
{
	struct writer *w = data;

	while (!READ_ONCE(w->stop)) {
		/* In this order: the page was closed before we tried. */
		bool closed = smp_load_acquire(&w->closed);
		bool wrote = can_write(w->page);

		WRITE_ONCE(w->running, true);
		if (closed && wrote)
			w->late = true;
		cond_resched();
	}
	complete(&w->done);
	return 0;
}

static void all_tlbs(void)
{
	u32 n, rounds = kt_loops(200);
	struct writer w = {
		.page = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RW),
	};
	struct task_struct *task;

	KT_NEED(w.page);
	init_completion(&w.done);
	task = kthread_create(keep_writing, &w, "vmm_writer");
	KT_NEED(!IS_ERR(task));
	if (num_online_cpus() > 1)
		kthread_bind(task, cpumask_last(cpu_online_mask));
	wake_up_process(task);
	while (!READ_ONCE(w.running))
		cond_resched();
	for (n = 0; n < rounds; n++) {
		KT_EQ(KnVmProtect(w.page, PAGE_SIZE, R), rcOk);
		/* Pairs with the load in keep_writing(). */
		smp_store_release(&w.closed, true);
		/* The writer may be between its load and its write: ask it. */
		WRITE_ONCE(w.running, false);
		while (!READ_ONCE(w.running))
			cond_resched();
		WRITE_ONCE(w.running, false);
		while (!READ_ONCE(w.running))
			cond_resched();
		/* Pairs with the load in keep_writing(). */
		smp_store_release(&w.closed, false);
		WRITE_ONCE(w.running, false);
		while (!READ_ONCE(w.running))
			cond_resched();
		WRITE_ONCE(w.running, false);
		while (!READ_ONCE(w.running))
			cond_resched();
		KT_EQ(KnVmProtect(w.page, PAGE_SIZE, RW), rcOk);
	}
	WRITE_ONCE(w.stop, true);
	wait_for_completion(&w.done);
	KT_TRUE(!w.late);
	KT_EQ(KnVmUnmap(w.page, PAGE_SIZE), rcOk);
}

/* All of R|W|X is counted; the first is logged, by whichever test made it. */
static void wx_is_counted(void)
{
	u64 given = figure("wx_given");
	void *base = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RWX);

	KT_NEED(base);
	KT_EQ(figure("wx_given"), given + 1);
	KT_EQ(KnVmProtect(base, PAGE_SIZE, RX), rcOk);
	KT_EQ(KnVmProtect(base, PAGE_SIZE, RWX), rcOk);
	KT_EQ(figure("wx_given"), given + 2);
	KT_EQ(KnVmUnmap(base, PAGE_SIZE), rcOk);
}

static void wx_is_logged(void)
{
	void *base;

	kt_log("writable and executable .*deny_wx=1 .*wx_is_logged");
	base = KnVmAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RWX);
	KT_NEED(base);
	KT_EQ(KnVmUnmap(base, PAGE_SIZE), rcOk);
}

/* Under deny_wx=1 only. */
static void wx_denied(void)
{
	char *base = KnVmAllocate(RTL_NULL, 2 * PAGE_SIZE, RESERVE | RW);
	u64 denied = figure("wx_denied");
	void *other = NULL;
	Handle h = 0;

	kt_log("KnVmTryAllocate: .*: rcDenied");
	kt_log("KnVmProtect: .*: rcDenied");
	kt_log("KnVmCommit: .*: rcDenied");
	kt_log("KnPmmMdlCreate: .*: rcDenied");
	KT_NEED(base);
	KT_EQ(KnVmCommit(base, PAGE_SIZE, 0), rcOk);
	KT_EQ(KnVmTryAllocate(RTL_NULL, PAGE_SIZE, LOCKED | RWX, &other), rcDenied);
	KT_NULL(other);
	KT_EQ(KnVmProtect(base, PAGE_SIZE, RWX), rcDenied);
	expect_pages(base, 1, RW);
	KT_EQ(KnVmCommit(base + PAGE_SIZE, PAGE_SIZE, RWX), rcDenied);
	expect_pages(base + PAGE_SIZE, 1, NOTHING);
	KT_EQ(KnPmmMdlCreate(PAGE_SIZE, RWX, &h), rcDenied);
	KT_EQ(h, 0);
	KT_EQ(figure("wx_denied"), denied + 4);
	KT_EQ(figure("wx_given"), 0);
	/* Executable instead of writable is what is left. */
	KT_EQ(KnVmProtect(base, PAGE_SIZE, RX), rcOk);
	expect_pages(base, 1, RX);
	KT_EQ(KnVmUnmap(base, 2 * PAGE_SIZE), rcOk);
}

const struct kt_test deny_tests[] = {
	KT_TEST(wx_denied),
	{}
};

const struct kt_test protect_tests[] = {
	KT_TEST(wx_is_logged),
	KT_TEST(wx_is_counted),
	KT_TEST(transitions),
	KT_TEST(direct_map),
	KT_TEST(parts),
	KT_TEST(many_pages),
	KT_TEST(scattered_pages),
	KT_TEST(before_commit),
	KT_TEST(execute),
	KT_TEST(all_tlbs),
	{}
};
