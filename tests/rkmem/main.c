// SPDX-License-Identifier: GPL-2.0
/* rkmem_test: every promise of <rsbac/rkmem.h>, kept or not. */
#define KTEST_MAIN
#include "rkmem_test.h"

static const struct kt_test *const groups[] = {
	sizes_tests,
	contexts_tests,
	vkmalloc_tests,
	slabs_tests,
	wrong_tests,
	figures_tests,
	random_tests,
	NULL
};

KTEST_MODULE(groups);
