// SPDX-License-Identifier: GPL-2.0
/*
 * A million random operations from two CPUs on the same objects: allocated by
 * one, often freed by the other, and every byte looked at in between.
 */
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "rkmem_test.h"

#define OPERATIONS 1000000
#define SLOTS 512
#define SLAB_SIZE 72

enum kind { KMALLOC, VKMALLOC, SMALLOC, KINDS };

static struct slot {
	unsigned long busy;	/* bit 0: somebody works on it */
	void *p;
	size_t size;
	u32 seed;
	enum kind kind;
	boolean vmalloc_used;
} *slots;

static struct kmem_cache *slab;
static atomic_t operations;
static atomic_t running;
static DECLARE_COMPLETION(all_done);

static u32 next(u64 *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random >> 32;
}

/* Mostly small, now and then several pages, seldom beyond RSBAC_MAX_KMALLOC. */
static size_t random_size(u64 *random)
{
	u32 dice = next(random) % 4096;

	if (dice == 0)
		return RSBAC_MAX_KMALLOC - 2048 + next(random) % 4096;
	if (dice < 32)
		return 1 + next(random) % SZ_64K;
	if (dice < 512)
		return 1 + next(random) % SZ_2K;
	return 1 + next(random) % 200;
}

static void take(struct slot *slot, u64 *random)
{
	bool clear = next(random) % 4 == 0;

	slot->size = random_size(random);
	slot->seed = next(random);
	slot->kind = next(random) % KINDS;
	switch (slot->kind) {
	case KMALLOC:
		slot->size = min(slot->size, (size_t)RSBAC_MAX_KMALLOC);
		slot->p = clear ? rsbac_kmalloc_clear(slot->size) :
				  rsbac_kmalloc(slot->size);
		break;
	case VKMALLOC:
		clear = false;
		slot->p = rsbac_vkmalloc(slot->size, &slot->vmalloc_used);
		break;
	default:
		slot->size = SLAB_SIZE;
		slot->p = clear ? rsbac_smalloc_clear(slab) :
				  rsbac_smalloc(slab);
	}
	if (!slot->p) {
		/* Contiguous memory of many pages may not be had. */
		if (slot->size <= SZ_8K)
			kt_fail("no %zu bytes", slot->size);
		return;
	}
	if (clear && memchr_inv(slot->p, 0, slot->size))
		kt_fail("%zu bytes are not zero", slot->size);
	fill(slot->p, slot->size, slot->seed);
}

static void give_back(struct slot *slot)
{
	if (!filled(slot->p, slot->size, slot->seed))
		kt_fail("%zu bytes of kind %d were overwritten", slot->size,
			slot->kind);
	switch (slot->kind) {
	case KMALLOC:
		rsbac_kfree(slot->p);
		break;
	case VKMALLOC:
		rsbac_vkfree(slot->p, slot->vmalloc_used);
		break;
	default:
		rsbac_sfree(slab, slot->p);
	}
	slot->p = NULL;
}

static int run(void *data)
{
	u64 random = 0x2545f4914f6cdd1dULL * (unsigned long)data;

	while (!kt_failed() && atomic_dec_return(&operations) >= 0) {
		struct slot *slot = &slots[next(&random) % SLOTS];

		if (test_and_set_bit_lock(0, &slot->busy)) {
			atomic_inc(&operations);
			cpu_relax();
			continue;
		}
		if (slot->p)
			give_back(slot);
		else
			take(slot, &random);
		clear_bit_unlock(0, &slot->busy);
		cond_resched();
	}
	if (atomic_dec_and_test(&running))
		complete(&all_done);
	return 0;
}

static u64 objects_of_all_classes(void)
{
	return slab_figure("rsbac-64", "objects") +
	       slab_figure("rsbac-2k", "objects") +
	       slab_figure("rsbac-64k", "objects") +
	       slab_figure("rsbac-4M", "objects") +
	       slab_figure("vmalloc", "objects");
}

static void a_million_operations_on_two_cpus(void)
{
	u64 errors_before = errors("wrong_free") + errors("double_free") +
			    errors("wrong_flag") + errors("wrong_slab");
	u64 objects_before = objects_of_all_classes();
	int cpu = -1;

	slots = vcalloc(SLOTS, sizeof(*slots));
	slab = rsbac_slab_create("rkmem_test_random", SLAB_SIZE);
	KT_NEED(slots && slab);
	atomic_set(&operations, kt_loops(OPERATIONS));
	atomic_set(&running, 1);
	reinit_completion(&all_done);
	for (unsigned long i = 1; i <= 2; i++) {
		struct task_struct *task = kthread_create(run, (void *)i,
							  "rkmem_test/%lu", i);

		if (!KT_TRUE(!IS_ERR(task)))
			continue;
		cpu = cpumask_next_wrap(cpu, cpu_online_mask);
		kthread_bind(task, cpu);
		atomic_inc(&running);
		wake_up_process(task);
	}
	if (!atomic_dec_and_test(&running))
		wait_for_completion(&all_done);

	for (int i = 0; i < SLOTS; i++)
		if (slots[i].p)
			give_back(&slots[i]);
	KT_EQ(slab_figure("rkmem_test_random", "objects"), 0);
	KT_EQ(objects_of_all_classes(), objects_before);
	KT_EQ(errors("wrong_free") + errors("double_free") +
	      errors("wrong_flag") + errors("wrong_slab"), errors_before);
	rsbac_slab_destroy(slab);
	vfree(slots);
}

const struct kt_test random_tests[] = {
	KT_TEST(a_million_operations_on_two_cpus),
	{}
};
