// SPDX-License-Identifier: GPL-2.0
/*
 * What an allocation and a free go through, in place of or before the kernel's
 * own function; hooks.c says how they get here.
 *
 * A return to the kernel's own function goes through a static call, since an
 * indirect one would have to find an ENDBR there.
 */
#include <linux/cgroup.h>
#include <linux/slab.h>
#include <linux/static_call.h>

#include "engine.h"
#include "trampoline.h"

#ifdef KMC_HOOKS

#define KMC_REFUSED	U32_MAX
#define KMC_MEMCG	(U32_MAX - 1)

/* Calls that are inside a wrapper, maybe asleep: the module must not go. */
static DEFINE_PER_CPU(long, kmc_inside);

/* What a static call leads to before the kernel's function is known: never. */
static void *kmc_no_alloc(struct kmem_cache *s, gfp_t gfp) { return NULL; }
static void *kmc_no_lru(struct kmem_cache *s, struct list_lru *lru, gfp_t gfp) { return NULL; }
static void *kmc_no_node(struct kmem_cache *s, gfp_t gfp, int node) { return NULL; }
static bool kmc_no_bulk(struct kmem_cache *s, gfp_t gfp, size_t n, void **p) { return false; }
static void *kmc_no_sheaf(struct kmem_cache *s, gfp_t gfp, struct slab_sheaf *sheaf)
{
	return NULL;
}

static void kmc_no_destroy(struct kmem_cache *s) { }
static struct kmem_cache *kmc_no_create(const char *name, unsigned int size,
					struct kmem_cache_args *args, slab_flags_t flags)
{
	return NULL;
}

DEFINE_STATIC_CALL(kmc_rest_alloc, kmc_no_alloc);
DEFINE_STATIC_CALL(kmc_rest_lru, kmc_no_lru);
DEFINE_STATIC_CALL(kmc_rest_node, kmc_no_node);
DEFINE_STATIC_CALL(kmc_rest_bulk, kmc_no_bulk);
DEFINE_STATIC_CALL(kmc_rest_sheaf, kmc_no_sheaf);
DEFINE_STATIC_CALL(kmc_rest_destroy, kmc_no_destroy);
DEFINE_STATIC_CALL(kmc_rest_create, kmc_no_create);

/* The pair of @group and @c, or if need be of the root: 0 with no memory at all. */
static noinline u32 kmc_pair_find(struct kmc_group *group, struct kmc_cache *c)
{
	u32 id = kmc_pair_make(group, c);

	if (id || READ_ONCE(kmc_caches[c->idx]) != c)
		return id;
	atomic_long_inc(&kmc_stats[KMC_MISPLACED]);
	return kmc_pair_make(&kmc_root, c);
}

/* Charges @n objects of @s to the current task's group: see kmc_leave(). */
static __always_inline u32 kmc_enter(struct kmem_cache *s, gfp_t gfp, size_t n)
{
	struct kmc_group *group;
	struct kmc_cache *c;
	struct cgroup *cgrp;
	u32 id = 0;

	this_cpu_inc(kmc_inside);
	preempt_disable_notrace();
	c = kmc_cache_of(s);
	if (unlikely(!c))
		goto out;
	id = KMC_MEMCG;
	if (unlikely(c->memcg))
		goto out;
	group = kmc_who(&cgrp);
	id = READ_ONCE(group->ids[c->idx]);
	if (unlikely(!id)) {
		id = kmc_pair_find(group, c);
		if (!id)
			goto out;
	}
	/* Not with a pair that only stands in for the group's own. */
	if (n == 1 && cgrp && READ_ONCE(kmc_at[c->place]) == s &&
	    likely(READ_ONCE(kmc_pair(id)->group) == group) &&
	    kmc_quick_take(c, kmc_pair(id), cgrp))
		goto out;
	if (unlikely(!(n == 1 ? kmc_take(id, gfp & __GFP_NOFAIL) :
		       kmc_charge(kmc_pair(id), n, gfp & __GFP_NOFAIL))))
		id = KMC_REFUSED;
out:
	preempt_enable_notrace();
	return id;
}

/* As kmc_give(), from where preemption is on. */
void kmc_given(u32 id)
{
	preempt_disable_notrace();
	kmc_give(id);
	preempt_enable_notrace();
}

/* The object that @id had before went unseen. */
void kmc_reconcile(u32 id)
{
	kmc_given(id);
	atomic_long_inc(&kmc_stats[KMC_RECONCILED]);
}

static __always_inline bool kmc_own(const void *obj, u32 id)
{
	const struct kmc_pair *pair = kmc_pair(id);
	bool done = false;
	u32 *owner, old = 0;

	preempt_disable_notrace();
	owner = kmc_owner((unsigned long)obj, pair->shift);
	if (likely(owner && READ_ONCE(pair->cache))) {
		old = xchg(owner, id);
		done = true;
	}
	preempt_enable_notrace();
	if (unlikely(old))
		kmc_reconcile(old);
	return done;
}

/*
 * Notes the owner of an object where its window is new to us. Our own want of
 * memory is no reason to refuse: the object goes uncounted then, and that is
 * counted.
 */
void kmc_own_slow(const void *obj, u32 id, gfp_t gfp)
{
	struct kmc_pair *pair = kmc_pair(id);

	while (READ_ONCE(pair->cache)) {
		if (kmc_owner_make(obj, pair->shift, gfp)) {
			atomic_long_inc(&kmc_stats[KMC_UNTRACKED]);
			break;
		}
		if (kmc_own(obj, id))
			return;
	}
	kmc_given(id);
}

static noinline void *kmc_leave_slow(struct kmem_cache *s, void *obj, u32 id, gfp_t gfp)
{
	if (id == KMC_MEMCG) {
		if (obj && !kmem_cache_charge(obj, gfp)) {
			kmem_cache_free(s, obj);
			obj = NULL;
		}
	} else if (obj) {
		kmc_own_slow(obj, id, gfp);
	} else {
		kmc_given(id);
	}
	return obj;
}

/* The end of what kmc_enter() began, for one object. */
static __always_inline void *kmc_leave(struct kmem_cache *s, void *obj, u32 id, gfp_t gfp)
{
	if (likely(id) && (unlikely(!obj || id == KMC_MEMCG) || unlikely(!kmc_own(obj, id))))
		obj = kmc_leave_slow(s, obj, id, gfp);
	this_cpu_dec(kmc_inside);
	return obj;
}

static void *kmc_refuse(void)
{
	this_cpu_dec(kmc_inside);
	return NULL;
}

void *kmc_alloc(struct kmem_cache *s, gfp_t gfp)
{
	u32 id = kmc_enter(s, gfp, 1);

	if (unlikely(id == KMC_REFUSED))
		return kmc_refuse();
	return kmc_leave(s, static_call(kmc_rest_alloc)(s, gfp), id, gfp);
}

void *kmc_alloc_lru(struct kmem_cache *s, struct list_lru *lru, gfp_t gfp)
{
	u32 id = kmc_enter(s, gfp, 1);

	if (unlikely(id == KMC_REFUSED))
		return kmc_refuse();
	return kmc_leave(s, static_call(kmc_rest_lru)(s, lru, gfp), id, gfp);
}

void *kmc_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	u32 id = kmc_enter(s, gfp, 1);

	if (unlikely(id == KMC_REFUSED))
		return kmc_refuse();
	return kmc_leave(s, static_call(kmc_rest_node)(s, gfp, node), id, gfp);
}

/* Its users count on what they prefilled: charged over the limit if need be. */
void *kmc_alloc_sheaf(struct kmem_cache *s, gfp_t gfp, struct slab_sheaf *sheaf)
{
	u32 id = kmc_enter(s, gfp | __GFP_NOFAIL, 1);

	if (unlikely(id == KMC_REFUSED))
		return kmc_refuse();
	return kmc_leave(s, static_call(kmc_rest_sheaf)(s, gfp, sheaf), id,
			 gfp & ~__GFP_DIRECT_RECLAIM);
}

bool kmc_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t n, void **p)
{
	u32 id = n ? kmc_enter(s, gfp, n) : kmc_enter(NULL, gfp, 1);
	bool ret;
	size_t i;

	if (unlikely(id == KMC_REFUSED))
		return kmc_refuse();
	ret = static_call(kmc_rest_bulk)(s, gfp, n, p);
	if (id == KMC_MEMCG) {
		for (i = 0; ret && i < n; i++)
			ret = kmem_cache_charge(p[i], gfp);
		if (i && !ret)
			kmem_cache_free_bulk(s, n, p);
	} else if (id && ret) {
		for (i = 0; i < n; i++)
			if (unlikely(!kmc_own(p[i], id)))
				kmc_own_slow(p[i], id, gfp);
	} else if (id) {
		preempt_disable();
		kmc_uncharge(kmc_pair(id), n);
		preempt_enable();
	}
	this_cpu_dec(kmc_inside);
	return ret;
}

static __always_inline void kmc_disown(const void *obj)
{
	u32 id;

	preempt_disable_notrace();
	id = kmc_owner_clear(obj);
	if (id)
		kmc_give(id);
	preempt_enable_notrace();
}

void notrace kmc_free(const void *obj)
{
	kmc_disown(obj);
}

void notrace kmc_free_second(const void *unused, const void *obj)
{
	kmc_disown(obj);
}

void notrace kmc_free_bulk(const void *unused, size_t n, void **p)
{
	size_t i;

	for (i = 0; i < n; i++)
		kmc_disown(p[i]);
}

void kmc_destroy(struct kmem_cache *s)
{
	this_cpu_inc(kmc_inside);
	static_call(kmc_rest_destroy)(s);
	kmc_cache_gone(s);
	this_cpu_dec(kmc_inside);
}

struct kmem_cache *kmc_create(const char *name, unsigned int size,
			      struct kmem_cache_args *args, slab_flags_t flags)
{
	struct kmem_cache *s;

	this_cpu_inc(kmc_inside);
	s = static_call(kmc_rest_create)(name, size, args, flags);
	if (s)
		kmc_cache_created(s);
	this_cpu_dec(kmc_inside);
	return s;
}

#define KMC_REST(_name)							\
void kmc_set_##_name(unsigned long addr)				\
{									\
	static_call_update(kmc_rest_##_name,				\
			   (typeof(&kmc_no_##_name))addr);		\
}

KMC_REST(alloc)
KMC_REST(lru)
KMC_REST(node)
KMC_REST(bulk)
KMC_REST(sheaf)
KMC_REST(destroy)
KMC_REST(create)

/* How many calls are inside of a wrapper, now that no more come. */
long kmc_paths_inside(void)
{
	long inside = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		inside += READ_ONCE(per_cpu(kmc_inside, cpu));
	return inside;
}

#endif /* KMC_HOOKS */
