// SPDX-License-Identifier: GPL-2.0
/* What goes beyond prmem: freeing, caches, cookies, ownership, digests. */
#include <linux/vmalloc.h>

#include "pmalloc_test.h"

static struct pmalloc_pool *pool;

static bool begin(u8 mode)
{
	pool = pmalloc_create_named_pool("beyond", 0, -1, mode);
	return KT_NOT_NULL(pool);
}

static void end(void)
{
	pmalloc_destroy_pool(pool);
	pool = NULL;
}

static void freed_objects_are_zeroed_and_reused(void)
{
	u64 *a, *b, *c;

	if (!begin(PMALLOC_MODE_RO | PMALLOC_MODE_FREEABLE))
		return;
	a = pmalloc(pool, 64);
	b = pmalloc(pool, 64);
	KT_NEED(a && b);
	memset(a, 0xff, 64);
	memset(b, 0xee, 64);
	pfree(pool, a);
	KT_NULL(memchr_inv(a, 0, 64));
	KT_EQ(*b, 0xeeeeeeeeeeeeeeeeULL);
	c = pmalloc(pool, 32);
	KT_TRUE(c && c != a);
	c = pmalloc(pool, 64);
	KT_TRUE(c == a);
	KT_EQ(pool_figure("beyond", "used"), 160);
	pfree(pool, NULL);
	end();
}

static void a_sealed_area_goes_with_its_last_object(void)
{
	u64 *a, *b, *c;

	if (!begin(PMALLOC_MODE_RO | PMALLOC_MODE_FREEABLE))
		return;
	a = pmalloc(pool, 64);
	b = pmalloc(pool, 64);
	KT_NEED(a && b);
	memset(a, 0xff, 64);
	pmalloc_protect_pool(pool);
	c = pmalloc(pool, 64);
	KT_EQ(pool_figure("beyond", "areas"), 2);
	pfree(pool, a);
	KT_NULL(memchr_inv(a, 0, 64));
	KT_TRUE(write_faults(a, 1));
	pfree(pool, b);
	KT_TRUE(read_faults(a));
	KT_EQ(pool_figure("beyond", "areas"), 1);
	KT_TRUE(c && !write_faults(c, 1));
	end();
}

static void write_rare_objects_are_reused(void)
{
	u64 *a, *b;

	if (!begin(PMALLOC_MODE_START_WR | PMALLOC_MODE_FREEABLE))
		return;
	a = pmalloc(pool, 64);
	b = pmalloc(pool, 64);
	KT_NEED(a && b && wr_memset(a, 1, 64));
	pfree(pool, a);
	KT_EQ(*a, 0);
	KT_TRUE(pmalloc(pool, 64) == a);
	KT_TRUE(wr_memset(a, 1, 64));
	end();
}

static void frees_that_are_wrong(void)
{
	u64 refused, *a, *b, on_stack[4] = {};
	int i;

	if (!begin(PMALLOC_MODE_RO | PMALLOC_MODE_FREEABLE))
		return;
	refused = figure("refused");
	a = pmalloc(pool, 64);
	b = pmalloc(pool, 64);
	KT_NEED(a && b);
	*a = 1;
	kt_log("pfree: .* is not an object of this pool \\(caller frees_that_are_wrong");
	pfree(pool, b);
	for_in_one_place(i, 5) {
		const void *wrong[] = { a + 1, a + 2, on_stack + 2, pool, b };

		pfree(pool, wrong[i]);
	}
	KT_EQ(*a, 1);
	KT_EQ(figure("refused"), refused + 5);
	KT_EQ(pool_figure("beyond", "used"), 64);
	end();

	if (!begin(PMALLOC_MODE_RO))
		return;
	a = pmalloc(pool, 64);
	kt_log("pfree: .* is in a pool that was not created for that");
	pfree(pool, a);
	KT_TRUE(!write_faults(a, 1));
	end();
}

static void caches_in_a_pool(void)
{
	struct pmalloc_cache *cache;
	u64 *a, *b, *other;

	if (!begin(PMALLOC_MODE_START_WR | PMALLOC_MODE_FREEABLE))
		return;
	KT_NULL(pmalloc_cache_create(pool, 0));
	cache = pmalloc_cache_create(pool, 48);
	KT_NEED(cache);
	a = pmalloc_cache_alloc(cache);
	b = pmalloc_cache_alloc(cache);
	other = pmalloc(pool, 56);
	KT_NEED(a && b && other);
	KT_TRUE(wr_memset(a, 1, 48));
	KT_TRUE(pmalloc_require(pool, a, 48));
	pmalloc_cache_free(cache, a);
	KT_NULL(memchr_inv(a, 0, 48));
	kt_log("pmalloc_cache_free: .* is not an object of this pool");
	pmalloc_cache_free(cache, other);
	KT_TRUE(pmalloc_cache_alloc(cache) == a);
	KT_TRUE(memset_faults(cache, 0, 16));
	end();
	kt_log("pmalloc: pmalloc_cache_free: .* is not a pool");
	pmalloc_cache_free(cache, b);
	KT_NULL(pmalloc_cache_alloc(cache));
	pmalloc_cache_destroy(cache);
	kt_log("pmalloc_cache_destroy: .* is not a pool");
	pmalloc_cache_destroy(cache);
}

static void cookies_open_objects(void)
{
	const u64 cookie = 0x0123456789abcdefULL;
	u64 *a, *b;
	int i;

	if (!begin(PMALLOC_MODE_WR | PMALLOC_MODE_COOKIE))
		return;
	a = pmalloc_alloc_cookie(pool, 64, cookie);
	b = pmalloc(pool, 64);
	KT_NEED(a && b);
	pmalloc_protect_pool(pool);
	KT_TRUE(wr_memset_cookie(a, 8, 1, 8, cookie));
	KT_EQ(a[1], 0x0101010101010101ULL);
	KT_TRUE(wr_memcpy_cookie(a, 56, &cookie, 8, cookie));
	KT_EQ(a[7], cookie);
	KT_TRUE(wr_memset_cookie(b, 0, 2, 64, 0));

	kt_log("wr_memset_cookie: .* was given the wrong cookie, nothing was written");
	KT_TRUE(!wr_memset_cookie(a, 0, 3, 8, cookie + 1));
	kt_log("wr_memset: .* was given the wrong cookie, nothing was written");
	KT_TRUE(!wr_memset(a, 3, 8));
	kt_log("wr_memcpy_cookie: .* was given the wrong cookie");
	for_in_one_place(i, 5) {
		const u64 *wrong[] = { b, b + 2, a - 2, a - 1, b - 2 };

		KT_TRUE(!wr_memcpy_cookie(wrong[i], (u8 *)a - (u8 *)wrong[i],
					  &cookie, 8, cookie));
	}
	/* Past the end of the object, and where the sum overflows. */
	kt_log("wr_memset_cookie: .* is not in a write-rare pool");
	for_in_one_place(i, 5) {
		size_t offset[] = { 57, 64, 8, SIZE_MAX - 4, -8L };
		size_t size[] = { 8, 1, SIZE_MAX - 4, 8, 8 };

		KT_TRUE(!wr_memset_cookie(a, offset[i], 3, size[i], cookie));
	}
	KT_TRUE(a[0] == 0 && a[7] == cookie);
	end();
}

static void who_owns_what(void)
{
	struct pmalloc_pool *other = pmalloc_create_pool();
	u64 *a, *b;
	int i;

	if (!begin(PMALLOC_MODE_RO))
		return;
	a = pmalloc(pool, 64);
	b = pmalloc(other, 64);
	KT_NEED(a && b);
	KT_TRUE(pmalloc_require(pool, a, 64));
	pmalloc_protect_pool(pool);
	KT_TRUE(pmalloc_require(pool, a, 64));
	KT_TRUE(pmalloc_require(pool, a + 1, 8));
	kt_log("pmalloc_require: .* is not memory of this pool \\(caller who_owns_what");
	for_in_one_place(i, 5) {
		/* The fourth was given up by the seal. */
		const void *wrong[] = { b, a, a, a - 1, &a };
		size_t size[] = { 64, 65, SIZE_MAX, 8, 8 };

		KT_TRUE(!pmalloc_require(pool, wrong[i], size[i]));
	}
	KT_TRUE(is_pmalloc_object(a, 64) && is_pmalloc_object(b, 64));
	KT_TRUE(!is_pmalloc_object(&a, 8));
	end();
	pmalloc_destroy_pool(other);
}

/* As a device would, or a bit that flips: past the page tables of the pool. */
static void damage(void *p, u8 xor)
{
	struct page *page = vmalloc_to_page(p);
	u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);

	if (KT_NOT_NULL(alias))
		alias[offset_in_page(p)] ^= xor;
	vunmap(alias);
}

static void damage_is_told(void)
{
	u64 *a, *b, i;

	if (!begin(PMALLOC_MODE_WR | PMALLOC_MODE_VERIFIED))
		return;
	a = pmalloc(pool, 3 * PAGE_SIZE);
	b = pmalloc(pool, 64);
	KT_NEED(a && b);
	for (i = 0; i < 3 * PAGE_SIZE / 8; i++)
		a[i] = i;
	pmalloc_protect_pool(pool);
	KT_EQ(pmalloc_verify(pool), 0);
	KT_TRUE(wr_memset((u8 *)a + PAGE_SIZE - 77, 5, PAGE_SIZE + 99));
	KT_TRUE(wr_ulonglong((unsigned long long *)b, 1) && wr_inc(b));
	KT_EQ(pmalloc_verify(pool), 0);
	KT_EQ(pmalloc_verify_object(a, 3 * PAGE_SIZE), 0);

	damage((u8 *)a + PAGE_SIZE + 1234, 0x10);
	KT_EQ(pmalloc_verify(pool), -EBADMSG);
	KT_EQ(pmalloc_verify_object(a, 3 * PAGE_SIZE), -EBADMSG);
	KT_EQ(pmalloc_verify_object(a, 8), 0);
	KT_EQ(pmalloc_verify_object(b, 8), 0);
	/* Writing beside the damage, or over it, does not hide it. */
	KT_TRUE(wr_memset((u8 *)a + PAGE_SIZE, 6, PAGE_SIZE));
	KT_EQ(pmalloc_verify(pool), -EBADMSG);
	end();

	if (!begin(PMALLOC_MODE_WR))
		return;
	a = pmalloc(pool, 8);
	pmalloc_protect_pool(pool);
	KT_EQ(pmalloc_verify(pool), -EOPNOTSUPP);
	KT_EQ(pmalloc_verify_object(a, 8), -EOPNOTSUPP);
	KT_EQ(pmalloc_verify_object(&a, 8), -EINVAL);
	KT_EQ(pmalloc_verify_object(a, SIZE_MAX), -EINVAL);
	end();
}

const struct kt_test beyond_tests[] = {
	KT_TEST(freed_objects_are_zeroed_and_reused),
	KT_TEST(a_sealed_area_goes_with_its_last_object),
	KT_TEST(write_rare_objects_are_reused),
	KT_TEST(frees_that_are_wrong),
	KT_TEST(caches_in_a_pool),
	KT_TEST(cookies_open_objects),
	KT_TEST(who_owns_what),
	KT_TEST(damage_is_told),
	{}
};
