// SPDX-License-Identifier: GPL-2.0
/* Slabs of one's own: names, sizes, objects, RCU. */
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "rkmem_test.h"

/* A merged cache shows there too, but as a link: an alias of another. */
static bool shown(const char *name)
{
	char path[128];

	scnprintf(path, sizeof(path), "/sys/kernel/rsbac_mem/slabs/%s", name);
	if (!kt_exists(path))
		return false;
	scnprintf(path, sizeof(path), "/sys/kernel/slab/%s", name);
	if (!kt_exists(path))
		return false;
	scnprintf(path, sizeof(path), "/sys/kernel/slab/%s/aliases", name);
	return !kt_number_in(path);
}

static bool hidden(const char *name)
{
	char path[128];

	scnprintf(path, sizeof(path), "/sys/kernel/rsbac_mem/slabs/%s", name);
	if (kt_exists(path))
		return false;
	scnprintf(path, sizeof(path), "/sys/kernel/slab/%s", name);
	return !kt_exists(path);
}

static void slab_shows_under_its_name(void)
{
	/* A size that the kernel's own slabs have, which it would merge with. */
	struct kmem_cache *slab = rsbac_slab_create("rkmem_test_named", 64);

	KT_NEED(slab);
	KT_TRUE(shown("rkmem_test_named"));
	KT_EQ(kmem_cache_size(slab), 64);
	KT_EQ(slab_figure("rkmem_test_named", "object_size"), 64);
	KT_EQ(slab_figure("rkmem_test_named", "objects"), 0);
	rsbac_slab_destroy(slab);
	KT_TRUE(hidden("rkmem_test_named"));
}

static void two_alike_are_not_merged(void)
{
	struct kmem_cache *a = rsbac_slab_create("rkmem_test_a", 64);
	struct kmem_cache *b = rsbac_slab_create("rkmem_test_b", 64);

	KT_TRUE(a && b && a != b);
	KT_TRUE(shown("rkmem_test_a"));
	KT_TRUE(shown("rkmem_test_b"));
	rsbac_slab_destroy(a);
	rsbac_slab_destroy(b);
}

static void long_name_is_cut(void)
{
	struct kmem_cache *slab, *same;

	slab = rsbac_slab_create("rkmem_test_name_of_31_bytes_abcd_and_more", 64);
	KT_NEED(slab);
	KT_TRUE(shown("rkmem_test_name_of_31_bytes_abc"));
	KT_TRUE(hidden("rkmem_test_name_of_31_bytes_abcd"));

	/* Cut, it is the same name. */
	same = rsbac_slab_create("rkmem_test_name_of_31_bytes_abcX", 64);
	KT_NULL(same);
	kt_log("rsbac_mem: no slab .*rkmem_test_name_of_31_bytes_abcX.*taken");
	rsbac_slab_destroy(same);
	rsbac_slab_destroy(slab);
}

static void taken_name_is_refused(void)
{
	struct kmem_cache *slab = rsbac_slab_create("rkmem_test_twice", 64);
	struct kmem_cache *again = rsbac_slab_create("rkmem_test_twice", 32);

	KT_NOT_NULL(slab);
	KT_NULL(again);
	kt_log("rsbac_mem: no slab .*rkmem_test_twice.*taken");
	rsbac_slab_destroy(again);
	rsbac_slab_destroy(slab);
	/* And free again. */
	slab = rsbac_slab_create("rkmem_test_twice", 64);
	KT_NOT_NULL(slab);
	rsbac_slab_destroy(slab);
}

/* Of the kernel's slabs, and of our own classes. */
static void system_names_are_refused(void)
{
	KT_NULL(rsbac_slab_create("dentry", 64));
	kt_log("rsbac_mem: no slab .*dentry.*taken");
	KT_NULL(rsbac_slab_create("kmalloc-64", 64));
	kt_log("rsbac_mem: no slab .*kmalloc-64.*taken");
	KT_NULL(rsbac_slab_create("rsbac-64", 64));
	kt_log("rsbac_mem: no slab .*rsbac-64.*taken");
	KT_NULL(rsbac_slab_create("vmalloc", 64));
	kt_log("rsbac_mem: no slab \"vmalloc\".*taken");
	KT_TRUE(kt_exists("/sys/kernel/rsbac_mem/slabs/vmalloc"));
}

static void odd_names_are_refused(void)
{
	KT_NULL(rsbac_slab_create("", 64));
	kt_log("rsbac_mem: no slab \"\" .*name");
	KT_NULL(rsbac_slab_create("rkmem test", 64));
	kt_log("rsbac_mem: no slab .*rkmem test.*name");
	KT_NULL(rsbac_slab_create("rkmem/test", 64));
	kt_log("rsbac_mem: no slab .*rkmem/test.*name");
	KT_NULL(rsbac_slab_create("rkmem!test", 64));
	kt_log("rsbac_mem: no slab .*rkmem!test.*name");
	KT_NULL(rsbac_slab_create("rkmem\ntest", 64));
	kt_log("rsbac_mem: no slab .*rkmem.{1,4}ntest.*name");
}

static void odd_sizes_are_refused(void)
{
	KT_NULL(rsbac_slab_create("rkmem_test_0", 0));
	kt_log("rsbac_mem: no slab .*rkmem_test_0.*size");
	KT_NULL(rsbac_slab_create("rkmem_test_4M1", RSBAC_MAX_KMALLOC + 1));
	kt_log("rsbac_mem: no slab .*rkmem_test_4M1.*size");
	KT_NULL(rsbac_slab_create("rkmem_test_max", SIZE_MAX));
	kt_log("rsbac_mem: no slab .*rkmem_test_max.*size");
	KT_NULL(rsbac_slab_create_rcu("rkmem_test_rcu0", 0));
	kt_log("rsbac_mem: no slab .*rkmem_test_rcu0.*size");
	KT_TRUE(hidden("rkmem_test_4M1"));
}

/* One object of a slab of each size, every byte of it. */
static void sizes_from_1_to_the_largest(void)
{
	static const size_t sizes[] = {
		1, 2, 7, 8, 9, 31, 100, 4095, 4096, 4097, SZ_64K, SZ_1M + 8,
		RSBAC_MAX_KMALLOC,
	};

	for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *slab = rsbac_slab_create("rkmem_test_size",
							    sizes[i]);
		void *p = slab ? rsbac_smalloc(slab) : NULL;

		if (!p)
			kt_fail("no object of %zu bytes", sizes[i]);
		if (p) {
			fill(p, sizes[i], i);
			KT_TRUE(filled(p, sizes[i], i));
		}
		rsbac_sfree(slab, p);
		rsbac_slab_destroy(slab);
	}
}

typedef void *smalloc_fn(struct kmem_cache *slab);

static void each_smalloc_call(void)
{
	static smalloc_fn *const calls[] = {
		rsbac_smalloc, rsbac_smalloc_unlocked, rsbac_smalloc_clear,
		rsbac_smalloc_clear_unlocked,
	};
	struct kmem_cache *slab = rsbac_slab_create("rkmem_test_calls", 120);
	void *objects[100];

	KT_NEED(slab);
	for (int round = 0; round < 8; round++) {
		smalloc_fn *call = calls[round % 4];

		for (int i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = call(slab);
			if (!KT_NOT_NULL(objects[i]))
				continue;
			if (round % 4 >= 2 && memchr_inv(objects[i], 0, 120))
				kt_fail("%ps gave an object that is not zero",
					call);
			memset(objects[i], 0xa5, 120);
		}
		KT_EQ(slab_figure("rkmem_test_calls", "objects"),
		      ARRAY_SIZE(objects));
		for (int i = 0; i < ARRAY_SIZE(objects); i++)
			rsbac_sfree(slab, objects[i]);
	}
	rsbac_sfree(slab, NULL);
	KT_EQ(slab_figure("rkmem_test_calls", "objects"), 0);
	rsbac_slab_destroy(slab);
}

/* NULL for the slab stands for the kmalloc calls. */
static void sfree_without_slab_is_kfree(void)
{
	void *p = rsbac_kmalloc(64);
	u64 objects = slab_figure("rsbac-64", "objects");

	KT_NEED(p);
	rsbac_sfree(NULL, p);
	KT_EQ(slab_figure("rsbac-64", "objects"), objects - 1);
}

/* rsbac_kfree() takes objects of any slab of ours, as kfree() does. */
static void kfree_of_slab_object(void)
{
	struct kmem_cache *slab = rsbac_slab_create("rkmem_test_kfree", 64);
	void *p = slab ? rsbac_smalloc(slab) : NULL;

	KT_NEED(p);
	rsbac_kfree(p);
	KT_EQ(slab_figure("rkmem_test_kfree", "objects"), 0);
	rsbac_slab_destroy(slab);
}

/*
 * A reader under RCU holds on to an object that is freed under it: the memory
 * stays an object of the slab, with the contents that it had when it was freed.
 */
static void rcu_slab_keeps_objects_for_readers(void)
{
	struct kmem_cache *slab = rsbac_slab_create_rcu("rkmem_test_rcu", 256);
	struct kmem_cache *cache;
	u64 *objects[16];

	KT_NEED(slab);
	KT_EQ(kt_number_in("/sys/kernel/slab/rkmem_test_rcu/destroy_by_rcu"), 1);
	KT_NEED(!watch_start());
	for (int i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = rsbac_smalloc(slab);
		if (KT_NOT_NULL(objects[i]))
			fill(objects[i], 256, i);
	}
	KT_TRUE(watched(objects[0], NULL, &cache) && cache == slab);
	watch_stop();

	rcu_read_lock();
	for (int i = 0; i < ARRAY_SIZE(objects); i++)
		rsbac_sfree(slab, objects[i]);
	for (int i = 0; i < ARRAY_SIZE(objects); i++)
		if (objects[i] && !filled(objects[i], 128, i))
			kt_fail("object %d changed under its reader", i);
	rcu_read_unlock();
	rsbac_slab_destroy(slab);
}

static void destroy_of_null_is_nothing(void)
{
	u64 before = errors("wrong_slab");

	rsbac_slab_destroy(NULL);
	KT_EQ(errors("wrong_slab"), before);
}

static void create_and_destroy_many(void)
{
	for (u32 i = 0; i < kt_loops(200); i++) {
		struct kmem_cache *slab = rsbac_slab_create("rkmem_test_many",
							    8 + i);

		if (!KT_NOT_NULL(slab))
			break;
		rsbac_sfree(slab, rsbac_smalloc(slab));
		rsbac_slab_destroy(slab);
	}
	KT_TRUE(hidden("rkmem_test_many"));
}

const struct kt_test slabs_tests[] = {
	KT_TEST(slab_shows_under_its_name),
	KT_TEST(two_alike_are_not_merged),
	KT_TEST(long_name_is_cut),
	KT_TEST(taken_name_is_refused),
	KT_TEST(system_names_are_refused),
	KT_TEST(odd_names_are_refused),
	KT_TEST(odd_sizes_are_refused),
	KT_TEST(sizes_from_1_to_the_largest),
	KT_TEST(each_smalloc_call),
	KT_TEST(sfree_without_slab_is_kfree),
	KT_TEST(kfree_of_slab_object),
	KT_TEST(rcu_slab_keeps_objects_for_readers),
	KT_TEST(destroy_of_null_is_nothing),
	KT_TEST(create_and_destroy_many),
	{}
};
