// SPDX-License-Identifier: GPL-2.0
/* The self-audit: it must see what is broken on purpose. */
#include <linux/pgtable.h>
#include <asm/tlbflush.h>

#include "pmalloc_test.h"

#define AUDIT PMALLOC_SYSFS "audit"

static void audit_finds_nothing_wrong(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_named_pool("audited", 0, -1, PMALLOC_MODE_RO);

	KT_NEED(pool);
	KT_NOT_NULL(pmalloc(pool, 5 * PAGE_SIZE));
	KT_TRUE(line_in(AUDIT, "bad 0\n"));
	pmalloc_protect_pool(pool);
	KT_TRUE(line_in(AUDIT, "bad 0\n"));
	pmalloc_destroy_pool(pool);
	KT_TRUE(line_in(AUDIT, "bad 0\n"));
}

/* Changes whether the page-table entry of @addr allows writing. */
static void set_writable(unsigned long addr, bool writable)
{
	unsigned int level;
	pte_t *pte = lookup_address(addr, &level);
	pteval_t value;

	if (!KT_NOT_NULL(pte))
		return;
	value = pte_val(*pte);
	value = writable ? value | _PAGE_RW | _PAGE_DIRTY :
			   value & ~(_PAGE_RW | _PAGE_DIRTY);
	set_pte(pte, __pte(value));
}

static void audit_names_a_broken_area(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_named_pool("broken", 0, -1, PMALLOC_MODE_RO);
	u8 *p;

	KT_NEED(pool);
	p = pmalloc(pool, 3 * PAGE_SIZE);
	KT_NEED(p);
	pmalloc_protect_pool(pool);
	set_writable((unsigned long)p + PAGE_SIZE, true);
	KT_TRUE(line_in(AUDIT, "bad 1\n"));
	KT_TRUE(line_in(AUDIT, "pool broken 1\n"));
	set_writable((unsigned long)p + PAGE_SIZE, false);
	KT_TRUE(line_in(AUDIT, "bad 0\n"));
	pmalloc_destroy_pool(pool);
}

static void audit_sees_the_direct_map(void)
{
	struct pmalloc_pool *pool =
		pmalloc_create_named_pool("aliased", 0, -1, PMALLOC_MODE_WR);
	u8 *p;

	KT_NEED(pool);
	p = pmalloc(pool, PAGE_SIZE);
	KT_NEED(p);
	pmalloc_protect_pool(pool);
	if (full_protection()) {
		set_writable((unsigned long)direct_map(p), true);
		KT_TRUE(line_in(AUDIT, "pool aliased 1\n"));
		KT_TRUE(!line_in(AUDIT, "bad 0\n"));
		set_writable((unsigned long)direct_map(p), false);
	}
	KT_TRUE(line_in(AUDIT, "bad 0\n"));
	pmalloc_destroy_pool(pool);
}

static void audit_sees_metadata(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();

	KT_NEED(pool);
	set_writable((unsigned long)pool, true);
	KT_TRUE(line_in(AUDIT, "metadata 1\n"));
	set_writable((unsigned long)pool, false);
	KT_TRUE(line_in(AUDIT, "bad 0\n"));
	pmalloc_destroy_pool(pool);
}

const struct kt_test audit_tests[] = {
	KT_TEST(audit_finds_nothing_wrong),
	KT_TEST(audit_names_a_broken_area),
	KT_TEST(audit_sees_the_direct_map),
	KT_TEST(audit_sees_metadata),
	{}
};
