// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns which object: a sparse table over the direct map.
 *
 * One array for each window of 16 KiB that has objects of marked caches, and in
 * it one number for each granule. Objects of at least 64 bytes have granules of
 * 64 bytes, so that two loads find any owner, whatever cache it is of
 * (trampoline.S does); smaller ones have tables of their own. No two objects
 * share a granule. An array takes up a sixteenth of its window, an eighth where
 * objects are below 64 bytes, and half of it below 16.
 *
 * Arrays stay until the module goes. What lies in a window may change: dead
 * objects own nothing, so there is nothing to tidy up.
 *
 * Locks: kmc_owner_lock (raw, interrupts off) guards the tables against growing
 * while an array is entered.
 */
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <asm/page.h>

#include "engine.h"

#define KMC_WINDOW	BIT(KMC_WINDOW_SHIFT)

unsigned long *kmc_owners[KMC_SHIFT_MAX + 1] __read_mostly;
unsigned long kmc_windows_start __read_mostly;
unsigned long kmc_windows_end __read_mostly;

static DEFINE_RAW_SPINLOCK(kmc_owner_lock);
static atomic_long_t kmc_arrays;	/* bytes */

static unsigned long *kmc_bias(unsigned long *windows)
{
	return windows - (kmc_windows_start >> KMC_WINDOW_SHIFT);
}

static unsigned long *kmc_unbias(unsigned long *windows)
{
	return windows + (kmc_windows_start >> KMC_WINDOW_SHIFT);
}

static unsigned long kmc_windows(void)
{
	return (kmc_windows_end - kmc_windows_start) >> KMC_WINDOW_SHIFT;
}

static size_t kmc_array_size(u8 shift)
{
	return (KMC_WINDOW >> shift) * sizeof(u32);
}

/* Where the array for the window at @addr is, of what stands in a table. */
static u32 *kmc_array(unsigned long window, unsigned long addr, u8 shift)
{
	return (u32 *)(window + (round_down(addr, KMC_WINDOW) >> shift) * sizeof(u32));
}

/**
 * kmc_owner_make - make room for the owners of the window that @obj is in
 * @obj: an object
 * @shift: of the granules of its cache
 * @gfp: as the object was allocated with
 *
 * Context: As @gfp says.
 * Return: 0, or -ENOMEM, or -ERANGE where the table does not reach.
 */
int kmc_owner_make(const void *obj, u8 shift, gfp_t gfp)
{
	unsigned long addr = (unsigned long)obj, flags, *window;
	u32 *array;

	if (addr < kmc_windows_start || addr >= READ_ONCE(kmc_windows_end))
		return -ERANGE;
	gfp &= GFP_KERNEL | __GFP_HIGH | __GFP_NORETRY | __GFP_RETRY_MAYFAIL |
	       __GFP_NOFAIL | __GFP_MEMALLOC | __GFP_NOMEMALLOC;
	array = kzalloc(kmc_array_size(shift), gfp | __GFP_NOWARN);
	if (!array)
		return -ENOMEM;
	raw_spin_lock_irqsave(&kmc_owner_lock, flags);
	window = &kmc_owners[shift][addr >> KMC_WINDOW_SHIFT];
	if (!*window) {
		atomic_long_add(kmc_array_size(shift), &kmc_arrays);
		if (shift < KMC_SHIFT_MAX)
			WRITE_ONCE(kmc_owners[KMC_SMALL][addr >> KMC_WINDOW_SHIFT], true);
		/* Zeroed before it can be found. */
		smp_store_release(window, (unsigned long)array -
				  (round_down(addr, KMC_WINDOW) >> shift) * sizeof(u32));
		array = NULL;
	}
	raw_spin_unlock_irqrestore(&kmc_owner_lock, flags);
	kfree(array);	/* somebody was quicker */
	return 0;
}

/* Forgets who owns @obj, and says who did; 0 for nobody. */
u32 kmc_owner_clear(const void *obj)
{
	u8 shift;

	for (shift = KMC_SHIFT_MAX; shift >= KMC_SHIFT_MIN; shift--) {
		u32 *owner = kmc_owner((unsigned long)obj, shift);
		u32 id = owner && READ_ONCE(*owner) ? xchg(owner, 0) : 0;

		if (id || !READ_ONCE(kmc_owners[KMC_SMALL]))
			return id;
	}
	return 0;
}

static void kmc_sweep_array(u32 *array, u8 shift)
{
	u32 i;

	for (i = 0; i < KMC_WINDOW >> shift; i++) {
		u32 id = READ_ONCE(array[i]);

		if (id && !READ_ONCE(kmc_pair(id)->cache) && try_cmpxchg(&array[i], &id, 0))
			kmc_give(id);
	}
}

/* Calls @use for each array that there is. May sleep. */
static void kmc_each_array(void (*use)(u32 *array, u8 shift))
{
	unsigned long addr;
	u8 shift;

	for (shift = KMC_SHIFT_MIN; shift <= KMC_SHIFT_MAX; shift++) {
		if (!kmc_owners[shift])
			continue;
		for (addr = kmc_windows_start; addr < kmc_windows_end; addr += KMC_WINDOW) {
			unsigned long window = kmc_owners[shift][addr >> KMC_WINDOW_SHIFT];

			if (window) {
				preempt_disable();
				use(kmc_array(window, addr, shift), shift);
				preempt_enable();
			}
			cond_resched();
		}
	}
}

/*
 * Gives back what objects of unmarked caches are charged with: those whose pair
 * has lost its cache. Hold kmc_lock.
 */
void kmc_owner_sweep(void)
{
	kmc_each_array(kmc_sweep_array);
}

/* The tables for memory up to @end. Hold kmc_lock. May sleep. */
static int kmc_owner_grow(unsigned long end)
{
	unsigned long *tables[KMC_SHIFT_MAX + 1] = {}, flags, len;
	u8 shift;

	end = round_up(end, KMC_WINDOW);
	len = (end - kmc_windows_start) >> KMC_WINDOW_SHIFT;
	for (shift = KMC_SMALL; shift <= KMC_SHIFT_MAX; shift++) {
		if (!kmc_owners[shift])
			continue;
		tables[shift] = vcalloc(len, sizeof(**tables));
		if (!tables[shift]) {
			while (shift-- > KMC_SMALL)
				vfree(tables[shift]);
			return -ENOMEM;
		}
	}
	raw_spin_lock_irqsave(&kmc_owner_lock, flags);
	for (shift = KMC_SMALL; shift <= KMC_SHIFT_MAX; shift++) {
		unsigned long *old = kmc_owners[shift];

		if (!old)
			continue;
		memcpy(tables[shift], kmc_unbias(old), kmc_windows() * sizeof(*old));
		/* What it holds before where it is. */
		smp_store_release(&kmc_owners[shift], kmc_bias(tables[shift]));
		tables[shift] = kmc_unbias(old);
	}
	/* The tables before how far they reach. */
	smp_store_release(&kmc_windows_end, end);
	raw_spin_unlock_irqrestore(&kmc_owner_lock, flags);
	/* The quick path has the old ones in its registers, preempted maybe. */
	if (kmc_owners[KMC_SHIFT_MAX])
		synchronize_rcu_tasks();
	synchronize_rcu();
	for (shift = KMC_SMALL; shift <= KMC_SHIFT_MAX; shift++)
		vfree(tables[shift]);
	return 0;
}

/* Memory is being added. Objects of marked caches will be in it. */
static int kmc_owner_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct memory_notify *memory = data;
	unsigned long end;

	if (action != MEM_GOING_ONLINE)
		return NOTIFY_OK;
	end = (unsigned long)__va(PFN_PHYS(memory->start_pfn + memory->nr_pages));
	guard(mutex)(&kmc_lock);
	if (end <= kmc_windows_end)
		return NOTIFY_OK;
	return notifier_from_errno(kmc_owner_grow(end));
}

static struct notifier_block kmc_memory = { .notifier_call = kmc_owner_notify };

/* Learns of memory that is added from now on. */
int kmc_owner_watch(void)
{
	kmc_windows_start = PAGE_OFFSET;
	kmc_windows_end = PAGE_OFFSET;
	return register_memory_notifier(&kmc_memory);
}

static int kmc_owner_table(u8 shift)
{
	unsigned long *windows;

	if (kmc_owners[shift])
		return 0;
	windows = vcalloc(kmc_windows(), sizeof(*windows));
	if (!windows)
		return -ENOMEM;
	/* Zeroed before it can be found. */
	smp_store_release(&kmc_owners[shift], kmc_bias(windows));
	return 0;
}

/*
 * Sets the table up for objects with these granules, empty. The one for those
 * from 64 bytes up is there in any case: trampolines do not ask. Hold kmc_lock.
 */
int kmc_owner_start(u8 shift)
{
	int ret = 0;

	if ((unsigned long)high_memory > kmc_windows_end)
		ret = kmc_owner_grow((unsigned long)high_memory);
	ret = ret ?: kmc_owner_table(KMC_SHIFT_MAX);
	if (shift < KMC_SHIFT_MAX)
		ret = ret ?: kmc_owner_table(KMC_SMALL) ?: kmc_owner_table(shift);
	return ret;
}

static void kmc_free_array(u32 *array, u8 shift)
{
	kfree(array);
}

/* Frees the tables. Nobody looks at them any more: hooks are off, sweeps are done. */
void kmc_owner_stop(void)
{
	u8 shift;

	unregister_memory_notifier(&kmc_memory);
	kmc_each_array(kmc_free_array);
	for (shift = KMC_SMALL; shift <= KMC_SHIFT_MAX; shift++) {
		if (kmc_owners[shift])
			vfree(kmc_unbias(kmc_owners[shift]));
	}
}

/* Bytes that tables and arrays take up. */
unsigned long kmc_owner_bytes(void)
{
	unsigned long bytes = atomic_long_read(&kmc_arrays);
	u8 shift;

	for (shift = KMC_SMALL; shift <= KMC_SHIFT_MAX; shift++)
		if (kmc_owners[shift])
			bytes += kmc_windows() * sizeof(unsigned long);
	return bytes;
}
