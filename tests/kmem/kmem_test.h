/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of kmem_test share. */
#ifndef _KMEM_TEST_H
#define _KMEM_TEST_H

#include <linux/slab.h>
#include "../lib/ktest.h"

#define OBJ 200		/* bytes per object of km_cache */

/* A cache of our own, marked; made anew for each test that asks for it. */
extern struct kmem_cache *km_cache;

bool km_begin(slab_flags_t flags);
void km_end(void);

/* Whether the table has this text. */
bool km_table_has(const char *text);

/* Writes @text to a file; 0 or an errno. */
int km_write(const char *path, const char *text);

/* Marks km_cache, or what else the text says; and another cache. */
int km_mark(const char *text);
int km_mark_other(const char *cache, const char *text);

/* The maximum of group "t", in which the tests run. */
int km_max(const char *text);

/* A figure of group "t", and of the root. */
u64 km_t(const char *figure);
u64 km_root(const char *figure);

extern const struct kt_test paths_tests[];
extern const struct kt_test limits_tests[];
extern const struct kt_test explicit_tests[];
extern const struct kt_test load_tests[];

#endif /* _KMEM_TEST_H */
