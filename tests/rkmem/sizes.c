// SPDX-License-Identifier: GPL-2.0
/* The four kmalloc calls: sizes, classes, alignment, zeroing. */
#include <linux/align.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "rkmem_test.h"

/* RSBAC's prototypes, as its callers know them. */
static void prototypes(void)
{
	void *(*kmalloc_calls[])(size_t) = {
		rsbac_kmalloc, rsbac_kmalloc_clear, rsbac_kmalloc_unlocked,
		rsbac_kmalloc_clear_unlocked,
	};
	void (*kfree_call)(const void *) = rsbac_kfree;
	void *(*vkmalloc_call)(size_t, boolean *) = rsbac_vkmalloc;
	void (*vkfree_call)(void *, boolean) = rsbac_vkfree;
	struct kmem_cache *(*create_calls[])(const char *, size_t) = {
		rsbac_slab_create, rsbac_slab_create_rcu,
	};
	void (*destroy_call)(struct kmem_cache *) = rsbac_slab_destroy;
	void *(*smalloc_calls[])(struct kmem_cache *) = {
		rsbac_smalloc, rsbac_smalloc_clear, rsbac_smalloc_unlocked,
		rsbac_smalloc_clear_unlocked,
	};
	void (*sfree_call)(struct kmem_cache *, void *) = rsbac_sfree;

	KT_TRUE(kmalloc_calls[0] && kfree_call && vkmalloc_call &&
		vkfree_call && create_calls[0] && destroy_call &&
		smalloc_calls[0] && sfree_call);
	KT_EQ(RSBAC_MAX_KMALLOC, KMALLOC_MAX_SIZE);
	KT_EQ(RSBAC_MAX_SLABNAME, 32);
	KT_TRUE(TRUE == 1 && FALSE == 0);
}

typedef void *kmalloc_fn(size_t size);

static kmalloc_fn *const calls[] = {
	rsbac_kmalloc, rsbac_kmalloc_clear, rsbac_kmalloc_unlocked,
	rsbac_kmalloc_clear_unlocked,
};

/* All bytes of it are there, and it is physically in one piece. */
static void one_size(kmalloc_fn *call, size_t size)
{
	void *p = call(size);

	if (!p) {
		kt_fail("no %zu bytes from %ps", size, call);
		return;
	}
	fill(p, size, size);
	if (!filled(p, size, size))
		kt_fail("%zu bytes from %ps do not keep their contents", size,
			call);
	KT_TRUE(!is_vmalloc_addr(p));
	/* kmalloc's promise: the largest power of two that divides the size. */
	if (!IS_ALIGNED((unsigned long)p,
			max(size & -size, ARCH_KMALLOC_MINALIGN)))
		kt_fail("%zu bytes from %ps are at ...%03lx", size, call,
			(unsigned long)p & 0xfff);
	rsbac_kfree(p);
}

static void all_class_edges(void)
{
	for (int i = 0; i < ARRAY_SIZE(calls); i++) {
		const size_t *class;

		for (class = class_sizes; *class; class++) {
			one_size(calls[i], *class - 1);
			one_size(calls[i], *class);
			if (*class < RSBAC_MAX_KMALLOC)
				one_size(calls[i], *class + 1);
		}
	}
}

static void each_small_size(void)
{
	for (size_t size = 1; size <= 1024; size++)
		one_size(calls[size % ARRAY_SIZE(calls)], size);
}

static void size_zero_gives_null(void)
{
	for (int i = 0; i < ARRAY_SIZE(calls); i++)
		KT_NULL(calls[i](0));
}

static void too_large_gives_null(void)
{
	static const size_t sizes[] = {
		RSBAC_MAX_KMALLOC + 1, 2 * RSBAC_MAX_KMALLOC, SZ_2G, SIZE_MAX / 2,
		SIZE_MAX / 2 + 1, SIZE_MAX - PAGE_SIZE, SIZE_MAX - 1, SIZE_MAX,
	};

	for (int i = 0; i < ARRAY_SIZE(calls); i++)
		for (int j = 0; j < ARRAY_SIZE(sizes); j++)
			KT_NULL(calls[i](sizes[j]));
}

/* A size is served by the smallest class that holds it, and by no other. */
static void class_of_each_size(void)
{
	KT_NEED(!watch_start());
	for (const size_t *class = class_sizes; *class; class++) {
		for (size_t size = *class - 1; size <= *class + 1; size++) {
			struct kmem_cache *cache;
			void *p;

			if (size > RSBAC_MAX_KMALLOC)
				continue;
			p = rsbac_kmalloc(size);
			if (!KT_NOT_NULL(p))
				continue;
			if (KT_TRUE(watched(p, NULL, &cache)) &&
			    kmem_cache_size(cache) != class_of(size))
				kt_fail("%zu bytes are from the class of %u",
					size, kmem_cache_size(cache));
			rsbac_kfree(p);
		}
	}
	watch_stop();
}

/* None of the classes is one of the kernel's. */
static void classes_are_apart_from_kmalloc(void)
{
	KT_NEED(!watch_start());
	for (size_t size = 8; size <= SZ_8K; size *= 2) {
		struct kmem_cache *ours, *theirs;
		struct kmem_cache *twin = kmem_cache_create("rkmem_test_twin",
							    size, 0, 0, NULL);
		void *p = rsbac_kmalloc(size);
		void *q = twin ? kmem_cache_alloc(twin, GFP_KERNEL) : NULL;

		if (KT_TRUE(p && q) && KT_TRUE(watched(p, NULL, &ours)) &&
		    KT_TRUE(watched(q, NULL, &theirs)))
			KT_TRUE(ours != theirs);
		rsbac_kfree(p);
		if (q)
			kmem_cache_free(twin, q);
		kmem_cache_destroy(twin);
	}
	watch_stop();
}

#define MANY 64

/* Freed dirty, so that what comes back from the same class is dirty too. */
static void dirty(size_t size)
{
	static void *objects[MANY];
	int count = size > SZ_64K ? 2 : MANY;

	for (int i = 0; i < count; i++) {
		objects[i] = rsbac_kmalloc(size);
		if (objects[i])
			memset(objects[i], 0xa5, size);
	}
	for (int i = 0; i < count; i++)
		rsbac_kfree(objects[i]);
}

static void clear_is_zero(void)
{
	for (const size_t *class = class_sizes; *class; class++) {
		for (int i = 0; i < 4; i++) {
			kmalloc_fn *call = i % 2 ? rsbac_kmalloc_clear :
						   rsbac_kmalloc_clear_unlocked;
			size_t size = *class - i / 2;
			void *p;

			dirty(*class);
			p = call(size);
			if (!KT_NOT_NULL(p))
				continue;
			if (memchr_inv(p, 0, size))
				kt_fail("%zu bytes from %ps are not zero", size,
					call);
			rsbac_kfree(p);
		}
	}
}

static void objects_do_not_overlap(void)
{
	static void *objects[MANY];

	for (const size_t *class = class_sizes; *class <= SZ_16K; class++) {
		for (int i = 0; i < MANY; i++) {
			objects[i] = rsbac_kmalloc(*class);
			if (KT_NOT_NULL(objects[i]))
				fill(objects[i], *class, i);
		}
		for (int i = 0; i < MANY; i++) {
			if (objects[i] && !filled(objects[i], *class, i))
				kt_fail("object %d of %zu bytes was overwritten",
					i, *class);
			rsbac_kfree(objects[i]);
		}
	}
}

static void free_of_null_is_nothing(void)
{
	u64 before = errors("wrong_free");

	rsbac_kfree(NULL);
	rsbac_vkfree(NULL, TRUE);
	rsbac_vkfree(NULL, FALSE);
	rsbac_sfree(NULL, NULL);
	KT_EQ(errors("wrong_free"), before);
}

const struct kt_test sizes_tests[] = {
	KT_TEST(prototypes),
	KT_TEST(all_class_edges),
	KT_TEST(each_small_size),
	KT_TEST(size_zero_gives_null),
	KT_TEST(too_large_gives_null),
	KT_TEST(class_of_each_size),
	KT_TEST(classes_are_apart_from_kmalloc),
	KT_TEST(clear_is_zero),
	KT_TEST(objects_do_not_overlap),
	KT_TEST(free_of_null_is_nothing),
	{}
};
