// SPDX-License-Identifier: GPL-2.0
/* The write-rare calls: what they write, where from, and what they leave. */
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "pmalloc_test.h"

static struct pmalloc_pool *pool;
static u8 *mem;

/* Four pages that are sealed and write-rare. */
static bool begin(u8 mode)
{
	pool = pmalloc_create_named_pool("write_rare", 4 * PAGE_SIZE, -1, mode);
	mem = pool ? pmalloc(pool, 4 * PAGE_SIZE) : NULL;
	if (!mem) {
		kt_fail("no pool");
		return false;
	}
	pmalloc_protect_pool(pool);
	return true;
}

static void end(void)
{
	pmalloc_destroy_pool(pool);
}

/* Any offset, any length, compared with a copy that memcpy() and memset() keep. */
static void any_place_any_length(void)
{
	u8 *model = kvzalloc(4 * PAGE_SIZE, GFP_KERNEL);
	u8 *junk = kvmalloc(4 * PAGE_SIZE, GFP_KERNEL);
	u32 i, n = kt_loops(4000), seed = 12345;

	if (!model || !junk || !begin(PMALLOC_MODE_WR))
		goto out;
	for (i = 0; i < n; i++) {
		size_t offset, size;

		seed = seed * 1664525 + 1013904223;
		offset = (seed >> 8) % (4 * PAGE_SIZE);
		seed = seed * 1664525 + 1013904223;
		size = (seed >> 8) % (i % 8 ? 100 : 4 * PAGE_SIZE);
		size = min(size, 4 * PAGE_SIZE - offset);
		memset(junk, i, size);
		if (size)
			junk[size / 2] = ~i;
		if (i & 1) {
			KT_TRUE(wr_memcpy(mem + offset, junk, size));
			memcpy(model + offset, junk, size);
		} else {
			KT_TRUE(wr_memset(mem + offset, i, size));
			memset(model + offset, i, size);
		}
		if (!KT_TRUE(!memcmp(mem, model, 4 * PAGE_SIZE)))
			break;
	}
	KT_TRUE(write_faults(mem, 1));
	end();
out:
	kvfree(model);
	kvfree(junk);
}

static void typed_calls(void)
{
	struct all {
		char c;
		short s;
		unsigned short us;
		int i;
		unsigned int ui;
		long l;
		unsigned long ul;
		long long ll;
		unsigned long long ull;
		void *p;
		struct { int a, b, c; } odd;
	} *all;
	typeof(all->odd) odd = { 1, 2, 3 };

	if (!begin(PMALLOC_MODE_START_WR))
		return;
	all = (void *)mem;
	KT_TRUE(wr_char(&all->c, 'x') && all->c == 'x');
	KT_TRUE(wr_short(&all->s, -2) && all->s == -2);
	KT_TRUE(wr_ushort(&all->us, 65533) && all->us == 65533);
	KT_TRUE(wr_int(&all->i, -4) && all->i == -4);
	KT_TRUE(wr_uint(&all->ui, 5) && all->ui == 5);
	KT_TRUE(wr_long(&all->l, -6) && all->l == -6);
	KT_TRUE(wr_ulong(&all->ul, 7) && all->ul == 7);
	KT_TRUE(wr_longlong(&all->ll, -8) && all->ll == -8);
	KT_TRUE(wr_ulonglong(&all->ull, 9) && all->ull == 9);
	KT_TRUE(wr_ptr(&all->p, all) && all->p == all);
	KT_TRUE(wr_assign(all->odd, odd) && all->odd.c == 3);
	KT_TRUE(wr_assign(all->i, 77) && all->i == 77);
	end();
}

static void under_spinlock_and_interrupts_off(void)
{
	static DEFINE_SPINLOCK(lock);	/* taken by this test alone */
	unsigned long flags;

	if (!begin(PMALLOC_MODE_WR))
		return;
	spin_lock_irqsave(&lock, flags);
	KT_TRUE(wr_memset(mem + 100, 7, 2 * PAGE_SIZE));
	KT_TRUE(irqs_disabled());
	spin_unlock_irqrestore(&lock, flags);
	KT_NULL(memchr_inv(mem + 100, 7, 2 * PAGE_SIZE));
	spin_lock(&lock);
	KT_TRUE(wr_int((int *)mem, 1));
	spin_unlock(&lock);
	KT_TRUE(!irqs_disabled());
	end();
}

static void write_in_irq(struct irq_work *work)
{
	KT_TRUE(in_hardirq());
	KT_TRUE(wr_int((int *)mem, 42));
}

static void in_an_interrupt(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(write_in_irq);

	if (!begin(PMALLOC_MODE_WR))
		return;
	irq_work_queue(&work);
	irq_work_sync(&work);
	KT_EQ(*(int *)mem, 42);
	end();
}

/* A reader on another CPU, for as long as the writer goes on. */
static struct task_struct *on_another_cpu(int (*reader)(void *), void *data)
{
	struct task_struct *task = kthread_create(reader, data, "pmalloc_test");

	if (IS_ERR(task))
		return NULL;
	kthread_bind(task, cpumask_next_wrap(raw_smp_processor_id(),
					     cpu_online_mask));
	get_task_struct(task);
	wake_up_process(task);
	return task;
}

#define ONE 0x1111111111111111UL
#define TWO 0xeeeeeeeeeeeeeeeeUL

static unsigned long torn, seen[2];

static int read_words(void *data)
{
	unsigned long *word = data;

	while (!kthread_should_stop()) {
		unsigned long value = READ_ONCE(*word);

		if (value == ONE)
			seen[0]++;
		else if (value == TWO)
			seen[1]++;
		else
			torn++;
		cond_resched();
	}
	return 0;
}

/* wr_memcpy() of an aligned word, by its four ways in. */
static void readers_see_whole_words(void)
{
	unsigned long *word, one = ONE, two = TWO, pair[2] = { ONE, ONE };
	struct task_struct *task;
	static const u8 bytes[] = {
		'a', 'b', 'c', 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 'd',
	};
	u32 i, n = kt_loops(40000);

	if (num_online_cpus() < 2 || !begin(PMALLOC_MODE_WR))
		return;
	/* The second word of two that are copied at once. */
	word = (unsigned long *)(mem + PAGE_SIZE + 8);
	KT_TRUE(wr_ulong(word, ONE));
	torn = 0;
	seen[0] = 0;
	seen[1] = 0;
	task = on_another_cpu(read_words, word);
	for (i = 0; task && i < n; i++) {
		wr_memcpy(word, &two, sizeof(two));
		wr_assign(*word, one);
		wr_memset(word, 0xee, sizeof(*word));
		wr_memcpy(word - 1, pair, sizeof(pair));
		/* Bytes and not words before and behind it. */
		wr_memcpy((u8 *)word - 3, bytes, sizeof(bytes));
		if (!(i % 64))
			cond_resched();
	}
	if (KT_NOT_NULL(task)) {
		kthread_stop(task);
		put_task_struct(task);
	}
	KT_EQ(torn, 0);
	KT_TRUE(seen[0] && seen[1]);
	end();
}

struct pair {
	unsigned long a, b;
};

static int read_pairs(void *data)
{
	struct pair **where = data;

	while (!kthread_should_stop()) {
		struct pair *pair;

		rcu_read_lock();
		pair = rcu_dereference_raw(*where);
		if (READ_ONCE(pair->a) != READ_ONCE(pair->b))
			torn++;
		seen[0]++;
		rcu_read_unlock();
		cond_resched();
	}
	return 0;
}

static void rcu_readers_see_what_was_published(void)
{
	struct pair *pairs, **where;
	struct task_struct *task;
	u32 i, n = kt_loops(20000);

	if (num_online_cpus() < 2 || !begin(PMALLOC_MODE_START_WR))
		return;
	where = (void *)mem;
	pairs = (void *)(mem + PAGE_SIZE);
	KT_TRUE(wr_rcu_assign_pointer(*where, &pairs[0]));
	torn = 0;
	seen[0] = 0;
	task = on_another_cpu(read_pairs, where);
	for (i = 1; task && i < n; i++) {
		struct pair *next = &pairs[i % 256];
		struct pair value = { i, i };

		/* Twice a round: whoever found a pair late must be done, too. */
		if (!(i % 128))
			synchronize_rcu();
		wr_assign(*next, value);
		wr_rcu_assign_pointer(*where, next);
	}
	if (KT_NOT_NULL(task)) {
		kthread_stop(task);
		put_task_struct(task);
	}
	KT_EQ(torn, 0);
	KT_TRUE(seen[0]);
	end();
}

/* Two CPUs that write to pages of one pool at the same time. */
static int write_second(void *data)
{
	while (!kthread_should_stop()) {
		if (!wr_add((u64 *)data, 1))
			kt_fail("not written");
		seen[1]++;
		cond_resched();
	}
	return 0;
}

static void two_writers_at_a_time(void)
{
	u64 *counter, n = kt_loops(20000), i;
	struct task_struct *task;

	if (num_online_cpus() < 2 || !begin(PMALLOC_MODE_WR))
		return;
	counter = (u64 *)(mem + PAGE_SIZE - 8);
	seen[1] = 0;
	task = on_another_cpu(write_second, counter);
	for (i = 0; i < n; i++)
		wr_add(counter, 1);
	if (KT_NOT_NULL(task)) {
		kthread_stop(task);
		put_task_struct(task);
	}
	KT_EQ(*counter, n + seen[1]);
	KT_NULL(memchr_inv(mem, 0, PAGE_SIZE - 8));
	KT_NULL(memchr_inv(mem + PAGE_SIZE, 0, PAGE_SIZE));
	end();
}

/* Nothing that could be written through is mapped after a write. */
static void no_alias_stays_behind(void)
{
	u64 bad;

	if (!begin(PMALLOC_MODE_WR))
		return;
	KT_TRUE(wr_int((int *)mem, 1));
	KT_TRUE(write_faults(mem, 2));
	if (full_protection())
		KT_TRUE(write_faults(direct_map(mem), 2));
	/* The window's own address, in all page tables but the window's. */
	bad = pgtable_l5_enabled() ? 0xff00000000000000 : 0xffff800000000000;
	KT_TRUE(read_faults((void *)bad));
	KT_TRUE(line_in(PMALLOC_SYSFS "audit", "bad 0\n"));
	end();
}

static noinline void write_twice(void)
{
	int i;

	for (i = 0; i < 2; i++)
		wr_int((int *)(mem + 40), i);
}

static void ledger_of_writes(void)
{
	if (!begin(PMALLOC_MODE_WR))
		return;
	write_twice();
	KT_TRUE(pool_says("write_rare", "ledger", "write_twice"));
	KT_TRUE(pool_says("write_rare", "ledger", "others 0\n"));
	KT_EQ(pool_figure("write_rare", "writes"), 2);
	end();
}

const struct kt_test write_rare_tests[] = {
	KT_TEST(any_place_any_length),
	KT_TEST(typed_calls),
	KT_TEST(under_spinlock_and_interrupts_off),
	KT_TEST(in_an_interrupt),
	KT_TEST(readers_see_whole_words),
	KT_TEST(rcu_readers_see_what_was_published),
	KT_TEST(two_writers_at_a_time),
	KT_TEST(no_alias_stays_behind),
	KT_TEST(ledger_of_writes),
	{}
};
