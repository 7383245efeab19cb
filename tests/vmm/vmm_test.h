/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of vmm_test share. */
#ifndef _VMM_TEST_H
#define _VMM_TEST_H

#include <linux/file.h>
#include <linux/mm.h>
#include <coresrv/vmm/vmm_api.h>
#include <kos/alloc.h>

#include "../lib/ktest.h"

#define R	VMM_FLAG_READ
#define RW	(VMM_FLAG_READ | VMM_FLAG_WRITE)
#define RX	(VMM_FLAG_READ | VMM_FLAG_EXECUTE)
#define RWX	VMM_FLAG_RWX_MASK
#define RESERVE	VMM_FLAG_RESERVE
#define COMMIT	(VMM_FLAG_RESERVE | VMM_FLAG_COMMIT)
#define LOCKED	(VMM_FLAG_RESERVE | VMM_FLAG_COMMIT | VMM_FLAG_LOCKED)

#define SYSFS "/sys/kernel/rsbac_mem/vmm/"

/* How the page table has an address. */
enum seen { NOTHING, SEEN_R = R, SEEN_RW = RW, SEEN_RX = RX, SEEN_RWX = RWX };

/* The rights that the page table gives for @addr, NOTHING where unmapped. */
int seen(const void *addr);

/* The same for the direct map's view of the page that is mapped at @addr. */
int seen_direct(const void *addr);

/*
 * Whether page tables have @addr cached like that (VMM_FLAG_WRITE_BACK ...) in
 * both views. Kernels without PAT have one way for two of the modes.
 */
bool is_cached(const void *addr, int mode);

/* Whether the processor lets us; the fault is caught. */
bool can_read(const void *addr);
bool can_write(void *addr);

/* A number in our folder of sysfs. */
u64 figure(const char *name);

/* Fails unless each of the pages is seen with these rights, in both views. */
void expect_pages(const void *addr, size_t pages, int prot);

extern const struct kt_test seed_tests[], region_tests[], refused_tests[];
extern const struct kt_test protect_tests[], caching_tests[], kos_tests[];
extern const struct kt_test mdl_tests[], limit_tests[], random_tests[];
extern const struct kt_test deny_tests[];

#endif /* _VMM_TEST_H */
