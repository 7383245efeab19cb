/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine of kmem_cgroup: what runs on the kernel's own allocation paths.
 *
 * A "group" is charged, a "cache" is one marked cache of the kernel or one kind
 * of memory that callers charge explicitly. A "pair" is the meeting of the two,
 * and what an object remembers: pairs have numbers, and the owner table holds
 * one number for each living object.
 *
 * A pair's figure @reserved counts living objects plus "credits": objects
 * charged in advance, which the CPUs hold in slots (one word each: pair and
 * credit), so that most allocations and frees touch one word of their CPU's
 * own. Words are changed by compare-and-exchange only. Any CPU may therefore
 * take any slot back, which makes limits exact.
 *
 * Readers of groups, pairs and tables run with preemption off; writers hold
 * kmc_lock (a mutex) and wait for synchronize_rcu() before they free.
 */
#ifndef _RSBAC_MEM_KMEM_ENGINE_H
#define _RSBAC_MEM_KMEM_ENGINE_H

#include <linux/atomic.h>
#include <linux/gfp_types.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/kmem_cgroup.h>

struct cgroup;
struct kernfs_node;
struct kmem_cache;

#define KMC_NAME	64	/* bytes, with the closing NUL */
#define KMC_PATH	512
#define KMC_CACHES	256	/* kinds and marked caches at the same time */
#define KMC_CHUNK	64	/* pairs in a chunk */
#define KMC_CHUNKS	16384
#define KMC_SLOTS	16	/* on each CPU */
#define KMC_NO_MAX	((unsigned long)LONG_MAX)

struct kmc_group {
	struct kmc_group *parent;	/* never changes; NULL for the root */
	u32 *ids;			/* the pair for each cache index */
	atomic_long_t usage;		/* bytes, with credits and descendants */
	unsigned long max;
	unsigned long peak;
	atomic_long_t hits;		/* an allocation met our max */
	atomic_long_t failed;		/* an allocation was refused by it */
	atomic_long_t refused;		/* an allocation of ours was refused */
	u64 cgroup;			/* the attached cgroup's id, or 0 */
	struct list_head list;
	struct kernfs_node *events;	/* whom to notify, or NULL */
	struct irq_work notify;
	struct rcu_head rcu;
	char path[KMC_PATH];
};

struct kmc_cache {
	struct kmem_cache *s;		/* NULL for kinds */
	u32 idx;
	u32 size;			/* bytes charged for one object */
	u8 shift;			/* of the granules that tell objects apart */
	bool memcg;			/* charge the kernel's own cgroups instead */
	struct kmc_cache *next;		/* of the same filter place */
	struct kobject *kobj;		/* a reference: @s stays while marked */
	char name[KMC_NAME];
	struct rcu_head rcu;
};

struct kmc_pair {
	struct kmc_group *group;	/* goes to the parent by rmdir */
	struct kmc_cache *cache;	/* NULL once unmarked */
	atomic_long_t reserved;		/* objects, credits included */
	atomic_long_t count;		/* kinds only, where @reserved is bytes */
	u32 id;
	u32 size;
	u32 batch;
	u32 next;			/* of the list of free ones, or of zombies */
	u32 zombies;			/* pairs of removed groups that we inherited */
	u8 shift;
	bool used;
} __aligned(64);		/* so that a number becomes an address by a shift */

extern struct mutex kmc_lock;
extern struct kmc_group kmc_root;
extern struct list_head kmc_groups;
extern struct kmc_pair *kmc_chunks[KMC_CHUNKS];
extern struct kmc_cache *kmc_caches[KMC_CACHES];
extern u8 kmc_filter[1024];
extern u32 kmc_pairs;

struct kmc_slots {
	u64 slot[KMC_SLOTS];
} ____cacheline_aligned;
DECLARE_PER_CPU(struct kmc_slots, kmc_slots);

/* Events that bound the error of the figures; see kmc_stat_show(). */
enum kmc_stat {
	KMC_UNTRACKED,	/* objects let through without being counted */
	KMC_MISPLACED,	/* objects charged to the root, for want of memory */
	KMC_RECONCILED,	/* frees that were noticed at reuse only */
	KMC_STATS
};

extern atomic_long_t kmc_stats[KMC_STATS];

static inline struct kmc_pair *kmc_pair(u32 id)
{
	return &kmc_chunks[id / KMC_CHUNK][id % KMC_CHUNK];
}

/* charge.c */
bool kmc_take_slow(struct kmc_pair *pair, bool force);
void kmc_give_slow(struct kmc_pair *pair);
bool kmc_charge(struct kmc_pair *pair, unsigned long n, bool force);
void kmc_uncharge(struct kmc_pair *pair, unsigned long n);
void kmc_drain(void);
u32 kmc_pair_make(struct kmc_group *group, struct kmc_cache *cache);
void kmc_reap(void);
long kmc_pair_live(const struct kmc_pair *pair);
unsigned long kmc_bookkeeping(void);
void kmc_pair_inherit(struct kmc_pair *pair);
long kmc_pair_total(const struct kmc_pair *pair);
bool kmc_below(const struct kmc_group *group, const struct kmc_group *top);

/* Takes one object's charge; false where a limit forbids it. Preemption is off. */
static __always_inline bool kmc_take(u32 id, bool force)
{
	u64 *slot = this_cpu_ptr(&kmc_slots.slot[id % KMC_SLOTS]);
	u64 old = READ_ONCE(*slot);

	if (likely(old >> 32 == id && (u32)old) &&
	    likely(try_cmpxchg64(slot, &old, old - 1)))
		return true;
	return kmc_take_slow(kmc_pair(id), force);
}

/* Gives one object's charge back. Preemption is off. */
static __always_inline void kmc_give(u32 id)
{
	struct kmc_pair *pair = kmc_pair(id);
	u64 *slot = this_cpu_ptr(&kmc_slots.slot[id % KMC_SLOTS]);
	u64 old = READ_ONCE(*slot);

	if (likely(old >> 32 == id && (u32)old < 2 * READ_ONCE(pair->batch)) &&
	    likely(try_cmpxchg64(slot, &old, old + 1)))
		return;
	kmc_give_slow(pair);
}

/* owner.c */
struct kmc_page {
	u8 shift;
	struct rcu_head rcu;
	u32 owner[];
};

struct kmc_leaf {
	struct kmc_page *page[64];
};

extern unsigned long kmc_base;		/* where the direct map starts */
extern unsigned long kmc_top_len;	/* leaves; 0 while the table is off */
extern struct kmc_leaf **kmc_top;
extern atomic_long_t kmc_owner_bytes;

int kmc_owner_start(void);
void kmc_owner_stop(void);
int kmc_owner_make(const void *obj, struct kmc_pair *pair, gfp_t gfp);
void kmc_owner_sweep(const struct kmc_cache *cache);

static __always_inline struct kmc_page *kmc_page(unsigned long off)
{
	struct kmc_leaf *leaf;

	if (unlikely(off >> 18 >= kmc_top_len))
		return NULL;
	leaf = READ_ONCE(kmc_top[off >> 18]);
	if (!leaf)
		return NULL;
	return READ_ONCE(leaf->page[(off >> 12) % 64]);
}

/* Forgets who owns @obj, and says who did; 0 for nobody. Preemption is off. */
static __always_inline u32 kmc_owner_clear(const void *obj)
{
	unsigned long off = (unsigned long)obj - kmc_base;
	struct kmc_page *page = kmc_page(off);
	u32 *owner;

	if (!page)
		return 0;
	owner = &page->owner[(off % 4096) >> page->shift];
	return READ_ONCE(*owner) ? xchg(owner, 0) : 0;
}

/* who.c */
struct kmc_who {
	u64 key;		/* the cgroup's id plus kmc_gen; 0 matches nothing */
	struct kmc_group *group;
};
DECLARE_PER_CPU(struct kmc_who, kmc_who_cached);
/* Changes with membership, in the upper half: ids have it at 0 for a long time. */
extern atomic64_t kmc_gen;

struct kmc_group *kmc_who_slow(void);
int kmc_group_attach(struct kmc_group *group, const char *path);
ssize_t kmc_group_attached(struct kmc_group *group, char *buf, size_t len);
int kmc_pid_attach(struct kmc_group *group, pid_t pid);
ssize_t kmc_pid_list(struct kmc_group *group, char *buf, size_t len);
void kmc_group_forget(struct kmc_group *group);
int kmc_who_start(void);
void kmc_who_stop(void);

/* group.c */
struct kmc_figures {
	unsigned long current_bytes, max, peak, hits, failed, refused;
};

struct kmc_group *kmc_group_new(struct kmc_group *parent, const char *name);
void kmc_group_remove(struct kmc_group *group);
void kmc_group_put(struct kmc_group *group);
void kmc_group_watch(struct kmc_group *group, struct kernfs_node *kn);
unsigned long kmc_group_usage(const struct kmc_group *group);
unsigned long kmc_stat(unsigned int which);
int kmc_group_set_max(struct kmc_group *group, const char *text, const char *none);
void kmc_group_figures(struct kmc_group *group, struct kmc_figures *figures);
void kmc_group_reset(struct kmc_group *group, bool peak);
ssize_t kmc_group_caches(struct kmc_group *group, char *buf, size_t len);

/* mark.c */
int kmc_mark(struct kmem_cache *s, struct kobject *kobj, const char *name,
	     u32 size, bool memcg);
int kmc_unmark(const struct kmem_cache *s);
int kmc_marked(const struct kmem_cache *s);
void kmc_cache_gone(struct kmem_cache *s);
int kmc_start(void);
void kmc_stop(void);

static __always_inline struct kmc_cache *kmc_cache_of(const struct kmem_cache *s)
{
	struct kmc_cache *c;
	u8 n = READ_ONCE(kmc_filter[((unsigned long)s >> 6) % 1024]);

	if (!n)
		return NULL;
	for (c = READ_ONCE(kmc_caches[n]); c; c = READ_ONCE(c->next))
		if (c->s == s)
			return c;
	return NULL;
}

/* kset.c */
int kmc_kset_find(void);
struct kobject *kmc_kset_get(const char *name);
struct kobject *kmc_kset_next(struct kobject *prev);
bool kmc_kset_has_file(struct kobject *kobj, const char *name);
int kmc_kset_aliases(struct kobject *kobj, char *buf, size_t len);

/* hooks.c */
void kmc_hooks_wait(void);
int kmc_hooks_on(void);
void kmc_hooks_off(void);
int kmc_watch_on(void);
void kmc_watch_off(void);
bool kmc_hooks_possible(const char **why);

/* Rust: a cache of the kernel was created, or is gone. May sleep. */
void kmc_cache_created(struct kmem_cache *s);

/* explicit.c */
int kmc_explicit_charge(u32 kind, size_t bytes, bool force);
void kmc_explicit_uncharge(u32 id, size_t bytes);
int kmc_explicit_charge_pages(size_t nr);
void kmc_explicit_uncharge_pages(u32 id, size_t nr);

/* table.c */
int kmc_table_start(void);
void kmc_table_stop(void);

#endif /* _RSBAC_MEM_KMEM_ENGINE_H */
