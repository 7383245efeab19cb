// SPDX-License-Identifier: GPL-2.0
/*
 * A model test: random calls on a few regions, and beside them an array for
 * each page that says what it must be. Each answer is predicted from the
 * arrays, page tables and contents are compared with them.
 */
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "vmm_test.h"

enum { REGIONS = 6, MAX_PAGES = 40 };

struct model_page {
	bool committed, locked;
	int prot;
	u8 byte;		/* what the whole page is filled with */
};

struct model {
	char *base;		/* NULL where there is no region */
	size_t pages;
	bool grow_down;
	struct model_page page[MAX_PAGES];
};

static struct model models[REGIONS];
static struct rnd_state rnd;

static u32 below(u32 limit)
{
	return prandom_u32_state(&rnd) % limit;
}

static int any_prot(void)
{
	static const int all[] = { R, RW, RX, RWX };

	return all[below(4)];
}

/* All bits of flags that there are, and some that there are not. */
static int any_flags(void)
{
	return prandom_u32_state(&rnd) & 0x0001ffff;
}

static bool valid_prot(int flags)
{
	return flags & VMM_FLAG_READ;
}

static void check_page(struct model *m, size_t n)
{
	const char *addr = m->base + n * PAGE_SIZE;
	const struct model_page *page = &m->page[n];
	struct VmmInfo info;

	expect_pages(addr, 1, page->committed ? page->prot : NOTHING);
	if (page->committed)
		KT_TRUE(!memchr_inv(addr, page->byte, PAGE_SIZE));
	KT_EQ(KnVmQuery(addr + below(PAGE_SIZE), &info), rcOk);
	KT_TRUE(info.base == m->base);
	KT_EQ(info.size, m->pages * PAGE_SIZE);
	KT_EQ(info.state, page->committed ? VMM_PAGE_COMMITTED : VMM_PAGE_RESERVED);
	KT_EQ(info.protection, page->prot);
	KT_EQ(info.locked, page->locked);
}

static void allocate(struct model *m)
{
	int flags = RESERVE | any_prot();
	size_t n;

	m->pages = 1 + below(MAX_PAGES);
	m->grow_down = !below(4);
	if (m->grow_down)
		flags |= VMM_FLAG_GROW_DOWN;
	if (below(2))
		flags |= below(2) ? LOCKED : COMMIT;
	if (below(2))
		flags |= VMM_FLAG_LOW_GUARD;
	if (below(2))
		flags |= VMM_FLAG_HIGH_GUARD;
	m->base = KnVmAllocate(RTL_NULL, m->pages * PAGE_SIZE, flags);
	KT_NEED(m->base);
	for (n = 0; n < m->pages; n++)
		m->page[n] = (struct model_page) {
			.committed = flags & VMM_FLAG_COMMIT,
			.locked = flags & VMM_FLAG_LOCKED,
			.prot = flags & VMM_FLAG_RWX_MASK,
		};
}

static bool all(struct model *m, size_t first, size_t pages, bool committed)
{
	size_t n;

	for (n = first; n < first + pages; n++)
		if (m->page[n].committed != committed)
			return false;
	return true;
}

static noinline void commit(struct model *m, size_t first, size_t pages)
{
	int known = VMM_FLAG_COMMIT | VMM_FLAG_LOCKED | VMM_FLAG_RWX_MASK;
	int flags = below(6) ? 0 : any_flags() & (below(2) ? known : ~0);
	Retcode want = rcOk, rc;
	size_t n, to = first + pages;

	if (!below(3))
		flags = any_prot() | (below(2) ? VMM_FLAG_LOCKED : 0);
	if (flags & ~known)
		want = rcInvalidFlags;
	else if ((flags & VMM_FLAG_RWX_MASK) && !valid_prot(flags))
		want = rcInvalidProtection;
	else if (!all(m, first, pages, false))
		want = rcCommitted;
	rc = KnVmCommit(m->base + first * PAGE_SIZE, pages * PAGE_SIZE, flags);
	KT_EQ(rc, want);
	if (rc != rcOk)
		return;
	if (m->grow_down)
		while (to < m->pages && !m->page[to].committed)
			to++;
	for (n = first; n < to; n++) {
		m->page[n].committed = true;
		m->page[n].locked = flags & VMM_FLAG_LOCKED;
		m->page[n].byte = 0;
		if (flags & VMM_FLAG_RWX_MASK)
			m->page[n].prot = flags & VMM_FLAG_RWX_MASK;
	}
}

static noinline void decommit(struct model *m, size_t first, size_t pages)
{
	Retcode want = rcOk, rc;
	size_t n;

	if (!all(m, first, pages, true))
		want = rcNotCommitted;
	else if (m->grow_down && !all(m, 0, first, false))
		want = rcGrowDown;
	rc = KnVmDecommit(m->base + first * PAGE_SIZE, pages * PAGE_SIZE);
	KT_EQ(rc, want);
	if (rc != rcOk)
		return;
	for (n = first; n < first + pages; n++) {
		m->page[n].committed = false;
		m->page[n].locked = false;
	}
}

static noinline void protect(struct model *m, size_t first, size_t pages)
{
	int flags = below(4) ? any_prot() :
		    any_flags() & (below(2) ? VMM_FLAG_RWX_MASK : ~0);
	Retcode want = rcOk, rc;
	size_t n;

	if (flags & ~VMM_FLAG_RWX_MASK)
		want = rcInvalidFlags;
	else if (!valid_prot(flags))
		want = rcInvalidProtection;
	rc = KnVmProtect(m->base + first * PAGE_SIZE, pages * PAGE_SIZE, flags);
	KT_EQ(rc, want);
	if (rc != rcOk)
		return;
	for (n = first; n < first + pages; n++)
		m->page[n].prot = flags;
}

static void fill(struct model *m, size_t first)
{
	struct model_page *page = &m->page[first];

	if (!page->committed || !(page->prot & VMM_FLAG_WRITE))
		return;
	page->byte = below(256);
	memset(m->base + first * PAGE_SIZE, page->byte, PAGE_SIZE);
}

static noinline void step(void)
{
	struct model *m = &models[below(REGIONS)];
	size_t first, pages, size;

	if (!m->base) {
		allocate(m);
		return;
	}
	first = below(m->pages);
	pages = 1 + below(m->pages - first);
	size = m->pages * PAGE_SIZE;
	switch (below(16)) {
	case 0 ... 3:
		commit(m, first, pages);
		break;
	case 4 ... 6:
		decommit(m, first, pages);
		break;
	case 7 ... 10:
		protect(m, first, pages);
		break;
	case 11 ... 13:
		fill(m, first);
		break;
	case 14:
		/* A part, or more than all, changes nothing. */
		KT_EQ(KnVmUnmap(m->base, size + PAGE_SIZE), rcNoRegion);
		break;
	default:
		if (below(4))
			break;
		KT_EQ(KnVmUnmap(m->base, size), rcOk);
		m->base = NULL;
		return;
	}
	check_page(m, first);
	check_page(m, below(m->pages));
}

/* The lines that the wrong calls leave are those of the tests before. */
static void model(void)
{
	u64 regions = figure("regions");
	u64 committed = figure("committed_bytes");
	u32 rounds = kt_loops(100000), n;
	size_t page;

	kt_log("KnVmCommit: .*: rcInvalidFlags .* commit");
	kt_log("KnVmCommit: .*: rcInvalidProtection .* commit");
	kt_log("KnVmCommit: .*: rcCommitted .* commit");
	kt_log("KnVmDecommit: .*: rcNotCommitted .* decommit");
	kt_log("KnVmDecommit: .*: rcGrowDown .* decommit");
	kt_log("KnVmProtect: .*: rcInvalidFlags .* protect");
	kt_log("KnVmProtect: .*: rcInvalidProtection .* protect");
	kt_log("KnVmUnmap: .*: rcNoRegion .* step");
	prandom_seed_state(&rnd, 20261);
	for (n = 0; n < rounds && !kt_failed(); n++) {
		step();
		cond_resched();
	}
	if (kt_failed())
		kt_note("# in round %u", n);
	for (n = 0; n < REGIONS; n++) {
		if (!models[n].base)
			continue;
		for (page = 0; page < models[n].pages; page++)
			check_page(&models[n], page);
		KT_EQ(KnVmUnmap(models[n].base, models[n].pages * PAGE_SIZE),
		      rcOk);
		models[n].base = NULL;
	}
	KT_EQ(figure("regions"), regions);
	KT_EQ(figure("committed_bytes"), committed);
}

const struct kt_test random_tests[] = {
	KT_TEST(model),
	{}
};
