/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of rkmem_test.ko share. */
#ifndef _RKMEM_TEST_H
#define _RKMEM_TEST_H

#include <linux/gfp.h>
#include <linux/sizes.h>
#include <rsbac/rkmem.h>

#include "../lib/ktest.h"

extern const struct kt_test sizes_tests[];
extern const struct kt_test contexts_tests[];
extern const struct kt_test vkmalloc_tests[];
extern const struct kt_test slabs_tests[];
extern const struct kt_test wrong_tests[];
extern const struct kt_test figures_tests[];
extern const struct kt_test random_tests[];

/* The sizes of the size classes, ascending, ends with 0. */
extern const size_t class_sizes[];

/* The smallest class that holds @size; 0 where none does. */
size_t class_of(size_t size);

/* Each byte of @p is filled with, or has, what @seed says for its place. */
void fill(void *p, size_t size, u32 seed);
bool filled(const void *p, size_t size, u32 seed);

/* A figure of a slab, or of the errors. */
u64 slab_figure(const char *slab, const char *figure);
u64 errors(const char *kind);

/*
 * While watching, the kernel's own tracepoint tells with which flags, and from
 * which cache, each object was allocated.
 */
int watch_start(void);
void watch_stop(void);
bool watched(const void *p, gfp_t *gfp, struct kmem_cache **cache);

#endif /* _RKMEM_TEST_H */
