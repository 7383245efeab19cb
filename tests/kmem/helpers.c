// SPDX-License-Identifier: GPL-2.0
#include <linux/file.h>
#include <linux/fs.h>

#include "kmem_test.h"

#define FIGURES "/sys/kernel/rsbac_mem/kmem_cgroup/groups/"

struct kmem_cache *km_cache;

int km_write(const char *path, const char *text)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = kernel_write(file, text, strlen(text), &pos);
	fput(file);
	return ret < 0 ? ret : 0;
}

bool km_table_has(const char *text)
{
	struct file *file = filp_open("/proc/rsbac_mem/kmem", O_RDONLY, 0);
	char *table = kvzalloc(65536, GFP_KERNEL);
	bool found = false;
	ssize_t got, at = 0;
	loff_t pos = 0;

	if (!IS_ERR(file) && table) {
		while ((got = kernel_read(file, table + at, 65535 - at, &pos)) > 0)
			at += got;
		found = strstr(table, text);
	} else {
		kt_fail("no table");
	}
	kvfree(table);
	if (!IS_ERR(file))
		fput(file);
	return found;
}

int km_mark_other(const char *cache, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/cache_account", cache);
	return km_write(path, text);
}

int km_mark(const char *text)
{
	return km_mark_other("kmem_test", text);
}

int km_max(const char *text)
{
	return km_write("/sys/kernel/config/kmem/t/max", text);
}

u64 km_t(const char *figure)
{
	char path[128];

	snprintf(path, sizeof(path), FIGURES "t/%s", figure);
	return kt_number_in(path);
}

u64 km_root(const char *figure)
{
	char path[128];

	snprintf(path, sizeof(path), FIGURES "%s", figure);
	return kt_number_in(path);
}

bool km_begin(slab_flags_t flags)
{
	struct kmem_cache_args args = {
		.use_freeptr_offset = flags & SLAB_TYPESAFE_BY_RCU,
		.freeptr_offset = OBJ - sizeof(void *),
	};

	if (!args.use_freeptr_offset)
		args.freeptr_offset = 0;
	km_cache = kmem_cache_create("kmem_test", OBJ, &args, flags | SLAB_NO_MERGE);
	if (!KT_NOT_NULL(km_cache))
		return false;
	if (KT_EQ(km_mark("1\n"), 0) & KT_EQ(km_max("max\n"), 0) &
	    KT_EQ(km_t("current"), 0) & KT_EQ(km_root("current"), 0))
		return true;
	km_end();
	return false;
}

/* Whatever a test has done: with all objects freed nothing is charged. */
void km_end(void)
{
	KT_EQ(km_t("current"), 0);
	KT_EQ(km_root("current"), 0);
	KT_EQ(km_max("max\n"), 0);
	kmem_cache_destroy(km_cache);
	km_cache = NULL;
}
