// SPDX-License-Identifier: GPL-2.0
/* pmalloc_test: every promise of <linux/pmalloc.h>, kept or not. */
#define KTEST_MAIN
#include "pmalloc_test.h"

static const struct kt_test *const groups[] = {
	pools_tests,
	modes_tests,
	attacks_tests,
	write_rare_tests,
	atomics_tests,
	beyond_tests,
	audit_tests,
	many_tests,
	NULL
};

KTEST_MODULE(groups);
