// SPDX-License-Identifier: GPL-2.0
/*
 * What regions cost beside the kernel's own calls. Loading the module prints
 * a line for each figure to the kernel's log:
 *
 *	vmm_bench: NAME OURS KERNEL-OWN RATIO-IN-PERCENT
 *
 * in nanoseconds (instructions under tools/vm --icount), the median of some
 * rounds in which both took turns. Loading always fails, so that it can be
 * loaded again.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/static_call.h>
#include <linux/kprobes.h>
#include <linux/vmalloc.h>

#include <coresrv/vmm/vmm_api.h>

#define RW (VMM_FLAG_READ | VMM_FLAG_WRITE)
#define LOCKED (VMM_FLAG_RESERVE | VMM_FLAG_COMMIT | VMM_FLAG_LOCKED)

enum { ROUNDS = 25 };

static u64 ours[ROUNDS], theirs[ROUNDS];

static int ascending(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 median(u64 *of)
{
	sort(of, ROUNDS, sizeof(*of), ascending, NULL);
	return of[ROUNDS / 2];
}

static void print(const char *name, size_t n)
{
	u64 a = median(ours), b = median(theirs);

	pr_info("vmm_bench: %s-%zu %llu %llu %llu\n", name, n, a, b,
		b ? div64_u64(a * 100, b) : 0);
}

typedef int set_memory_t(unsigned long addr, int numpages);
DEFINE_STATIC_CALL_NULL(vmm_bench_ro, set_memory_t);
DEFINE_STATIC_CALL_NULL(vmm_bench_rw, set_memory_t);

static bool find(const char *name, unsigned long *addr)
{
	struct kprobe probe = { .symbol_name = name };

	if (register_kprobe(&probe))
		return false;
	*addr = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return true;
}

/* KnVmCommit() of a reserved range beside vmalloc(): memory and mapping. */
static void commit(size_t pages)
{
	size_t size = pages * PAGE_SIZE;
	int n;

	for (n = 0; n < ROUNDS; n++) {
		void *base = KnVmAllocate(NULL, size, VMM_FLAG_RESERVE | RW);
		u64 start = ktime_get_ns();
		void *p;

		KnVmCommit(base, size, VMM_FLAG_LOCKED);
		ours[n] = ktime_get_ns() - start;
		KnVmUnmap(base, size);
		start = ktime_get_ns();
		p = vmalloc(size);
		theirs[n] = ktime_get_ns() - start;
		vfree(p);
	}
	print("commit-vmalloc", pages);
}

/* The whole way there and back. */
static void pair(size_t pages)
{
	size_t size = pages * PAGE_SIZE;
	int n;

	for (n = 0; n < ROUNDS; n++) {
		u64 start = ktime_get_ns();
		void *p = KnVmAllocate(NULL, size, LOCKED | RW);

		ours[n] = ktime_get_ns() - start;
		KnVmUnmap(p, size);
		start = ktime_get_ns();
		p = vmalloc(size);
		theirs[n] = ktime_get_ns() - start;
		vfree(p);
	}
	print("allocate-vmalloc", pages);
}

static void reserve(void)
{
	int n;

	for (n = 0; n < ROUNDS; n++) {
		u64 start = ktime_get_ns();
		void *p = KnVmAllocate(NULL, 1UL << 30, VMM_FLAG_RESERVE | RW);

		ours[n] = ktime_get_ns() - start;
		KnVmUnmap(p, 1UL << 30);
		start = ktime_get_ns();
		p = KnVmAllocate(NULL, PAGE_SIZE, VMM_FLAG_RESERVE | RW);
		theirs[n] = ktime_get_ns() - start;
		KnVmUnmap(p, PAGE_SIZE);
	}
	print("reserve-1GiB-4KiB", 1);
}

static void protect(size_t pages, bool back)
{
	size_t size = pages * PAGE_SIZE;
	void *base = KnVmAllocate(NULL, size, LOCKED | RW);
	void *area = vmalloc(size);
	int n;

	for (n = 0; n < ROUNDS; n++) {
		u64 start = ktime_get_ns();

		KnVmProtect(base, size, VMM_FLAG_READ);
		if (back)
			start = ktime_get_ns();
		else
			ours[n] = ktime_get_ns() - start;
		KnVmProtect(base, size, RW);
		if (back)
			ours[n] = ktime_get_ns() - start;
		start = ktime_get_ns();
		static_call(vmm_bench_ro)((unsigned long)area, pages);
		if (back)
			start = ktime_get_ns();
		else
			theirs[n] = ktime_get_ns() - start;
		static_call(vmm_bench_rw)((unsigned long)area, pages);
		if (back)
			theirs[n] = ktime_get_ns() - start;
	}
	print(back ? "protect-set_memory_rw" : "protect-set_memory_ro", pages);
	KnVmUnmap(base, size);
	vfree(area);
}

/* Pages that lie all over the direct map. */
static void protect_scattered(void)
{
	size_t pages = 512, size = pages * PAGE_SIZE, k;
	struct page **list = kcalloc(pages, sizeof(*list), GFP_KERNEL);
	char *base = KnVmAllocate(NULL, size, VMM_FLAG_RESERVE | RW);
	void *area;
	int n;

	for (k = 0; k < pages; k++) {
		size_t at = (k * 77) % pages;

		KnVmCommit(base + at * PAGE_SIZE, PAGE_SIZE, 0);
		list[at] = alloc_page(GFP_KERNEL);
	}
	area = vmap(list, pages, VM_MAP, PAGE_KERNEL);
	for (n = 0; n < ROUNDS; n++) {
		u64 start = ktime_get_ns();

		KnVmProtect(base, size, VMM_FLAG_READ);
		ours[n] = ktime_get_ns() - start;
		KnVmProtect(base, size, RW);
		start = ktime_get_ns();
		static_call(vmm_bench_ro)((unsigned long)area, pages);
		theirs[n] = ktime_get_ns() - start;
		static_call(vmm_bench_rw)((unsigned long)area, pages);
	}
	print("protect-scattered-set_memory_ro", pages);
	KnVmUnmap(base, size);
	vunmap(area);
	for (k = 0; k < pages; k++)
		__free_page(list[k]);
	kfree(list);
}

/* A query among @regions regions; beside it, nothing: the figure counts. */
static void query(size_t regions)
{
	void **bases = kvcalloc(regions, sizeof(*bases), GFP_KERNEL);
	struct VmmInfo info;
	size_t k;
	int n;

	for (k = 0; k < regions; k++)
		bases[k] = KnVmAllocate(NULL, PAGE_SIZE, VMM_FLAG_RESERVE | RW);
	for (n = 0; n < ROUNDS; n++) {
		u64 start = ktime_get_ns();
		int i;

		for (i = 0; i < 100; i++)
			KnVmQuery(bases[(i * 37 + n) % regions], &info);
		ours[n] = (ktime_get_ns() - start) / 100;
		theirs[n] = 1000;
	}
	print("query-1us-regions", regions);
	for (k = 0; k < regions; k++)
		KnVmUnmap(bases[k], PAGE_SIZE);
	kvfree(bases);
}

static int __init vmm_bench_init(void)
{
	static const size_t pages[] = { 1, 4, 16, 64, 256, 512, 1024 };
	unsigned long ro, rw;
	int n;

	for (n = 0; n < ARRAY_SIZE(pages); n++)
		commit(pages[n]);
	for (n = 0; n < ARRAY_SIZE(pages); n++)
		pair(pages[n]);
	reserve();
	query(10);
	query(1000);
	if (find("set_memory_ro", &ro) && find("set_memory_rw", &rw)) {
		static_call_update(vmm_bench_ro, (set_memory_t *)ro);
		static_call_update(vmm_bench_rw, (set_memory_t *)rw);
		protect(1, false);
		protect(512, false);
		protect(512, true);
		protect_scattered();
	}
	return -EAGAIN;
}
module_init(vmm_bench_init);

MODULE_DESCRIPTION("What regions cost");
MODULE_LICENSE("GPL");
