// SPDX-License-Identifier: GPL-2.0
/*
 * Charging: pairs, the CPUs' credits, and the way up through the groups.
 *
 * Locks: kmc_pair_lock (raw, taken with interrupts off) guards the list of free
 * pairs and the making of pairs. It is the innermost lock.
 */
#include <linux/kernfs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "engine.h"

DEFINE_PER_CPU(struct kmc_slots, kmc_slots);
struct kmc_pair *kmc_chunks[KMC_CHUNKS];
u32 kmc_pairs = 1;		/* numbers handed out so far; 0 is nobody's */
atomic_long_t kmc_stats[KMC_STATS];

static DEFINE_RAW_SPINLOCK(kmc_pair_lock);
static u32 kmc_free_pairs;

/* Tells pollers. May be called from wherever memory may be allocated. */
static void kmc_over(struct kmc_group *group, struct kmc_group *over)
{
	atomic_long_inc(&over->failed);
	atomic_long_inc(&group->refused);
	irq_work_queue(&over->notify);
	if (group != over)
		irq_work_queue(&group->notify);
}

/*
 * Adds @bytes to @group and all above it. The group whose max is in the way is
 * left in @over, and nothing is added.
 */
static bool kmc_add(struct kmc_group *group, unsigned long bytes, bool force,
		    struct kmc_group **over)
{
	struct kmc_group *g, *undo;

	for (g = group; g; g = g->parent) {
		unsigned long new = atomic_long_add_return(bytes, &g->usage);

		if (new > READ_ONCE(g->max)) {
			if (!force) {
				atomic_long_sub(bytes, &g->usage);
				goto undo;
			}
		}
		if (new > READ_ONCE(g->peak))
			WRITE_ONCE(g->peak, new);
	}
	return true;
undo:
	for (undo = group; undo != g; undo = undo->parent)
		atomic_long_sub(bytes, &undo->usage);
	*over = g;
	return false;
}

static void kmc_sub(struct kmc_group *group, unsigned long bytes)
{
	for (; group; group = group->parent)
		atomic_long_sub(bytes, &group->usage);
}

/**
 * kmc_charge - charge @n objects of @pair, exactly
 * @pair: the pair
 * @n: objects
 * @force: go over limits
 *
 * Context: Any but NMI; preemption is off.
 * Return: false where a limit forbids it; the failure has been counted then.
 */
bool kmc_charge(struct kmc_pair *pair, unsigned long n, bool force)
{
	struct kmc_group *group = READ_ONCE(pair->group);
	struct kmc_group *over;
	unsigned long bytes;

	if (unlikely(check_mul_overflow(n, (unsigned long)pair->size, &bytes) ||
		     bytes > LONG_MAX))
		return false;
	if (unlikely(!kmc_add(group, bytes, false, &over))) {
		atomic_long_inc(&over->hits);
		/* What other CPUs hold in advance must not make us fail. */
		kmc_drain();
		if (!kmc_add(group, bytes, force, &over)) {
			kmc_over(group, over);
			return false;
		}
	}
	atomic_long_add(n, &pair->reserved);
	return true;
}

/* The reverse of kmc_charge(). @reserved goes last: at 0 the pair may be reaped. */
void kmc_uncharge(struct kmc_pair *pair, unsigned long n)
{
	kmc_sub(READ_ONCE(pair->group), n * pair->size);
	atomic_long_sub(n, &pair->reserved);
}

static void kmc_give_back(u64 word)
{
	if (word >= KMC_CREDIT)
		kmc_uncharge(kmc_pair(kmc_word_id(word)), word / KMC_CREDIT);
}

/* Takes all credits of all CPUs back. Preemption is off. */
void kmc_drain(void)
{
	int cpu, i;

	kmc_quick_drain();
	for_each_possible_cpu(cpu) {
		struct kmc_slots *slots = per_cpu_ptr(&kmc_slots, cpu);

		for (i = 0; i < KMC_SLOTS; i++)
			if (READ_ONCE(slots->slot[i]) >= KMC_CREDIT)
				kmc_give_back(xchg(&slots->slot[i], 0));
	}
}

/* Whether @group or one above it uses more than it may, as after a new maximum. */
static bool kmc_is_over(const struct kmc_group *group)
{
	for (; group; group = group->parent)
		if ((unsigned long)atomic_long_read(&group->usage) > READ_ONCE(group->max))
			return true;
	return false;
}

/*
 * Puts @credit into this CPU's slot, or back to the group if it is too much. A
 * group that is over its maximum gets all back: credit would let it allocate.
 * Below 0 it is a debt, of which a quick word was freed. Preemption is off.
 */
void kmc_put(struct kmc_pair *pair, int credit)
{
	u64 *slot = this_cpu_ptr(&kmc_slots.slot[pair->id % KMC_SLOTS]);
	u64 old = READ_ONCE(*slot);
	u64 new = credit * KMC_CREDIT | pair->id;

	if (credit <= 0 || kmc_is_over(READ_ONCE(pair->group)))
		goto back;
	if (kmc_word_id(old) == pair->id) {
		if (old / KMC_CREDIT + credit > 2 * pair->batch)
			goto back;
		new = old + credit * KMC_CREDIT;
	}
	if (!try_cmpxchg64(slot, &old, new))
		goto back;
	if (kmc_word_id(old) != pair->id)
		kmc_give_back(old);
	return;
back:
	kmc_uncharge(pair, credit);
}

/* Takes all that this CPU's slot has of the pair @id. Preemption is off. */
u32 kmc_slot_empty(u32 id)
{
	u64 *slot = this_cpu_ptr(&kmc_slots.slot[id % KMC_SLOTS]);
	u64 old = READ_ONCE(*slot);

	if (kmc_word_id(old) != id || !try_cmpxchg64(slot, &old, id))
		return 0;
	return old / KMC_CREDIT;
}

/* Charges some objects in advance: how many, or 0 where a limit is in the way. */
u32 kmc_charge_batch(struct kmc_pair *pair)
{
	struct kmc_group *over;

	if (!kmc_add(READ_ONCE(pair->group), (unsigned long)pair->batch * pair->size, false, &over))
		return 0;
	atomic_long_add(pair->batch, &pair->reserved);
	return pair->batch;
}

bool kmc_take_slow(struct kmc_pair *pair, bool force)
{
	u32 credit = pair->batch > 1 ? kmc_charge_batch(pair) : 0;

	if (!credit)
		return kmc_charge(pair, 1, force);
	kmc_put(pair, credit - 1);
	return true;
}

void kmc_give_slow(struct kmc_pair *pair)
{
	u64 *slot = this_cpu_ptr(&kmc_slots.slot[pair->id % KMC_SLOTS]);
	u64 old = READ_ONCE(*slot);

	/* Full: keep half of it, so that the next frees and allocations are quick. */
	if (kmc_word_id(old) == pair->id && old / KMC_CREDIT >= 2 * pair->batch &&
	    try_cmpxchg64(slot, &old, old - pair->batch * KMC_CREDIT)) {
		kmc_uncharge(pair, pair->batch + 1);
		return;
	}
	kmc_put(pair, 1);
}

/* Living objects (for kinds: bytes). Exact when nothing moves meanwhile. */
long kmc_pair_live(const struct kmc_pair *pair)
{
	long live = atomic_long_read(&pair->reserved);
	int cpu;

	for_each_possible_cpu(cpu) {
		u64 word = READ_ONCE(per_cpu(kmc_slots, cpu).slot[pair->id % KMC_SLOTS]);

		if (kmc_word_id(word) == pair->id)
			live -= word / KMC_CREDIT;
	}
	return max(live - kmc_quick_credit(pair), 0L);
}

/* Bytes of @n objects of the pair @id, if they are charged to @group. */
long kmc_pair_bytes(const struct kmc_group *group, u32 id, long n)
{
	const struct kmc_pair *pair = kmc_pair(id);

	return n && kmc_below(READ_ONCE(pair->group), group) ? n * (long)pair->size : 0;
}

bool kmc_below(const struct kmc_group *group, const struct kmc_group *top)
{
	for (; group; group = group->parent)
		if (group == top)
			return true;
	return false;
}

/* Where the next new pair goes, if it is into a chunk that is still missing. */
static bool kmc_wants_chunk(void)
{
	u32 chunk = READ_ONCE(kmc_pairs) / KMC_CHUNK;

	return !READ_ONCE(kmc_free_pairs) && chunk < KMC_CHUNKS &&
	       !READ_ONCE(kmc_chunks[chunk]);
}

/* Takes @spare over, and leaves NULL there, where it needs a chunk. */
static struct kmc_pair *kmc_pair_new(struct kmc_pair **spare)
{
	struct kmc_pair *chunk;
	u32 id = kmc_free_pairs;

	if (id) {
		kmc_free_pairs = kmc_pair(id)->next;
		return kmc_pair(id);
	}
	id = kmc_pairs;
	if (id / KMC_CHUNK >= KMC_CHUNKS)
		return NULL;
	chunk = kmc_chunks[id / KMC_CHUNK];
	if (!chunk) {
		chunk = *spare;
		if (!chunk)
			return NULL;
		*spare = NULL;
		WRITE_ONCE(kmc_chunks[id / KMC_CHUNK], chunk);
	}
	WRITE_ONCE(kmc_pairs, id + 1);
	chunk[id % KMC_CHUNK].id = id;
	return &chunk[id % KMC_CHUNK];
}

/**
 * kmc_pair_make - the number of the pair of @group and @cache
 * @group: a group, kept by the caller or by RCU
 * @cache: a cache, likewise
 *
 * Context: Any but NMI; preemption is off.
 * Return: its number; 0 where there is no memory for a new one, or where group
 * or cache is being given up.
 */
u32 kmc_pair_make(struct kmc_group *group, struct kmc_cache *cache)
{
	struct kmc_pair *pair, *spare = NULL;
	unsigned long flags;
	u32 *id = &READ_ONCE(group->ids)[cache->idx];

	/* Not GFP_ATOMIC: the reserves are for those who cannot do without. */
	if (kmc_wants_chunk())
		spare = kcalloc(KMC_CHUNK, sizeof(*spare), GFP_NOWAIT | __GFP_NOWARN);
	raw_spin_lock_irqsave(&kmc_pair_lock, flags);
	if (!*id && READ_ONCE(kmc_caches[cache->idx]) == cache) {
		pair = kmc_pair_new(&spare);
		if (pair) {
			pair->group = group;
			pair->cache = cache;
			pair->size = cache->size;
			pair->shift = cache->shift;
			pair->place = cache->place;
			pair->batch = cache->s ? clamp(16384U / cache->size, 1U, 32U) : 1;
			pair->zombies = 0;
			atomic_long_set(&pair->count, 0);
			pair->used = true;
			/* Its fields before its number. */
			smp_store_release(id, pair->id);
		}
	}
	raw_spin_unlock_irqrestore(&kmc_pair_lock, flags);
	kfree(spare);
	return READ_ONCE(*id);
}

/*
 * Hands @pair, whose group is being removed, over to the parent. Its objects
 * keep its number; figures show it, and what it inherited itself, together with
 * the parent's own pair.
 */
void kmc_pair_inherit(struct kmc_pair *pair)
{
	struct kmc_group *heir = pair->group->parent;
	u32 *link, id = 0;

	lockdep_assert_held(&kmc_lock);
	if (pair->cache && pair->group->ids[pair->cache->idx] == pair->id) {
		preempt_disable();
		id = kmc_pair_make(heir, pair->cache);
		preempt_enable();
	}
	if (id) {
		pair->next = pair->zombies;
		pair->zombies = 0;
		for (link = &pair->next; *link; link = &kmc_pair(*link)->next)
			;
		*link = kmc_pair(id)->zombies;
		kmc_pair(id)->zombies = pair->id;
	}
	WRITE_ONCE(pair->group, heir);
}

/* Living objects of @pair and of those that it inherited. */
long kmc_pair_total(const struct kmc_pair *pair)
{
	long total = kmc_pair_live(pair);
	u32 id;

	for (id = pair->zombies; id; id = kmc_pair(id)->next)
		total += kmc_pair_live(kmc_pair(id));
	return total;
}

/*
 * Whether something is still charged to pairs of unmarked caches: an allocation
 * that was charged before has not noted its object yet. Hold kmc_lock.
 */
bool kmc_pending(void)
{
	u32 id;

	for (id = 1; id < READ_ONCE(kmc_pairs); id++) {
		const struct kmc_pair *pair = kmc_pair(id);

		if (pair->used && !READ_ONCE(pair->cache) && atomic_long_read(&pair->reserved))
			return true;
	}
	return false;
}

/*
 * Frees the numbers of pairs that belong to no group or cache any more and have
 * no object left. Their slots hold no credit then: credits count as reserved.
 * A stale slot word with credit 0 is harmless to the next user of the number.
 */
void kmc_reap(void)
{
	struct kmc_pair *pair;
	unsigned long flags;
	u32 id;

	lockdep_assert_held(&kmc_lock);
	for (id = 1; id < READ_ONCE(kmc_pairs); id++) {
		pair = kmc_pair(id);
		if (!pair->used || atomic_long_read(&pair->reserved))
			continue;
		if (pair->cache) {
			u32 heir = pair->group->ids[pair->cache->idx];
			u32 *link = &kmc_pair(heir)->zombies;

			if (heir == id)
				continue;
			while (heir && *link && *link != id)
				link = &kmc_pair(*link)->next;
			if (heir && *link)
				*link = pair->next;
		}
		raw_spin_lock_irqsave(&kmc_pair_lock, flags);
		pair->used = false;
		pair->next = kmc_free_pairs;
		kmc_free_pairs = id;
		raw_spin_unlock_irqrestore(&kmc_pair_lock, flags);
	}
}

/* Bytes that pairs and the owner table take up. */
unsigned long kmc_bookkeeping(void)
{
	return DIV_ROUND_UP(READ_ONCE(kmc_pairs), KMC_CHUNK) * KMC_CHUNK * sizeof(struct kmc_pair) +
	       kmc_owner_bytes();
}
