// SPDX-License-Identifier: GPL-2.0
/*
 * From where the calls may be made, and whether they sleep there: each call is
 * made in each context, and the flags that reach the kernel's allocator, which
 * its tracepoint tells, decide. Kernels with DEBUG_ATOMIC_SLEEP object as well.
 */
#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "rkmem_test.h"

static struct kmem_cache *slab;

static void *small(void)
{
	return rsbac_kmalloc(100);
}

static void *small_clear(void)
{
	return rsbac_kmalloc_clear(100);
}

static void *large(void)
{
	return rsbac_kmalloc(SZ_16K);
}

static void *object(void)
{
	return rsbac_smalloc(slab);
}

static void *object_clear(void)
{
	return rsbac_smalloc_clear(slab);
}

static void *either(void)
{
	return rsbac_vkmalloc(100, NULL);
}

static void *unlocked(void)
{
	return rsbac_kmalloc_unlocked(100);
}

static void *clear_unlocked(void)
{
	return rsbac_kmalloc_clear_unlocked(100);
}

static void *object_unlocked(void)
{
	return rsbac_smalloc_unlocked(slab);
}

static void *object_clear_unlocked(void)
{
	return rsbac_smalloc_clear_unlocked(slab);
}

struct call {
	const char *name;
	void *(*alloc)(void);
	bool from_slab;
};

/* May be made anywhere. */
static const struct call plain_calls[] = {
	{ "rsbac_kmalloc", small },
	{ "rsbac_kmalloc_clear", small_clear },
	{ "rsbac_kmalloc of 16 KiB", large },
	{ "rsbac_smalloc", object, true },
	{ "rsbac_smalloc_clear", object_clear, true },
	{ "rsbac_vkmalloc", either },
	{}
};

/* May be made where sleeping is allowed. */
static const struct call unlocked_calls[] = {
	{ "rsbac_kmalloc_unlocked", unlocked },
	{ "rsbac_kmalloc_clear_unlocked", clear_unlocked },
	{ "rsbac_smalloc_unlocked", object_unlocked, true },
	{ "rsbac_smalloc_clear_unlocked", object_clear_unlocked, true },
	{}
};

static void make_calls(const struct call *call, bool may_sleep)
{
	for (; call->name; call++) {
		void *p = call->alloc();
		gfp_t gfp;

		if (!p) {
			kt_fail("%s gave NULL", call->name);
			continue;
		}
		if (!watched(p, &gfp, NULL))
			kt_fail("%s: not seen by the tracepoint", call->name);
		else if (!!(gfp & __GFP_DIRECT_RECLAIM) != may_sleep)
			kt_fail("%s: flags %#x %s sleep", call->name,
				(__force u32)gfp,
				may_sleep ? "do not let it" : "let it");
		else if (!may_sleep && !(gfp & __GFP_HIGH))
			kt_fail("%s: flags %#x lack the reserves of GFP_ATOMIC",
				call->name, (__force u32)gfp);
		if (call->from_slab)
			rsbac_sfree(slab, p);
		else
			rsbac_kfree(p);
	}
}

static void nothing_may_sleep(void)
{
	boolean vmalloc_used = TRUE;

	make_calls(plain_calls, false);

	/* What only vmalloc could serve fails, and says so. */
	KT_NULL(rsbac_vkmalloc(RSBAC_MAX_KMALLOC + 1, &vmalloc_used));
	KT_EQ(vmalloc_used, FALSE);
}

static void with_slab(void (*test)(void))
{
	slab = rsbac_slab_create("rkmem_test_contexts", 200);
	KT_NEED(slab);
	if (KT_TRUE(!watch_start())) {
		test();
		watch_stop();
	}
	rsbac_slab_destroy(slab);
}

static void in_process(void)
{
	make_calls(plain_calls, IS_ENABLED(CONFIG_PREEMPT_COUNT));
	make_calls(unlocked_calls, true);
}

static void sleeps_where_it_may(void)
{
	with_slab(in_process);
}

static void with_spinlock(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	nothing_may_sleep();
	spin_unlock(&lock);
}

static void no_sleep_under_spinlock(void)
{
	with_slab(with_spinlock);
}

static void with_irqsave(void)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	nothing_may_sleep();
	spin_unlock_irqrestore(&lock, flags);
}

static void no_sleep_under_spinlock_irqsave(void)
{
	with_slab(with_irqsave);
}

static void with_rcu(void)
{
	rcu_read_lock();
	nothing_may_sleep();
	rcu_read_unlock();
}

static void no_sleep_in_rcu_section(void)
{
	with_slab(with_rcu);
}

static void with_preempt_off(void)
{
	preempt_disable();
	nothing_may_sleep();
	preempt_enable();
}

static void no_sleep_with_preemption_off(void)
{
	with_slab(with_preempt_off);
}

static void with_irqs_off(void)
{
	local_irq_disable();
	nothing_may_sleep();
	local_irq_enable();
}

static void no_sleep_with_interrupts_off(void)
{
	with_slab(with_irqs_off);
}

static void with_bh_off(void)
{
	local_bh_disable();
	nothing_may_sleep();
	local_bh_enable();
}

static void no_sleep_with_softirqs_off(void)
{
	with_slab(with_bh_off);
}

/* A task that has set its state would lose it in a sleep. */
static void about_to_wait(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	nothing_may_sleep();
	KT_TRUE(!task_is_running(current));
	__set_current_state(TASK_RUNNING);
}

static void no_sleep_about_to_wait(void)
{
	with_slab(about_to_wait);
}

static DECLARE_COMPLETION(interrupt_done);

static void hardirq_handler(struct irq_work *work)
{
	KT_TRUE(in_hardirq());
	nothing_may_sleep();
	complete(&interrupt_done);
}

static void from_hardirq(void)
{
	static struct irq_work work = IRQ_WORK_INIT_HARD(hardirq_handler);

	reinit_completion(&interrupt_done);
	irq_work_queue(&work);
	wait_for_completion(&interrupt_done);
	irq_work_sync(&work);
}

static void no_sleep_in_hard_interrupt(void)
{
	with_slab(from_hardirq);
}

static void softirq_handler(struct timer_list *timer)
{
	KT_TRUE(in_serving_softirq());
	nothing_may_sleep();
	complete(&interrupt_done);
}

static void from_softirq(void)
{
	static DEFINE_TIMER(timer, softirq_handler);

	reinit_completion(&interrupt_done);
	mod_timer(&timer, jiffies + 1);
	wait_for_completion(&interrupt_done);
	timer_delete_sync(&timer);
}

static void no_sleep_in_soft_interrupt(void)
{
	with_slab(from_softirq);
}

const struct kt_test contexts_tests[] = {
	KT_TEST(sleeps_where_it_may),
	KT_TEST(no_sleep_under_spinlock),
	KT_TEST(no_sleep_under_spinlock_irqsave),
	KT_TEST(no_sleep_in_rcu_section),
	KT_TEST(no_sleep_with_preemption_off),
	KT_TEST(no_sleep_with_interrupts_off),
	KT_TEST(no_sleep_with_softirqs_off),
	KT_TEST(no_sleep_about_to_wait),
	KT_TEST(no_sleep_in_hard_interrupt),
	KT_TEST(no_sleep_in_soft_interrupt),
	{}
};
