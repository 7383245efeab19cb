// SPDX-License-Identifier: GPL-2.0
/* The atomic write-rare calls on 8 to 64 bits. */
#include "pmalloc_test.h"

static struct pmalloc_pool *pool;

#define WIDTH(type)							\
static void width_##type(void)						\
{									\
	type *p, old = 0;						\
									\
	pool = pmalloc_create_pool(PMALLOC_MODE_START_WR);		\
	KT_NEED(pool);							\
	p = pmalloc(pool, 2 * sizeof(type));				\
	KT_NEED(p);							\
	KT_TRUE(wr_add(p, 100) && *p == 100);				\
	KT_TRUE(wr_sub(p, 99) && *p == 1);				\
	KT_TRUE(wr_dec(p) && *p == 0);					\
	KT_TRUE(wr_dec(p) && *p == (type)-1);				\
	KT_TRUE(wr_inc(p) && *p == 0);					\
	KT_TRUE(wr_or(p, 0x55) && *p == 0x55);				\
	KT_TRUE(wr_and(p, 0x0f) && *p == 0x05);				\
	KT_TRUE(wr_xor(p, 0x06) && *p == 0x03);				\
	KT_TRUE(wr_xchg(p, 9, &old) && *p == 9 && old == 3);		\
	old = 8;							\
	KT_TRUE(!wr_cmpxchg(p, &old, 7) && *p == 9 && old == 9);	\
	KT_TRUE(wr_cmpxchg(p, &old, 7) && *p == 7 && old == 9);		\
	old = (type)-1;							\
	KT_TRUE(wr_xchg(p, (type)-1, NULL) && *p == (type)-1);		\
	KT_TRUE(wr_cmpxchg(p, &old, 0) && *p == 0);			\
	KT_EQ(p[1], 0);							\
	pmalloc_destroy_pool(pool);					\
}

WIDTH(u8)
WIDTH(u16)
WIDTH(u32)
WIDTH(u64)
WIDTH(s8)
WIDTH(s32)

static void atomic_on_wrong_targets(void)
{
	struct pmalloc_pool *ro = pmalloc_create_pool();
	u64 *p, *q;

	pool = pmalloc_create_pool(PMALLOC_MODE_WR);
	p = pmalloc(pool, 16);
	q = pmalloc(ro, 8);
	KT_NEED(p && q);
	pmalloc_protect_pool(pool);
	pmalloc_protect_pool(ro);
	kt_log("wr_atomic: .* is not aligned for that, nothing was written");
	KT_TRUE(!wr_inc((u64 *)((u8 *)p + 4)));
	kt_log("wr_atomic: .* is not in a write-rare pool, nothing was written \\(caller atomic_on_wrong_targets");
	KT_TRUE(!wr_inc(q));
	KT_TRUE(*p == 0 && *q == 0);
	pmalloc_destroy_pool(pool);
	pmalloc_destroy_pool(ro);
	pool = NULL;
}

const struct kt_test atomics_tests[] = {
	KT_TEST(width_u8),
	KT_TEST(width_u16),
	KT_TEST(width_u32),
	KT_TEST(width_u64),
	KT_TEST(width_s8),
	KT_TEST(width_s32),
	KT_TEST(atomic_on_wrong_targets),
	{}
};
