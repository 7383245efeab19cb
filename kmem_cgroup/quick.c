// SPDX-License-Identifier: GPL-2.0
/*
 * The quick words: for each place of a cache a CPU knows one cgroup, whose tasks
 * charge the pair in the word, and how many objects of it are charged in
 * advance. With that the trampolines need not come to C.
 *
 * A word's credit is a byte, so that the trampolines see by its sign that there
 * is none left, or that it is full: they undo their step then. For the moment
 * between it may be one below 0 or one above 127. KMC_CLOSED has the sign as
 * well, whichever way it is stepped: nobody gets past it but by C.
 *
 * @cgrp is written by its own CPU, with preemption off, in task context; by
 * others to NULL only. They wait for a grace period first, if the CPU may be about
 * to write what is wrong now, and afterwards, if it may still act on it.
 */
#include <linux/percpu.h>
#include <linux/sched.h>

#include "engine.h"
#include "trampoline.h"

#define KMC_CLOSED	0xc0
#define KMC_NO_PAIR	U32_MAX
#define KMC_EMPTY	kmc_word(KMC_NO_PAIR, KMC_CLOSED)

/* An initializer, so not kmc_word(). */
DEFINE_PER_CPU(struct kmc_quick, kmc_quick) = {
	.word = { [0 ... KMC_PLACES - 1] = KMC_CREDIT * KMC_CLOSED | KMC_NO_PAIR },
};

/* The credit in a word. Where it is closed, what is on its way through. */
static int kmc_word_credit(u64 word)
{
	u8 credit = word / KMC_CREDIT;

	if (credit >= KMC_CLOSED - 32 && credit < KMC_CLOSED + 32)
		return credit - KMC_CLOSED;
	return credit < KMC_CLOSED ? credit : (s8)credit;
}

/* What was in a word that nobody has any more is the pair's again. */
static void kmc_settle(u64 word)
{
	if (kmc_word_id(word) != KMC_NO_PAIR && kmc_word_credit(word))
		kmc_put(kmc_pair(kmc_word_id(word)), kmc_word_credit(word));
}

/**
 * kmc_quick_take - take one object's charge, and have the next ones quickly
 * @c: a cache that has the quick path
 * @pair: the current task's
 * @cgrp: the current task's
 *
 * Context: Task context; preemption is off.
 * Return: whether there was one in advance, or could be charged in advance.
 */
bool kmc_quick_take(struct kmc_cache *c, struct kmc_pair *pair, struct cgroup *cgrp)
{
	struct kmc_quick *quick = this_cpu_ptr(&kmc_quick);
	u64 *word = &quick->word[c->place];
	u64 old = READ_ONCE(*word);
	u32 credit;

	while (kmc_word_id(old) == pair->id && kmc_word_credit(old) > 0) {
		if (try_cmpxchg64(word, &old, old - KMC_CREDIT)) {
			WRITE_ONCE(quick->cgrp[c->place], cgrp);
			return true;
		}
	}
	credit = kmc_slot_empty(pair->id) ?: kmc_charge_batch(pair);
	if (!credit)
		return false;
	WRITE_ONCE(quick->cgrp[c->place], NULL);
	kmc_settle(xchg(word, kmc_word(pair->id, credit - 1)));
	WRITE_ONCE(quick->cgrp[c->place], cgrp);
	return true;
}

/* Gives one object's charge back where the word is full: half of it goes. */
void kmc_quick_full(u32 id)
{
	struct kmc_pair *pair = kmc_pair(id);
	u64 *word, old;

	guard(preempt)();
	word = this_cpu_ptr(&kmc_quick.word[pair->place]);
	old = READ_ONCE(*word);
	if (kmc_word_id(old) == id && kmc_word_credit(old) >= 64 &&
	    try_cmpxchg64(word, &old, old - 64 * KMC_CREDIT))
		kmc_uncharge(pair, 64 + 1);
	else
		kmc_give(id);
}

/* Takes all credit out of a word, and leaves it closed. */
static void kmc_quick_take_back(u64 *word)
{
	u64 old = READ_ONCE(*word);
	int credit;

	while ((credit = kmc_word_credit(old)) > 0) {
		u32 id = kmc_word_id(old);

		if (try_cmpxchg64(word, &old, kmc_word(id, KMC_CLOSED))) {
			kmc_uncharge(kmc_pair(id), credit);
			break;
		}
	}
}

/*
 * Takes all credit of all CPUs back. The numbers stay: who has just taken a
 * charge there is about to read it. Preemption is off.
 */
void kmc_quick_drain(void)
{
	int cpu, i;

	for (i = 0; i < KMC_PLACES; i++) {
		if (!READ_ONCE(kmc_at[i]))
			continue;
		for_each_possible_cpu(cpu)
			kmc_quick_take_back(&per_cpu(kmc_quick, cpu).word[i]);
	}
}

/* The tasks of @cgrp, or of all for NULL, may charge others from now on. */
void kmc_quick_forget(const struct cgroup *cgrp)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		struct kmc_quick *quick = per_cpu_ptr(&kmc_quick, cpu);

		for (i = 0; i < KMC_PLACES; i++) {
			struct cgroup *old = READ_ONCE(quick->cgrp[i]);

			if (old && (!cgrp || old == cgrp))
				cmpxchg(&quick->cgrp[i], old, NULL);
		}
	}
}

/* This CPU goes on to a task that what it knows does not hold for. */
void kmc_quick_switch(void)
{
	struct kmc_quick *quick = this_cpu_ptr(&kmc_quick);

	memset(quick->cgrp, 0, sizeof(quick->cgrp));
	quick->own = false;
}

/*
 * The cache at @place is not counted any more, and no new words are made for it.
 * Sleeps for a grace period.
 */
void kmc_quick_close(u8 place)
{
	int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu(kmc_quick, cpu).cgrp[place], NULL);
	/* Who took a charge reads the number behind it with preemption off. */
	synchronize_rcu_expedited();
	guard(preempt)();
	for_each_possible_cpu(cpu)
		kmc_settle(xchg(&per_cpu(kmc_quick, cpu).word[place], KMC_EMPTY));
}

/* Objects of @pair that are charged in advance. */
long kmc_quick_credit(const struct kmc_pair *pair)
{
	long credit = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		u64 word = READ_ONCE(per_cpu(kmc_quick, cpu).word[pair->place]);

		if (kmc_word_id(word) == pair->id)
			credit += kmc_word_credit(word);
	}
	return credit;
}

/* Bytes that are charged in advance to @group and those below it. */
long kmc_quick_bytes(const struct kmc_group *group)
{
	long bytes = 0;
	int cpu, i;

	for (i = 0; i < KMC_PLACES; i++) {
		if (!READ_ONCE(kmc_at[i]))
			continue;
		for_each_possible_cpu(cpu) {
			u64 word = READ_ONCE(per_cpu(kmc_quick, cpu).word[i]);

			if (kmc_word_id(word) != KMC_NO_PAIR)
				bytes += kmc_pair_bytes(group, kmc_word_id(word),
							kmc_word_credit(word));
		}
	}
	return bytes;
}
