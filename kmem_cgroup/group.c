// SPDX-License-Identifier: GPL-2.0
/*
 * Groups: made, limited, looked at, removed.
 *
 * A group that is being removed hands its pairs over to the parent. What they
 * are charged with was the parent's all along, since charges go upwards.
 */
#include <linux/kernfs.h>
#include <linux/slab.h>

#include "engine.h"

/* Guards groups, marks and membership against each other; the outermost lock. */
DEFINE_MUTEX(kmc_lock);
LIST_HEAD(kmc_groups);

static u32 kmc_root_ids[KMC_CACHES];
static void kmc_notify(struct irq_work *work);

struct kmc_group kmc_root = {
	.ids = kmc_root_ids,
	.max = KMC_NO_MAX,
	.list = LIST_HEAD_INIT(kmc_root.list),
	.notify = IRQ_WORK_INIT_LAZY(kmc_notify),
	.path = "/",
};

static void kmc_notify(struct irq_work *work)
{
	struct kmc_group *group = container_of(work, struct kmc_group, notify);
	struct kernfs_node *kn = READ_ONCE(group->events);

	if (kn)
		kernfs_notify(kn);
}

/**
 * kmc_group_new - make a group
 * @parent: the group that it is below
 * @name: its last path component
 *
 * Context: Process context; may sleep.
 * Return: the group, to be given up with kmc_group_remove() and, when nobody
 * looks at it any more, kmc_group_put(); -ENAMETOOLONG; -ENOMEM.
 */
struct kmc_group *kmc_group_new(struct kmc_group *parent, const char *name)
{
	struct kmc_group *group = kzalloc_obj(*group);
	int len;

	if (!group)
		return ERR_PTR(-ENOMEM);
	group->ids = kcalloc(KMC_CACHES, sizeof(*group->ids), GFP_KERNEL);
	if (!group->ids) {
		kfree(group);
		return ERR_PTR(-ENOMEM);
	}
	group->parent = parent;
	group->max = KMC_NO_MAX;
	group->notify = IRQ_WORK_INIT_LAZY(kmc_notify);
	len = snprintf(group->path, sizeof(group->path), "%s/%s",
		       parent == &kmc_root ? "" : parent->path, name);
	if (len >= sizeof(group->path)) {
		kfree(group->ids);
		kfree(group);
		return ERR_PTR(-ENAMETOOLONG);
	}
	guard(mutex)(&kmc_lock);
	list_add_tail(&group->list, &kmc_groups);
	return group;
}

/* @kn, a file, is notified of refusals; NULL ends that. A reference is taken over. */
void kmc_group_watch(struct kmc_group *group, struct kernfs_node *kn)
{
	struct kernfs_node *old = xchg(&group->events, kn);

	irq_work_sync(&group->notify);
	kernfs_put(old);
}

/**
 * kmc_group_remove - take a group out of use
 * @group: a group without groups below it
 *
 * Its tasks charge whom they would charge without it, and what is charged
 * to it becomes the parent's. The group may still be looked at.
 *
 * Context: Process context; sleeps for an RCU grace period.
 */
void kmc_group_remove(struct kmc_group *group)
{
	u32 id;

	guard(mutex)(&kmc_lock);
	kmc_group_forget(group);
	list_del_init(&group->list);
	/* After this nobody takes the group for that of a task any more. */
	kmc_who_forget();
	for (id = 1; id < READ_ONCE(kmc_pairs); id++) {
		struct kmc_pair *pair = kmc_pair(id);

		if (pair->used && pair->group == group)
			kmc_pair_inherit(pair);
	}
	memset(group->ids, 0, KMC_CACHES * sizeof(*group->ids));
	/* And after this nobody charges it through a pair. */
	synchronize_rcu_expedited();
	kmc_reap();
	kmc_group_watch(group, NULL);
}

void kmc_group_put(struct kmc_group *group)
{
	if (!list_empty(&group->list))
		kmc_group_remove(group);
	irq_work_sync(&group->notify);
	kfree(group->ids);
	kfree_rcu(group, rcu);
}

/* Bytes that living objects of the group and of those below it take up. */
unsigned long kmc_group_usage(const struct kmc_group *group)
{
	long usage = atomic_long_read(&group->usage);
	int cpu, i;

	guard(preempt)();
	for_each_possible_cpu(cpu) {
		for (i = 0; i < KMC_SLOTS; i++) {
			u64 word = READ_ONCE(per_cpu(kmc_slots, cpu).slot[i]);

			usage -= kmc_pair_bytes(group, kmc_word_id(word), word / KMC_CREDIT);
		}
	}
	return max(usage - kmc_quick_bytes(group), 0L);
}

/* What a group's files show. All but the maximum are of this moment only. */
void kmc_group_figures(struct kmc_group *group, struct kmc_figures *figures)
{
	figures->current_bytes = kmc_group_usage(group);
	figures->max = READ_ONCE(group->max);
	figures->peak = max(READ_ONCE(group->peak), figures->current_bytes);
	figures->hits = atomic_long_read(&group->hits);
	figures->failed = atomic_long_read(&group->failed);
	figures->refused = atomic_long_read(&group->refused);
}

/* Starts the peak, or else the counts of failures, anew. */
void kmc_group_reset(struct kmc_group *group, bool peak)
{
	if (peak)
		WRITE_ONCE(group->peak, kmc_group_usage(group));
	else
		atomic_long_set(&group->failed, 0);
}

/**
 * kmc_group_set_max - take a new maximum
 * @group: the group
 * @text: bytes as memparse() reads them, or @none
 * @none: the word for "no maximum"
 *
 * As in cgroup v2, a maximum below what is used now is taken: nothing more can
 * be allocated then until enough has been freed.
 *
 * Return: 0; -EINVAL where @text is neither.
 */
int kmc_group_set_max(struct kmc_group *group, const char *text, const char *none)
{
	unsigned long long max = KMC_NO_MAX;
	char *end;

	if (strcmp(text, none)) {
		max = memparse(text, &end);
		if (*end)
			return -EINVAL;
		/* memparse() wraps around silently; nothing that long can be meant. */
		if (end - text > 19)
			max = KMC_NO_MAX;
	}
	WRITE_ONCE(group->max, min_t(unsigned long long, max, KMC_NO_MAX));
	/* What was charged in advance must fit the new maximum as well. */
	preempt_disable();
	kmc_drain();
	preempt_enable();
	return 0;
}

/*
 * "name bytes objects" for each cache, of the group and of those below it; what
 * does not fit @len is left out at a line's end.
 */
ssize_t kmc_group_caches(struct kmc_group *group, char *buf, size_t len)
{
	unsigned long *live __free(kfree) =
		kcalloc(2 * KMC_CACHES, sizeof(*live), GFP_KERNEL);
	char line[KMC_NAME + 48];
	ssize_t at = 0;
	u32 id, i;

	if (!live)
		return -ENOMEM;
	guard(mutex)(&kmc_lock);
	for (id = 1; id < READ_ONCE(kmc_pairs); id++) {
		const struct kmc_pair *pair = kmc_pair(id);

		if (!pair->used || !pair->cache || !kmc_below(pair->group, group))
			continue;
		i = pair->cache->idx;
		live[i] += kmc_pair_live(pair);
		live[i + KMC_CACHES] += atomic_long_read(&pair->count);
		if (id % 1024 == 0)
			cond_resched();
	}
	for (i = 1; i < KMC_CACHES; i++) {
		const struct kmc_cache *cache = kmc_caches[i];
		int n;

		if (!cache || cache->memcg)
			continue;
		n = scnprintf(line, sizeof(line), "%s %lu %lu\n", cache->name,
			      live[i] * cache->size, live[i + (cache->s ? 0 : KMC_CACHES)]);
		if (n > len - at)
			break;
		memcpy(buf + at, line, n);
		at += n;
	}
	return at;
}

unsigned long kmc_stat(unsigned int which)
{
	return atomic_long_read(&kmc_stats[which]);
}
