// SPDX-License-Identifier: GPL-2.0
/*
 * Wrong calls, one a test. Each is made twice from the same place: both are
 * counted, one is named in the log with the function that made it, and nothing
 * is freed. Every test of this file must therefore call from one place only.
 */
#include <linux/kfence.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "rkmem_test.h"

#define TWICE 2

/* A number that the compiler cannot unroll a loop by: that makes more calls. */
static int times(int n)
{
	OPTIMIZER_HIDE_VAR(n);
	return n;
}

/* A table that the compiler knows nothing of, not even its length. */
static const size_t *table(const size_t *entries)
{
	OPTIMIZER_HIDE_VAR(entries);
	return entries;
}

#define NOT_OURS(_call)							\
	kt_log("rsbac_mem: " _call ": .* is not memory of ours.*%s.*\\[rkmem_test\\]", \
	       __func__)
#define NOT_A_START(_call)						\
	kt_log("rsbac_mem: " _call ": .* is not the start of an object.*%s.*", \
	       __func__)
#define IS_FREE(_call)							\
	kt_log("rsbac_mem: " _call ": .* is a free object.*%s.*\\[rkmem_test\\]", \
	       __func__)

static void kfree_of_stack(void)
{
	u64 before = errors("wrong_free");
	u64 local[4] = { 1, 2, 3, 4 };

	for (int i = 0; i < times(TWICE); i++)
		rsbac_kfree(local);
	KT_EQ(errors("wrong_free"), before + TWICE);
	KT_TRUE(local[0] == 1 && local[3] == 4);
	NOT_OURS("rsbac_kfree");
}

static void kfree_of_kmalloc_memory(void)
{
	u64 before = errors("wrong_free");
	void *p = kmalloc(64, GFP_KERNEL);

	KT_NEED(p);
	fill(p, 64, 7);
	for (int i = 0; i < times(TWICE); i++)
		rsbac_kfree(p);
	KT_EQ(errors("wrong_free"), before + TWICE);
	KT_TRUE(filled(p, 64, 7));
	kfree(p);
	NOT_OURS("rsbac_kfree");
}

static void kfree_of_large_kmalloc_memory(void)
{
	u64 before = errors("wrong_free");
	void *p = kmalloc(SZ_64K, GFP_KERNEL);

	KT_NEED(p);
	for (int i = 0; i < times(TWICE); i++)
		rsbac_kfree(p);
	KT_EQ(errors("wrong_free"), before + TWICE);
	fill(p, SZ_64K, 7);
	KT_TRUE(filled(p, SZ_64K, 7));
	kfree(p);
	NOT_OURS("rsbac_kfree");
}

static void kfree_of_vmalloc_memory(void)
{
	u64 before = errors("wrong_free");
	void *p = vmalloc(SZ_64K);

	KT_NEED(p);
	for (int i = 0; i < times(TWICE); i++)
		rsbac_kfree(p);
	KT_EQ(errors("wrong_free"), before + TWICE);
	fill(p, SZ_64K, 7);
	KT_TRUE(filled(p, SZ_64K, 7));
	vfree(p);
	NOT_OURS("rsbac_kfree");
}

static void kfree_of_page(void)
{
	u64 before = errors("wrong_free");
	void *p = (void *)__get_free_page(GFP_KERNEL);

	KT_NEED(p);
	for (int i = 0; i < times(TWICE); i++)
		rsbac_kfree(p);
	KT_EQ(errors("wrong_free"), before + TWICE);
	free_page((unsigned long)p);
	NOT_OURS("rsbac_kfree");
}

static void kfree_of_module_data(void)
{
	static u64 data = 5;
	u64 before = errors("wrong_free");

	for (int i = 0; i < times(TWICE); i++)
		rsbac_kfree(&data);
	KT_EQ(errors("wrong_free"), before + TWICE);
	KT_EQ(data, 5);
	NOT_OURS("rsbac_kfree");
}

/* Addresses that nothing is at: of the user, canonical or not, the last ones. */
static void kfree_of_wild_addresses(void)
{
	static const size_t wild[] = {
		8, 16, 4095, 0x1000, 0x7fffffffe000, 0x7fffffffffffffff,
		0x8000000000000000, 0xdead000000000100, 0xffff000000000000,
		0xffff7fffffffffff, 0xffffffffff600000, -4095UL, -8UL, -1UL,
	};
	u64 before = errors("wrong_free");

	for (int i = 0; i < times(ARRAY_SIZE(wild)); i++)
		rsbac_kfree((void *)table(wild)[i]);
	KT_EQ(errors("wrong_free"), before + ARRAY_SIZE(wild));
	NOT_OURS("rsbac_kfree");
}

static void kfree_of_middle_of_object(void)
{
	u64 before = errors("wrong_free");
	char *p = rsbac_kmalloc(SZ_1K);
	static const size_t inside[] = { 1, 8, 16, 512, 1023 };

	KT_NEED(p);
	fill(p, SZ_1K, 7);
	for (int i = 0; i < times(ARRAY_SIZE(inside)); i++)
		rsbac_kfree(p + table(inside)[i]);
	KT_EQ(errors("wrong_free"), before + ARRAY_SIZE(inside));
	KT_TRUE(filled(p, SZ_1K, 7));
	rsbac_kfree(p);
	KT_EQ(errors("wrong_free"), before + ARRAY_SIZE(inside));
	NOT_A_START("rsbac_kfree");
}

static void vkfree_of_middle_of_vmalloc(void)
{
	u64 before = errors("wrong_free");
	boolean used;
	char *p = rsbac_vkmalloc(SZ_8M, &used);
	static const size_t inside[] = { 8, PAGE_SIZE, SZ_4M };

	KT_NEED(p);
	fill(p, SZ_8M, 7);
	for (int i = 0; i < times(ARRAY_SIZE(inside)); i++)
		rsbac_vkfree(p + table(inside)[i], TRUE);
	KT_EQ(errors("wrong_free"), before + ARRAY_SIZE(inside));
	KT_TRUE(filled(p, SZ_8M, 7));
	rsbac_vkfree(p, used);
	NOT_OURS("rsbac_vkfree");
}

/*
 * Where KASAN or SLUB's poison use the memory of free objects, or KFENCE has
 * them, these watch for double frees themselves, with reports of their own.
 */
static bool watched_by_others(const char *slab)
{
	char path[64];

	if (IS_ENABLED(CONFIG_KASAN)) {
		kt_skip("KASAN tells double frees");
		return true;
	}
	scnprintf(path, sizeof(path), "/sys/kernel/slab/%s/poison", slab);
	if (kt_number_in(path) != 1)
		return false;
	kt_skip("SLUB's own poison tells double frees");
	return true;
}

/* Not one of KFENCE's objects. */
static void *plain_128(void)
{
	void *p = rsbac_kmalloc(128);

	for (int i = 0; i < 100 && is_kfence_address(p); i++) {
		rsbac_kfree(p);
		p = rsbac_kmalloc(128);
	}
	return p;
}

/* The memory is free, and was not handed out anew. */
static void double_kfree(void)
{
	u64 before = errors("double_free");
	void *p = plain_128();
	u64 frees = slab_figure("rsbac-128", "frees");

	KT_NEED(p);
	if (watched_by_others("rsbac-128")) {
		rsbac_kfree(p);
		return;
	}
	for (int i = 0; i < times(1 + TWICE); i++)
		rsbac_kfree(p);
	KT_EQ(errors("double_free"), before + TWICE);
	KT_EQ(slab_figure("rsbac-128", "frees"), frees + 1);
	IS_FREE("rsbac_kfree");
}

/* Had the second free been done, two of these would be the same object. */
static void double_kfree_harms_nobody(void)
{
	void *objects[64];
	void *p = plain_128();

	KT_NEED(p);
	if (watched_by_others("rsbac-128")) {
		rsbac_kfree(p);
		return;
	}
	for (int i = 0; i < times(2); i++)
		rsbac_kfree(p);
	for (int i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = rsbac_kmalloc(128);
		for (int j = 0; j < i; j++)
			KT_TRUE(objects[i] != objects[j]);
	}
	for (int i = 0; i < ARRAY_SIZE(objects); i++)
		rsbac_kfree(objects[i]);
	IS_FREE("rsbac_kfree");
}

static void double_sfree(void)
{
	u64 before = errors("double_free");
	struct kmem_cache *slab = rsbac_slab_create("rkmem_test_double", 40);
	void *p = slab ? rsbac_smalloc(slab) : NULL;

	KT_NEED(p);
	if (watched_by_others("rkmem_test_double")) {
		rsbac_sfree(slab, p);
		rsbac_slab_destroy(slab);
		return;
	}
	for (int i = 0; i < times(1 + TWICE); i++)
		rsbac_sfree(slab, p);
	KT_EQ(errors("double_free"), before + TWICE);
	KT_EQ(slab_figure("rkmem_test_double", "frees"), 1);
	rsbac_slab_destroy(slab);
	IS_FREE("rsbac_sfree");
}

static void double_vkfree_of_vmalloc(void)
{
	u64 before = errors("wrong_free") + errors("double_free");
	boolean used;
	void *p = rsbac_vkmalloc(SZ_8M, &used);

	KT_NEED(p);
	for (int i = 0; i < times(1 + TWICE); i++)
		rsbac_vkfree(p, used);
	KT_EQ(errors("wrong_free") + errors("double_free"), before + TWICE);
	kt_log("rsbac_mem: rsbac_vkfree: .*%s", __func__);
}

/* Freed the right way nevertheless. */
static void vkfree_of_contiguous_as_vmalloc(void)
{
	u64 before = errors("wrong_flag");
	u64 objects = slab_figure("rsbac-128", "objects");

	for (int i = 0; i < times(TWICE); i++) {
		boolean used;
		void *p = rsbac_vkmalloc(128, &used);

		KT_NEED(p);
		KT_EQ(used, FALSE);
		rsbac_vkfree(p, TRUE);
	}
	KT_EQ(errors("wrong_flag"), before + TWICE);
	KT_EQ(slab_figure("rsbac-128", "objects"), objects);
	kt_log("rsbac_mem: rsbac_vkfree: .* is from a slab, freed that way.*%s",
	       __func__);
}

static void vkfree_of_vmalloc_as_contiguous(void)
{
	u64 before = errors("wrong_flag");
	u64 objects = slab_figure("vmalloc", "objects");

	for (int i = 0; i < times(TWICE); i++) {
		boolean used;
		void *p = rsbac_vkmalloc(SZ_8M, &used);

		KT_NEED(p);
		KT_EQ(used, TRUE);
		rsbac_vkfree(p, FALSE);
	}
	KT_EQ(errors("wrong_flag"), before + TWICE);
	KT_EQ(slab_figure("vmalloc", "objects"), objects);
	kt_log("rsbac_mem: rsbac_vkfree: .* is from vmalloc, freed that way.*%s",
	       __func__);
}

static void sfree_into_wrong_slab(void)
{
	u64 before = errors("wrong_slab");
	struct kmem_cache *right = rsbac_slab_create("rkmem_test_right", 64);
	struct kmem_cache *wrong = rsbac_slab_create("rkmem_test_wrong", 64);
	void *p = right ? rsbac_smalloc(right) : NULL;

	KT_NEED(p && wrong);
	fill(p, 64, 7);
	for (int i = 0; i < times(TWICE); i++)
		rsbac_sfree(wrong, p);
	KT_EQ(errors("wrong_slab"), before + TWICE);
	KT_TRUE(filled(p, 64, 7));
	KT_EQ(slab_figure("rkmem_test_right", "objects"), 1);
	KT_EQ(slab_figure("rkmem_test_wrong", "frees"), 0);
	rsbac_sfree(right, p);
	rsbac_slab_destroy(right);
	rsbac_slab_destroy(wrong);
	kt_log("rsbac_mem: rsbac_sfree: .*rkmem_test_wrong.*%s",
	       __func__);
}

static void foreign_slab_is_left_alone(void)
{
	u64 before = errors("wrong_slab");
	struct kmem_cache *foreign = kmem_cache_create("rkmem_test_foreign", 64,
						       0, 0, NULL);
	void *p = foreign ? kmem_cache_alloc(foreign, GFP_KERNEL) : NULL;

	KT_NEED(p);
	fill(p, 64, 7);
	rsbac_sfree(foreign, p);
	kt_log("rsbac_mem: rsbac_sfree: .* is no slab of ours.*foreign_slab");
	KT_NULL(rsbac_smalloc(foreign));
	kt_log("rsbac_mem: rsbac_smalloc: .* is no slab of ours.*foreign_slab");
	rsbac_slab_destroy(foreign);
	kt_log("rsbac_mem: rsbac_slab_destroy: .* is no slab .*foreign_slab");
	KT_EQ(errors("wrong_slab"), before + 3);
	KT_TRUE(filled(p, 64, 7));
	kmem_cache_free(foreign, p);
	kmem_cache_destroy(foreign);
}

static void destroy_with_objects_is_refused(void)
{
	u64 before = errors("busy_slab");
	struct kmem_cache *slab = rsbac_slab_create("rkmem_test_busy", 64);
	void *objects[3];

	KT_NEED(slab);
	for (int i = 0; i < 3; i++) {
		objects[i] = rsbac_smalloc(slab);
		KT_NEED(objects[i]);
		fill(objects[i], 64, i);
	}
	for (int i = 0; i < times(TWICE); i++)
		rsbac_slab_destroy(slab);
	KT_EQ(errors("busy_slab"), before + TWICE);
	kt_log("rsbac_mem: .*slab rkmem_test_busy: not destroyed, 3 objects are still allocated.*%s",
	       __func__);

	/* The slab works on, and its objects are as they were. */
	for (int i = 0; i < 3; i++) {
		void *p = rsbac_smalloc(slab);

		KT_NOT_NULL(p);
		rsbac_sfree(slab, p);
		KT_TRUE(filled(objects[i], 64, i));
		rsbac_sfree(slab, objects[i]);
	}
	rsbac_slab_destroy(slab);
	KT_TRUE(!kt_exists("/sys/kernel/rsbac_mem/slabs/rkmem_test_busy"));
}

const struct kt_test wrong_tests[] = {
	KT_TEST(kfree_of_stack),
	KT_TEST(kfree_of_kmalloc_memory),
	KT_TEST(kfree_of_large_kmalloc_memory),
	KT_TEST(kfree_of_vmalloc_memory),
	KT_TEST(kfree_of_page),
	KT_TEST(kfree_of_module_data),
	KT_TEST(kfree_of_wild_addresses),
	KT_TEST(kfree_of_middle_of_object),
	KT_TEST(vkfree_of_middle_of_vmalloc),
	KT_TEST(double_kfree),
	KT_TEST(double_kfree_harms_nobody),
	KT_TEST(double_sfree),
	KT_TEST(double_vkfree_of_vmalloc),
	KT_TEST(vkfree_of_contiguous_as_vmalloc),
	KT_TEST(vkfree_of_vmalloc_as_contiguous),
	KT_TEST(sfree_into_wrong_slab),
	KT_TEST(foreign_slab_is_left_alone),
	KT_TEST(destroy_with_objects_is_refused),
	{}
};
