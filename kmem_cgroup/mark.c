// SPDX-License-Identifier: GPL-2.0
/*
 * Marking caches: which are counted, and how counting starts and ends.
 *
 * The first mark sets the owner table up and puts the hooks in; after the last
 * unmark a work takes them out again, a few seconds later, so that marking one
 * cache after another does not pay for it each time.
 */
#include <linux/kobject.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "engine.h"

struct kmc_cache *kmc_caches[KMC_CACHES];
u8 kmc_filter[1024] __aligned(64);

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

static u8 *kmc_place(const struct kmem_cache *s)
{
	return &kmc_filter[((unsigned long)s >> 6) % ARRAY_SIZE(kmc_filter)];
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
	u32 id;

	if (!c)
		return 0;
	/* Out of the table: @c has its index, but not necessarily the place. */
	head = kmc_caches[*kmc_place(s)];
	if (head == c) {
		WRITE_ONCE(*kmc_place(s), c->next ? c->next->idx : 0);
	} else {
		for (link = &head->next; *link != c; link = &(*link)->next)
			;
		WRITE_ONCE(*link, c->next);
	}
	WRITE_ONCE(kmc_caches[c->idx], NULL);
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
	kmc_owner_sweep(c);
	preempt_disable();
	kmc_drain();
	preempt_enable();
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
	ret = kmc_owner_start() ?: kmc_hooks_on();
	if (ret) {
		kfree(c);
		return ret;
	}
	c->s = s;
	c->idx = idx;
	c->size = size;
	c->shift = min(ilog2(size), 12);
	c->memcg = memcg;
	c->kobj = kobject_get(kobj);
	strscpy(c->name, name, sizeof(c->name));
	c->next = kmc_caches[*kmc_place(s)];
	/* Its fields, then the entry, then the place that leads there. */
	smp_store_release(&kmc_caches[idx], c);
	/* As above. */
	smp_store_release(kmc_place(s), idx);
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
	return 0;
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
	mutex_unlock(&kmc_lock);
	kmc_owner_stop();
	rcu_barrier();
	for (i = 0; i < KMC_CHUNKS; i++)
		kfree(kmc_chunks[i]);
}
