// SPDX-License-Identifier: GPL-2.0
/* Regions: a call that fails has changed nothing. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <coresrv/vmm/vmm_api.h>
#include <kos/alloc.h>

#include "fault_test.h"

#define SIZE	(32 * PAGE_SIZE)
#define RW	(VMM_FLAG_READ | VMM_FLAG_WRITE)

static int errno_of(Retcode rc)
{
	switch (rc) {
	case rcOk:
		return 0;
	case rcNoMemory:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int allocate(int flags)
{
	void *base;
	int err = errno_of(KnVmTryAllocate(RTL_NULL, SIZE, flags | RW, &base));

	if (!err)
		err = errno_of(KnVmUnmap(base, SIZE));
	return err;
}

static int reserve(void)
{
	return allocate(VMM_FLAG_RESERVE | VMM_FLAG_LOW_GUARD | VMM_FLAG_HIGH_GUARD);
}

static int commit_locked(void)
{
	return allocate(VMM_FLAG_RESERVE | VMM_FLAG_COMMIT | VMM_FLAG_LOCKED);
}

static int uncached(void)
{
	return allocate(VMM_FLAG_RESERVE | VMM_FLAG_COMMIT | VMM_FLAG_CACHE_DISABLE);
}

/* All pages of the region in @state, with @protection? */
static bool is(char *base, size_t size, int state, int protection)
{
	struct VmmInfo info;

	return KnVmQuery(base, &info) == rcOk && info.state == state &&
	       info.protection == protection && info.runBase == base &&
	       info.runSize == size;
}

/* Pages in the middle, so that what is known of the region splits. */
static int in_the_middle(char *base)
{
	char *middle = base + 8 * PAGE_SIZE;
	size_t size = 8 * PAGE_SIZE;
	int err = errno_of(KnVmCommit(middle, size, 0));

	if (err)
		return is(base, SIZE, VMM_PAGE_RESERVED, RW) ? err : -EIO;
	memset(middle, 1, size);
	err = errno_of(KnVmProtect(middle + PAGE_SIZE, PAGE_SIZE, VMM_FLAG_READ));
	if (err)
		return is(middle, size, VMM_PAGE_COMMITTED, RW) ? err : -EIO;
	err = errno_of(KnVmDecommit(middle + 4 * PAGE_SIZE, PAGE_SIZE));
	if (err && !is(middle + 2 * PAGE_SIZE, 6 * PAGE_SIZE, VMM_PAGE_COMMITTED, RW))
		return -EIO;
	return err;
}

static int commit_protect(void)
{
	void *base;
	int err = errno_of(KnVmTryAllocate(RTL_NULL, SIZE, VMM_FLAG_RESERVE | RW, &base));

	if (err)
		return err;
	err = in_the_middle(base);
	if (KnVmUnmap(base, SIZE) != rcOk)
		return -EIO;
	return err;
}

static int mdl_views(Handle mdl)
{
	Handle clone;
	void *view;
	int err = errno_of(KnPmmMdlMap(mdl, 0, SIZE, RTL_NULL, VMM_FLAG_READ, &view));

	if (err)
		return err;
	err = errno_of(KnPmmMdlClone(mdl, VMM_FLAG_READ, &clone));
	if (!err)
		err = errno_of(KnHandleClose(clone));
	if (KnVmUnmap(view, SIZE) != rcOk)
		return -EIO;
	return err;
}

static int mdl(void)
{
	Handle mdl;
	int err = errno_of(KnPmmMdlCreate(SIZE, RW, &mdl));

	if (err)
		return err;
	err = mdl_views(mdl);
	if (KnHandleClose(mdl) != rcOk)
		return -EIO;
	return err;
}

static int mdl_of_buffer(void)
{
	static const char text[] = "text";
	Handle mdl;
	int err = errno_of(KnPmmMdlCreateFromBuf(text, sizeof(text), RW, &mdl));

	if (!err)
		err = errno_of(KnHandleClose(mdl));
	return err;
}

static int kos_alloc(void)
{
	void *small = KosMemAlloc(100);
	void *large = KosMemAllocEx(100000, 8192, 1);

	KosMemFree(small);
	KosMemFree(large);
	return small && large ? 0 : -ENOMEM;
}

const struct action vmm_actions[] = {
	{ "reserve", reserve },
	{ "commit_locked", commit_locked },
	{ "uncached", uncached },
	{ "commit_protect", commit_protect },
	{ "mdl", mdl },
	{ "mdl_of_buffer", mdl_of_buffer },
	{ "kos_alloc", kos_alloc },
	{}
};
