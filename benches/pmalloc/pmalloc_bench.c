// SPDX-License-Identifier: GPL-2.0
/*
 * pmalloc against what one would do without it, in one run. Loading the module
 * measures, prints "bench: ..." lines to the log, and fails on purpose.
 *
 * Under tools/vm --icount a nanosecond is an instruction.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pmalloc.h>
#include <linux/set_memory.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/static_call.h>
#include <linux/vmalloc.h>

#define ROUNDS 7
#define OBJECTS 16384
#define SIZE 64

typedef int set_memory_t(unsigned long addr, int numpages);
DEFINE_STATIC_CALL_NULL(bench_ro, set_memory_t);
DEFINE_STATIC_CALL_NULL(bench_rw, set_memory_t);

static unsigned long find(const char *name)
{
	struct kprobe probe = {
		.symbol_name = name,
		.flags = KPROBE_FLAG_DISABLED,
	};

	if (register_kprobe(&probe))
		return 0;
	unregister_kprobe(&probe);
	return (unsigned long)probe.addr;
}

static int compare(const void *a, const void *b)
{
	u64 l = *(const u64 *)a, r = *(const u64 *)b;

	return l < r ? -1 : l > r;
}

/* Median and spread, per operation, in thousandths. */
static u64 report(const char *what, u64 *ns, u64 operations)
{
	u64 median;

	sort(ns, ROUNDS, sizeof(*ns), compare, NULL);
	median = ns[ROUNDS / 2] * 1000 / operations;
	pr_info("bench: %s: %llu.%03llu each, from %llu to %llu\n", what,
		median / 1000, median % 1000, ns[0] / operations,
		ns[ROUNDS - 1] / operations);
	return median;
}

static void ratio(const char *what, u64 ours, u64 theirs, const char *target)
{
	u64 part = theirs ? ours * 10000 / theirs : 0;

	pr_info("bench: %s: %llu.%04llu (target %s)\n", what, part / 10000,
		part % 10000, target);
}

static void **objects;

/* What the last report left to the console's thread must not be measured. */
static void settle(void)
{
	msleep(300);
}

static u64 bench_pmalloc(void)
{
	u64 ns[ROUNDS];
	int round, i;

	settle();
	for (round = 0; round < ROUNDS; round++) {
		struct pmalloc_pool *pool =
			pmalloc_create_custom_pool(SZ_2M, -1, PMALLOC_MODE_RO);

		/* The area is there: memory is compared with memory that is. */
		pmalloc(pool, SIZE);
		ns[round] = ktime_get_ns();
		for (i = 0; i < OBJECTS; i++)
			objects[i] = pmalloc(pool, SIZE);
		ns[round] = ktime_get_ns() - ns[round];
		pmalloc_destroy_pool(pool);
	}
	return report("pmalloc of 64 bytes", ns, OBJECTS);
}

static u64 bench_pmalloc_areas(void)
{
	u64 ns[ROUNDS];
	int round, i;

	settle();
	for (round = 0; round < ROUNDS; round++) {
		struct pmalloc_pool *pool = pmalloc_create_pool();

		ns[round] = ktime_get_ns();
		for (i = 0; i < OBJECTS; i++)
			objects[i] = pmalloc(pool, SIZE);
		ns[round] = ktime_get_ns() - ns[round];
		pmalloc_destroy_pool(pool);
	}
	return report("pmalloc of 64 bytes, with an area a page", ns, OBJECTS);
}

static u64 bench_kmalloc(void)
{
	u64 ns[ROUNDS];
	int round, i;

	settle();
	for (round = 0; round < ROUNDS; round++) {
		ns[round] = ktime_get_ns();
		for (i = 0; i < OBJECTS; i++)
			objects[i] = kmalloc(SIZE, GFP_KERNEL);
		ns[round] = ktime_get_ns() - ns[round];
		for (i = 0; i < OBJECTS; i++)
			kfree(objects[i]);
	}
	return report("kmalloc of 64 bytes", ns, OBJECTS);
}

static u64 bench_seal(void)
{
	struct pmalloc_pool *pool;
	u64 ns[ROUNDS];
	int round, i;

	settle();
	for (round = 0; round < ROUNDS; round++) {
		pool = pmalloc_create_named_pool("bench", SZ_1M, -1,
						 PMALLOC_MODE_RO);
		for (i = 0; i < OBJECTS; i++)
			objects[i] = pmalloc(pool, SIZE);
		ns[round] = ktime_get_ns();
		pmalloc_protect_pool(pool);
		ns[round] = ktime_get_ns() - ns[round];
		pmalloc_destroy_pool(pool);
	}
	return report("pmalloc_protect_pool of 16384 objects", ns, 1);
}

/* One vmalloc() and one set_memory_ro() for each object; a part of them. */
static u64 bench_vmalloc_each(void)
{
	const int part = 64;
	u64 ns[ROUNDS];
	int round, i;

	settle();
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < part; i++)
			objects[i] = vmalloc(SIZE);
		ns[round] = ktime_get_ns();
		for (i = 0; i < part; i++)
			static_call(bench_ro)((unsigned long)objects[i], 1);
		ns[round] = ktime_get_ns() - ns[round];
		for (i = 0; i < part; i++) {
			static_call(bench_rw)((unsigned long)objects[i], 1);
			vfree(objects[i]);
		}
		ns[round] *= OBJECTS / part;
	}
	return report("set_memory_ro of 16384 vmalloc areas", ns, 1);
}

static u64 bench_write_rare(u8 mode, const char *what)
{
	struct pmalloc_pool *pool = pmalloc_create_pool(mode);
	unsigned long *word = pmalloc(pool, sizeof(*word));
	u64 ns[ROUNDS];
	int round, i;

	pmalloc_protect_pool(pool);
	settle();
	for (round = 0; round < ROUNDS; round++) {
		ns[round] = ktime_get_ns();
		for (i = 0; i < 1000; i++)
			wr_ulong(word, i);
		ns[round] = ktime_get_ns() - ns[round];
	}
	pmalloc_destroy_pool(pool);
	return report(what, ns, 1000);
}

static u64 bench_set_memory(void)
{
	unsigned long *word = vmalloc(PAGE_SIZE);
	unsigned long addr = (unsigned long)word;
	u64 ns[ROUNDS];
	int round, i;

	static_call(bench_ro)(addr, 1);
	settle();
	for (round = 0; round < ROUNDS; round++) {
		ns[round] = ktime_get_ns();
		for (i = 0; i < 200; i++) {
			static_call(bench_rw)(addr, 1);
			WRITE_ONCE(*word, i);
			static_call(bench_ro)(addr, 1);
		}
		ns[round] = ktime_get_ns() - ns[round];
	}
	static_call(bench_rw)(addr, 1);
	vfree(word);
	return report("set_memory_rw, a store, set_memory_ro", ns, 200);
}

static int __init bench_init(void)
{
	unsigned long ro = find("set_memory_ro"), rw = find("set_memory_rw");
	u64 pmalloc_each, kmalloc_each, wr, verified;

	objects = kvmalloc_array(OBJECTS, sizeof(*objects), GFP_KERNEL);
	if (!objects)
		return -ENOMEM;
	if (!ro || !rw) {
		pr_info("bench: no set_memory_ro to compare with\n");
		goto out;
	}
	static_call_update(bench_ro, (set_memory_t *)ro);
	static_call_update(bench_rw, (set_memory_t *)rw);

	pmalloc_each = bench_pmalloc();
	kmalloc_each = bench_kmalloc();
	ratio("pmalloc/kmalloc", pmalloc_each, kmalloc_each, "0.7");
	ratio("the same, with making areas", bench_pmalloc_areas(),
	      kmalloc_each, "none");
	wr = bench_write_rare(PMALLOC_MODE_WR, "wr_ulong");
	verified = bench_write_rare(PMALLOC_MODE_WR | PMALLOC_MODE_VERIFIED,
				    "wr_ulong with a digest");
	kmalloc_each = bench_set_memory();
	ratio("wr_ulong/set_memory", wr, kmalloc_each, "0.05");
	ratio("wr_ulong with a digest/set_memory", verified, kmalloc_each,
	      "none");
	ratio("seal/set_memory_ro of each", bench_seal(), bench_vmalloc_each(),
	      "1");
out:
	kvfree(objects);
	return -EAGAIN;
}
module_init(bench_init);

MODULE_DESCRIPTION("rsbac_mem benchmarks: pmalloc");
MODULE_LICENSE("GPL");
