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
 * charged in advance, which the CPUs hold (one word each: pair and credit), so
 * that most allocations and frees touch one word of their CPU's own. Words are
 * changed by atomic operations only. Any CPU may therefore take any word back,
 * which makes limits exact. There are two kinds of words: a "quick" one for each
 * place that a cache may have (quick.c), and a few slots for all else.
 *
 * Readers of groups, pairs and tables run with preemption off; writers hold
 * kmc_lock (a mutex) and wait for synchronize_rcu() before they free.
 */
#ifndef _RSBAC_MEM_KMEM_ENGINE_H
#define _RSBAC_MEM_KMEM_ENGINE_H

#include <linux/atomic.h>
#include <linux/bits.h>
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
#define KMC_PLACES	256	/* that caches are told apart by at first */
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
	u8 place;			/* in kmc_filter, kmc_at and kmc_quick */
	bool memcg;			/* charge the kernel's own cgroups instead */
	struct kmc_cache *next;		/* of the same place */
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
	u8 place;
	bool used;
} __aligned(64);		/* so that a number becomes an address by a shift */

extern struct mutex kmc_lock;
extern struct kmc_group kmc_root;
extern struct list_head kmc_groups;
extern struct kmc_pair *kmc_chunks[KMC_CHUNKS];
extern struct kmc_cache *kmc_caches[KMC_CACHES];
extern u8 kmc_filter[KMC_PLACES];	/* the first cache's index, or 0 */
extern struct kmem_cache *kmc_at[KMC_PLACES];	/* the one with the quick path */
extern u32 kmc_pairs;

/* A word: a pair's number, and above it a byte with what is charged in advance. */
#define KMC_CREDIT	BIT_ULL(32)

static inline u64 kmc_word(u32 id, u8 credit)
{
	return credit * KMC_CREDIT | id;
}

static inline u32 kmc_word_id(u64 word)
{
	return word;
}

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
long kmc_pair_bytes(const struct kmc_group *group, u32 id, long n);
unsigned long kmc_bookkeeping(void);
void kmc_pair_inherit(struct kmc_pair *pair);
long kmc_pair_total(const struct kmc_pair *pair);
bool kmc_below(const struct kmc_group *group, const struct kmc_group *top);
u32 kmc_charge_batch(struct kmc_pair *pair);
void kmc_put(struct kmc_pair *pair, int credit);
u32 kmc_slot_empty(u32 id);
bool kmc_pending(void);

/* Takes one object's charge; false where a limit forbids it. Preemption is off. */
static __always_inline bool kmc_take(u32 id, bool force)
{
	u64 *slot = this_cpu_ptr(&kmc_slots.slot[id % KMC_SLOTS]);
	u64 old = READ_ONCE(*slot);

	if (likely(kmc_word_id(old) == id && old >= KMC_CREDIT) &&
	    likely(try_cmpxchg64(slot, &old, old - KMC_CREDIT)))
		return true;
	return kmc_take_slow(kmc_pair(id), force);
}

/* Gives one object's charge back. Preemption is off. */
static __always_inline void kmc_give(u32 id)
{
	struct kmc_pair *pair = kmc_pair(id);
	u64 *slot = this_cpu_ptr(&kmc_slots.slot[id % KMC_SLOTS]);
	u64 old = READ_ONCE(*slot);

	if (likely(kmc_word_id(old) == id && old / KMC_CREDIT < 2 * READ_ONCE(pair->batch)) &&
	    likely(try_cmpxchg64(slot, &old, old + KMC_CREDIT)))
		return;
	kmc_give_slow(pair);
}

/* quick.c */
struct kmc_quick {
	struct cgroup *cgrp[KMC_PLACES];
	u64 word[KMC_PLACES];
	bool own;		/* what it knows holds for the current process only */
};
DECLARE_PER_CPU(struct kmc_quick, kmc_quick);

bool kmc_quick_take(struct kmc_cache *c, struct kmc_pair *pair, struct cgroup *cgrp);
void kmc_quick_drain(void);
void kmc_quick_forget(const struct cgroup *cgrp);
void kmc_quick_switch(void);
void kmc_quick_close(u8 place);
long kmc_quick_credit(const struct kmc_pair *pair);
long kmc_quick_bytes(const struct kmc_group *group);

/* owner.c */
#define KMC_WINDOW_SHIFT	14	/* of the memory that an array of owners is for */
#define KMC_SHIFT_MIN		3	/* the smallest granule: the smallest object */
#define KMC_SHIFT_MAX		6	/* the granule of objects from 64 bytes up */
#define KMC_SMALL		2	/* no shift: the table of where smaller ones are */

/*
 * For each window of the direct map where its array of owners is, or 0. Both
 * pointers are biased: @window is indexed by an address, and what is there is
 * where the owner of the object at address 0 would be.
 */
extern unsigned long *kmc_owners[KMC_SHIFT_MAX + 1];	/* by shift; NULL: not used */
extern unsigned long kmc_windows_start, kmc_windows_end;	/* what they reach */

int kmc_owner_watch(void);
int kmc_owner_start(u8 shift);
void kmc_owner_stop(void);
int kmc_owner_make(const void *obj, u8 shift, gfp_t gfp);
void kmc_owner_sweep(void);
u32 kmc_owner_clear(const void *obj);
unsigned long kmc_owner_bytes(void);

/* Where it stands who owns the object at @addr; NULL where nothing stands. */
static __always_inline u32 *kmc_owner(unsigned long addr, u8 shift)
{
	unsigned long *windows = READ_ONCE(kmc_owners[shift]);
	unsigned long window;

	if (!windows || addr < kmc_windows_start || addr >= READ_ONCE(kmc_windows_end))
		return NULL;
	window = READ_ONCE(windows[addr >> KMC_WINDOW_SHIFT]);
	return window ? (u32 *)(window + (addr >> shift) * sizeof(u32)) : NULL;
}

/* who.c */
struct kmc_group *kmc_who(struct cgroup **cgrp);
void kmc_who_forget(void);
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

/* A byte of its address: caches lie in slots of 256 bytes. */
static __always_inline u8 kmc_place(const struct kmem_cache *s)
{
	return (unsigned long)s >> 8;
}

static __always_inline struct kmc_cache *kmc_cache_of(const struct kmem_cache *s)
{
	struct kmc_cache *c;
	u8 n = READ_ONCE(kmc_filter[kmc_place(s)]);

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
