// SPDX-License-Identifier: GPL-2.0
/*
 * Marking caches: which are counted, and how counting starts and ends.
 *
 * The first mark sets the owner table up and puts the hooks in; after the last
 * unmark a work takes them out again, a few seconds later, so that marking one
 * cache after another does not pay for it each time.
 */
#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "engine.h"

struct kmc_cache *kmc_caches[KMC_CACHES];
u8 kmc_filter[KMC_PLACES] __aligned(64);
struct kmem_cache *kmc_at[KMC_PLACES] __read_mostly;

/* Kinds of memory that are charged by explicit calls. They are always there. */
static struct kmc_cache kmc_kinds[] = {
	[KMEM_CGROUP_KMALLOC] = { .idx = 1, .size = 1, .name = "[kmalloc]" },
	[KMEM_CGROUP_VMALLOC] = { .idx = 2, .size = 1, .name = "[vmalloc]" },
	[KMEM_CGROUP_PAGES] = { .idx = 3, .size = 1, .name = "[pages]" },
};

static u32 kmc_marks;

static void kmc_idle(struct work_struct *work)
{
	guard(mutex)(&kmc_lock);
	if (!kmc_marks)
		kmc_hooks_off();
}

static DECLARE_DELAYED_WORK(kmc_idle_work, kmc_idle);

/*
 * Which cache had the quick path at a place last. A task that was preempted in a
 * trampoline may still think it has, and go on to another's word.
 */
static const struct kmem_cache *kmc_was_at[KMC_PLACES];

/* Gives @c the quick path, if it can have it. May sleep for long. */
static void kmc_quicken(const struct kmc_cache *c)
{
	/* Small objects are in other tables; large ones would be too much credit. */
	if (c->memcg || c->shift != KMC_SHIFT_MAX || c->size > 4096 || kmc_at[c->place])
		return;
	if (kmc_was_at[c->place] && kmc_was_at[c->place] != c->s)
		synchronize_rcu_tasks();
	kmc_was_at[c->place] = c->s;
	WRITE_ONCE(kmc_at[c->place], c->s);
}

/* Gives back what is charged to pairs of unmarked caches. May sleep. */
static void kmc_settle_unmarked(void)
{
	kmc_owner_sweep();
	preempt_disable();
	kmc_drain();
	preempt_enable();
}

/* Whether @s is marked: 0, 1, or 2 where the kernel's own cgroups are charged. */
int kmc_marked(const struct kmem_cache *s)
{
	struct kmc_cache *c;

	guard(rcu)();
	c = kmc_cache_of(s);
	return c ? 1 + c->memcg : 0;
}

static int __kmc_unmark(const struct kmem_cache *s)
{
	struct kmc_cache *c = kmc_cache_of(s), **link, *head;
	struct kmc_group *group;
	int tries;
	bool quick;
	u32 id;

	if (!c)
		return 0;
	/* Out of the table: @c has its index, but not necessarily the place. */
	head = kmc_caches[kmc_filter[c->place]];
	if (head == c) {
		WRITE_ONCE(kmc_filter[c->place], c->next ? c->next->idx : 0);
	} else {
		for (link = &head->next; *link != c; link = &(*link)->next)
			;
		WRITE_ONCE(*link, c->next);
	}
	WRITE_ONCE(kmc_caches[c->idx], NULL);
	quick = kmc_at[c->place] == s;
	if (quick)
		WRITE_ONCE(kmc_at[c->place], NULL);
	kmc_marks--;

	for (id = 1; id < READ_ONCE(kmc_pairs); id++)
		if (kmc_pair(id)->cache == c)
			WRITE_ONCE(kmc_pair(id)->cache, NULL);
	synchronize_rcu_expedited();
	/* Nobody makes pairs of @c or writes their numbers any more. */
	for (id = 1; id < READ_ONCE(kmc_pairs); id++)
		if (kmc_pair(id)->cache == c)
			WRITE_ONCE(kmc_pair(id)->cache, NULL);
	WRITE_ONCE(kmc_root.ids[c->idx], 0);
	list_for_each_entry(group, &kmc_groups, list)
		WRITE_ONCE(group->ids[c->idx], 0);
	synchronize_rcu_expedited();
	if (quick)
		kmc_quick_close(c->place);
	kmc_settle_unmarked();
	/* Allocations that were charged before, and did not get their object yet. */
	for (tries = 0; kmc_pending() && tries < 1000; tries++) {
		fsleep(1000);
		kmc_settle_unmarked();
	}
	synchronize_rcu_expedited();
	kmc_reap();
	kobject_put(c->kobj);
	kfree_rcu(c, rcu);
	if (!kmc_marks)
		mod_delayed_work(system_dfl_wq, &kmc_idle_work, 5 * HZ);
	return 0;
}

/**
 * kmc_unmark - stop counting a cache; all its charges are given back
 * @s: the cache; nothing happens where it is not marked
 *
 * Context: Process context; sleeps for RCU grace periods.
 * Return: 0.
 */
int kmc_unmark(const struct kmem_cache *s)
{
	guard(mutex)(&kmc_lock);
	return __kmc_unmark(s);
}

/**
 * kmc_mark - count the objects of a cache, from now on
 * @s: the cache
 * @kobj: its kobject, of which a reference is kept while the cache is marked
 * @name: what figures call it
 * @size: bytes that an object is charged with
 * @memcg: charge the kernel's own cgroups instead of groups
 *
 * Context: Process context; may sleep.
 * Return: 0; -ENOSPC where too many caches are marked; -ENOMEM; -EOPNOTSUPP
 * where this kernel cannot be hooked; -EBUSY where somebody else's hook is in
 * the way; -EINVAL.
 */
int kmc_mark(struct kmem_cache *s, struct kobject *kobj, const char *name,
	     u32 size, bool memcg)
{
	struct kmc_cache *c;
	u32 idx;
	int ret;

	if (!size)
		return -EINVAL;
	guard(mutex)(&kmc_lock);
	c = kmc_cache_of(s);
	if (c && c->memcg == memcg)
		return 0;
	__kmc_unmark(s);
	for (idx = ARRAY_SIZE(kmc_kinds); idx < KMC_CACHES && kmc_caches[idx]; idx++)
		;
	if (idx == KMC_CACHES)
		return -ENOSPC;
	c = kzalloc_obj(*c);
	if (!c)
		return -ENOMEM;
	c->shift = clamp(ilog2(size), KMC_SHIFT_MIN, KMC_SHIFT_MAX);
	ret = kmc_owner_start(c->shift) ?: kmc_hooks_on();
	if (ret) {
		kfree(c);
		return ret;
	}
	c->s = s;
	c->idx = idx;
	c->size = size;
	c->place = kmc_place(s);
	c->memcg = memcg;
	c->kobj = kobject_get(kobj);
	strscpy(c->name, name, sizeof(c->name));
	c->next = kmc_caches[kmc_filter[c->place]];
	/* Its fields, then the entry, then the place that leads there. */
	smp_store_release(&kmc_caches[idx], c);
	/* As above. */
	smp_store_release(&kmc_filter[c->place], idx);
	kmc_quicken(c);
	kmc_marks++;
	return 0;
}

/* @s was given to kmem_cache_destroy(). It may live on, where others share it. */
void kmc_cache_gone(struct kmem_cache *s)
{
	struct kmc_cache *c;

	guard(mutex)(&kmc_lock);
	c = kmc_cache_of(s);
	if (c && !c->kobj->state_in_sysfs)
		__kmc_unmark(s);
}

int kmc_start(void)
{
	u32 i;

	for (i = 1; i < ARRAY_SIZE(kmc_kinds); i++)
		kmc_caches[i] = &kmc_kinds[i];
	return kmc_owner_watch();
}

/* Stops all counting. Groups have been removed, and no new marks can come. */
void kmc_stop(void)
{
	u32 i;

	for (i = ARRAY_SIZE(kmc_kinds); i < KMC_CACHES; i++)
		if (kmc_caches[i])
			kmc_unmark(kmc_caches[i]->s);
	cancel_delayed_work_sync(&kmc_idle_work);
	mutex_lock(&kmc_lock);
	kmc_hooks_off();
	/* Until no allocation is between its charge and its object any more. */
	while (kmc_pending()) {
		kmc_settle_unmarked();
		msleep(20);
	}
	mutex_unlock(&kmc_lock);
	/* And until the last one has left our code. */
	kmc_hooks_wait();
	kmc_owner_stop();
	rcu_barrier();
	for (i = 0; i < KMC_CHUNKS; i++)
		kfree(kmc_chunks[i]);
}
