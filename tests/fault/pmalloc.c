// SPDX-License-Identifier: GPL-2.0
/* Pools: whatever fails, what was sealed is sealed, and nothing is left. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/pmalloc.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "fault_test.h"

#define AREA	(3 * PAGE_SIZE)

static bool can_write(void *addr)
{
	u8 byte = 0;

	__put_kernel_nofault(addr, &byte, u8, fault);
	return true;
fault:
	return false;
}

static bool is_sealed(void *addr)
{
	void *other = page_address(vmalloc_to_page(addr)) + offset_in_page(addr);

	return !can_write(addr) && !can_write(other);
}

static int pool_create(void)
{
	struct pmalloc_pool *pool = pmalloc_create_pool();

	pmalloc_destroy_pool(pool);
	return pool ? 0 : -ENOMEM;
}

/* Two areas of @mode, sealed; and a third after that. */
static int fill_and_seal(u8 mode)
{
	struct pmalloc_pool *pool = pmalloc_create_custom_pool(AREA, -1, mode);
	long *first, *second;
	int ret = -ENOMEM;

	if (!pool)
		return ret;
	first = pmalloc(pool, AREA / 2);
	second = pmalloc(pool, AREA);
	pmalloc_protect_pool(pool);
	if ((first && !is_sealed(first)) || (second && !is_sealed(second)))
		ret = -EIO;
	else if (first && second && pmalloc(pool, 64))
		ret = 0;
	pmalloc_destroy_pool(pool);
	return ret;
}

static int pool_ro(void)
{
	return fill_and_seal(PMALLOC_MODE_RO);
}

static int pool_auto_ro(void)
{
	return fill_and_seal(PMALLOC_MODE_AUTO_RO);
}

static int pool_start_wr(void)
{
	return fill_and_seal(PMALLOC_MODE_START_WR);
}

/* All that makes books of its own. */
static int pool_books(void)
{
	struct pmalloc_pool *pool = pmalloc_create_named_pool(
		"fault_books", AREA, -1, PMALLOC_MODE_WR | PMALLOC_MODE_FREEABLE |
		PMALLOC_MODE_VERIFIED | PMALLOC_MODE_COOKIE);
	struct pmalloc_cache *cache;
	int ret = -ENOMEM;
	long value = 7;
	long *obj;
	void *one;

	if (!pool)
		return ret;
	obj = pmalloc_alloc_cookie(pool, 64, 4711);
	cache = pmalloc_cache_create(pool, 100);
	one = cache ? pmalloc_cache_alloc(cache) : NULL;
	pmalloc_protect_pool(pool);
	if (obj && (!is_sealed(obj) ||
		    !wr_memcpy_cookie(obj, 0, &value, sizeof(value), 4711) ||
		    *obj != value || pmalloc_verify_object(obj, 64)))
		ret = -EIO;
	else if (pmalloc_verify(pool) && pmalloc_verify(pool) != -ENOMEM)
		ret = -EIO;
	else if (obj && one)
		ret = 0;
	if (one)
		pmalloc_cache_free(cache, one);
	pmalloc_cache_destroy(cache);
	pmalloc_destroy_pool(pool);
	return ret;
}

const struct action pmalloc_actions[] = {
	{ "pool_create", pool_create },
	{ "pool_ro", pool_ro },
	{ "pool_auto_ro", pool_auto_ro },
	{ "pool_start_wr", pool_start_wr },
	{ "pool_books", pool_books },
	{}
};
