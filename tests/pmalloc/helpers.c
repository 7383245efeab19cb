// SPDX-License-Identifier: GPL-2.0
/* Attacks that survive, and figures. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>

#include "pmalloc_test.h"

bool write_faults(void *p, u64 value)
{
	__put_kernel_nofault(p, &value, u64, fault);
	return false;
fault:
	return true;
}

bool read_faults(const void *p)
{
	u64 value;

	return copy_from_kernel_nofault(&value, p, sizeof(value));
}

bool memset_faults(void *p, int c, size_t size)
{
	bool faulted = true;

	asm volatile("1: rep stosb\n"
		     "   movb $0, %[faulted]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+D" (p), "+c" (size), [faulted] "+m" (faulted)
		     : "a" (c) : "memory");
	return faulted;
}

bool memcpy_faults(void *p, const void *from, size_t size)
{
	bool faulted = true;

	asm volatile("1: rep movsb\n"
		     "   movb $0, %[faulted]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+D" (p), "+S" (from), "+c" (size),
		       [faulted] "+m" (faulted) : : "memory");
	return faulted;
}

bool atomic_faults(void *p, u64 value)
{
	bool faulted = true;

	asm volatile("1: lock xaddq %[value], (%[p])\n"
		     "   movb $0, %[faulted]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "+r" (value), [faulted] "+m" (faulted)
		     : [p] "r" (p) : "memory");
	return faulted;
}

void *direct_map(const void *p)
{
	return page_address(vmalloc_to_page(p)) + offset_in_page(p);
}

bool line_in(const char *path, const char *start)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	char *text = kzalloc(SZ_4K + 1, GFP_KERNEL), *line, *rest = text;
	loff_t pos = 0;
	bool found = false;

	if (!IS_ERR(file) && text)
		kernel_read(file, text, SZ_4K, &pos);
	while (!found && rest && *rest) {
		line = rest;
		rest = strchr(line, '\n');
		rest = rest ? rest + 1 : NULL;
		found = !strncmp(line, start, strlen(start));
	}
	kfree(text);
	if (!IS_ERR(file))
		fput(file);
	return found;
}

bool full_protection(void)
{
	return line_in("/sys/kernel/rsbac_mem/features/pmalloc_direct_map",
			  "yes");
}

u64 figure(const char *name)
{
	char path[128];

	scnprintf(path, sizeof(path), PMALLOC_SYSFS "%s", name);
	return kt_number_in(path);
}

u64 pool_figure(const char *pool, const char *figure)
{
	char path[128];

	scnprintf(path, sizeof(path), PMALLOC_SYSFS "%s/%s", pool, figure);
	return kt_number_in(path);
}

bool pool_says(const char *pool, const char *file, const char *line)
{
	char path[128];

	scnprintf(path, sizeof(path), PMALLOC_SYSFS "%s/%s", pool, file);
	return line_in(path, line);
}
