// SPDX-License-Identifier: GPL-2.0
/* vmm_test: every promise of <coresrv/vmm/vmm_api.h>, kept or not. */
#define KTEST_MAIN
#include "vmm_test.h"

static const struct kt_test *const groups[] = {
	seed_tests,
	region_tests,
	refused_tests,
	protect_tests,
	caching_tests,
	kos_tests,
	mdl_tests,
	limit_tests,
	random_tests,
	NULL
};

KTEST_MODULE(groups);
