/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of pmalloc_test.ko share. */
#ifndef _PMALLOC_TEST_H
#define _PMALLOC_TEST_H

#include <linux/mm.h>
#include <linux/pmalloc.h>
#include <linux/sizes.h>

#include "../lib/ktest.h"

#define PMALLOC_SYSFS "/sys/kernel/rsbac_mem/pmalloc/"

extern const struct kt_test pools_tests[];
extern const struct kt_test modes_tests[];
extern const struct kt_test attacks_tests[];
extern const struct kt_test write_rare_tests[];
extern const struct kt_test atomics_tests[];
extern const struct kt_test beyond_tests[];
extern const struct kt_test audit_tests[];
extern const struct kt_test many_tests[];

/* Whether writing this word to @p faults. */
bool write_faults(void *p, u64 value);

/* Likewise, by the processor's own instructions for such things. */
bool memset_faults(void *p, int c, size_t size);
bool memcpy_faults(void *p, const void *from, size_t size);
bool atomic_faults(void *p, u64 value);

/* Whether reading a word at @p faults. */
bool read_faults(const void *p);

/* The same memory in the kernel's direct map. */
void *direct_map(const void *p);

/* Whether a file has a line that starts so; "\n" at the end means all of it. */
bool line_in(const char *path, const char *start);

/* Whether this load protects the direct map, too. */
bool full_protection(void);

/* A figure of a pool, by the pool's name; and one of all pools. */
u64 pool_figure(const char *pool, const char *figure);
u64 figure(const char *name);

/* Whether a file of a pool has just this line. */
bool pool_says(const char *pool, const char *file, const char *line);

#endif /* _PMALLOC_TEST_H */
