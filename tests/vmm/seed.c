// SPDX-License-Identifier: GPL-2.0
/*
 * The example of the KasperskyOS manual, with its own words: only the type of
 * coredump and the value of vmaSize are ours.
 */
#include <coresrv/vmm/vmm_api.h>
#include <vmm/flags.h>

#include "vmm_test.h"

struct coredump {
	char *base;
};

static void manual_example(void)
{
	struct coredump storage, *coredump = &storage;
	rtl_size_t vmaSize = 16 * PAGE_SIZE;
	rtl_size_t n;

	coredump->base = KnVmAllocate(RTL_NULL, vmaSize,
				      VMM_FLAG_READ | VMM_FLAG_RESERVE |
				      VMM_FLAG_WRITE | VMM_FLAG_COMMIT |
				      VMM_FLAG_LOCKED);

	KT_NEED(coredump->base != RTL_NULL);
	KT_TRUE(!memchr_inv(coredump->base, 0, vmaSize));
	for (n = 0; n < vmaSize; n++)
		coredump->base[n] = n * 7;
	for (n = 0; n < vmaSize; n++)
		KT_NEED(coredump->base[n] == (char)(n * 7));
	KT_EQ(KnVmProtect(coredump->base, vmaSize, VMM_FLAG_READ), rcOk);
	KT_TRUE(!can_write(coredump->base));
	KT_EQ(KnVmUnmap(coredump->base, vmaSize), rcOk);
}

const struct kt_test seed_tests[] = {
	KT_TEST(manual_example),
	{}
};
