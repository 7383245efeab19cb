// SPDX-License-Identifier: GPL-2.0
/* The exported calls: every promise of <linux/kmem_cgroup.h>. */
#include <linux/kmem_cgroup.h>
#include <linux/mm.h>
#include <linux/pmalloc.h>
#include <linux/vmalloc.h>
#include <rsbac/rkmem.h>

#include "kmem_test.h"

static void charges_come_and_go(void)
{
	struct kmem_cgroup_charge charge = {};

	KT_EQ(km_max("max"), 0);
	KT_EQ(kmem_cgroup_charge(&charge, KMEM_CGROUP_KMALLOC, 12345, GFP_KERNEL), 0);
	KT_EQ(km_t("current"), 12345);
	KT_TRUE(km_table_has("[kmalloc] /t 1 12345"));
	kmem_cgroup_uncharge(&charge);
	KT_EQ(km_t("current"), 0);
	/* Again, and with nothing: harmless. */
	kmem_cgroup_uncharge(&charge);
	kmem_cgroup_uncharge(NULL);
	KT_EQ(km_t("current"), 0);
}

static void vmalloc_counts_whole_pages(void)
{
	struct kmem_cgroup_charge charge = {};
	void *area = vmalloc(PAGE_SIZE + 1);

	KT_NEED(area);
	KT_EQ(kmem_cgroup_charge_vmalloc(&charge, area, PAGE_SIZE + 1, GFP_KERNEL), 0);
	KT_EQ(km_t("current"), 2 * PAGE_SIZE);
	kmem_cgroup_uncharge(&charge);
	KT_EQ(kmem_cgroup_charge_vmalloc(&charge, area + 8, 8, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge_vmalloc(&charge, &charge, 8, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge_vmalloc(&charge, area, SIZE_MAX, GFP_KERNEL), -EINVAL);
	KT_EQ(km_t("current"), 0);
	vfree(area);
}

static void pages_count_by_order(void)
{
	struct kmem_cgroup_charge charge = {};

	KT_EQ(kmem_cgroup_charge_pages(&charge, 3, GFP_KERNEL), 0);
	KT_EQ(km_t("current"), 8 * PAGE_SIZE);
	kmem_cgroup_uncharge(&charge);
	KT_EQ(kmem_cgroup_charge_pages(&charge, MAX_PAGE_ORDER + 1, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge_pages(&charge, UINT_MAX, GFP_KERNEL), -EINVAL);
}

static void wrong_charges_are_refused(void)
{
	struct kmem_cgroup_charge charge = {};

	KT_EQ(kmem_cgroup_charge(NULL, KMEM_CGROUP_KMALLOC, 8, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge(&charge, 0, 8, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge(&charge, 4, 8, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge(&charge, KMEM_CGROUP_KMALLOC, 0, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge(&charge, KMEM_CGROUP_KMALLOC, SIZE_MAX, GFP_KERNEL), -EINVAL);
	KT_EQ(kmem_cgroup_charge(&charge, KMEM_CGROUP_KMALLOC, 8, GFP_KERNEL), 0);
	KT_EQ(kmem_cgroup_charge(&charge, KMEM_CGROUP_KMALLOC, 8, GFP_KERNEL), -EINVAL);
	kmem_cgroup_uncharge(&charge);
	KT_EQ(km_t("current"), 0);
}

static void limits_hold_for_charges(void)
{
	struct kmem_cgroup_charge charge = {}, more = {};

	KT_EQ(km_max("1000"), 0);
	KT_EQ(kmem_cgroup_charge(&charge, KMEM_CGROUP_KMALLOC, 1000, GFP_KERNEL), 0);
	KT_EQ(kmem_cgroup_charge(&more, KMEM_CGROUP_PAGES, 1, GFP_KERNEL), -ENOMEM);
	KT_EQ(kmem_cgroup_charge(&more, KMEM_CGROUP_PAGES, 1, GFP_KERNEL | __GFP_NOFAIL), 0);
	KT_EQ(km_t("current"), 1001);
	kmem_cgroup_uncharge(&more);
	kmem_cgroup_uncharge(&charge);
	KT_EQ(km_t("current"), 0);
	KT_EQ(km_max("max"), 0);
}

/* What rsbac_vkmalloc() takes from vmalloc is charged by itself. */
static void vkmalloc_is_charged(void)
{
	size_t size = RSBAC_MAX_KMALLOC + PAGE_SIZE;
	boolean vmalloc_used;
	void *mem;

	KT_EQ(km_max("max"), 0);
	mem = rsbac_vkmalloc(size, &vmalloc_used);
	KT_NEED(mem);
	KT_TRUE(vmalloc_used);
	KT_EQ(km_t("current"), size);
	KT_TRUE(km_table_has("[vmalloc] /t 1 "));
	rsbac_vkfree(mem, vmalloc_used);
	KT_EQ(km_t("current"), 0);
	KT_EQ(km_max("1000000"), 0);
	KT_NULL(rsbac_vkmalloc(size, &vmalloc_used));
	KT_EQ(km_t("current"), 0);
	KT_EQ(km_max("max"), 0);
}

/* So is the memory of pools. */
static void pools_are_charged(void)
{
	struct pmalloc_pool *pool = pmalloc_create_custom_pool(4 * PAGE_SIZE, -1);

	KT_NEED(pool);
	KT_EQ(km_max("50000"), 0);
	KT_EQ(km_t("current"), 0);
	KT_NOT_NULL(pmalloc(pool, 64));
	KT_EQ(km_t("current"), 4 * PAGE_SIZE);
	KT_NOT_NULL(pmalloc(pool, 4 * PAGE_SIZE));
	KT_EQ(km_t("current"), 8 * PAGE_SIZE);
	KT_NULL(pmalloc(pool, 8 * PAGE_SIZE));
	KT_EQ(km_t("current"), 8 * PAGE_SIZE);
	pmalloc_protect_pool(pool);
	pmalloc_destroy_pool(pool);
	KT_EQ(km_t("current"), 0);
	KT_EQ(km_max("max"), 0);
}

const struct kt_test explicit_tests[] = {
	KT_TEST(charges_come_and_go),
	KT_TEST(vmalloc_counts_whole_pages),
	KT_TEST(pages_count_by_order),
	KT_TEST(wrong_charges_are_refused),
	KT_TEST(limits_hold_for_charges),
	KT_TEST(vkmalloc_is_charged),
	KT_TEST(pools_are_charged),
	{}
};
