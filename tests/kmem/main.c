// SPDX-License-Identifier: GPL-2.0
/* kmem_test: what becomes of objects of marked caches, whichever way they go. */
#define KTEST_MAIN
#include "kmem_test.h"

static const struct kt_test *const groups[] = {
	paths_tests,
	limits_tests,
	explicit_tests,
	load_tests,
	NULL
};

KTEST_MODULE(groups);
