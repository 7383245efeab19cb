// SPDX-License-Identifier: GPL-2.0
/* What several files of tests need: classes, patterns, figures, the watch. */
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <trace/events/kmem.h>

#include "rkmem_test.h"

const size_t class_sizes[] = {
	8, 16, 32, 64, 96, 128, 192, 256, 512, SZ_1K, SZ_2K, SZ_4K, SZ_8K,
	SZ_16K, SZ_32K, SZ_64K, SZ_128K, SZ_256K, SZ_512K, SZ_1M, SZ_2M, SZ_4M,
	0
};

size_t class_of(size_t size)
{
	const size_t *class = class_sizes;

	while (*class && *class < size)
		class++;
	return *class;
}

/* Words that differ from their neighbours and from object to object. */
static u64 word_at(size_t i, u32 seed)
{
	return (i + 1) * 0x9e3779b97f4a7c15ULL ^ (u64)seed << 17;
}

void fill(void *p, size_t size, u32 seed)
{
	u64 *words = p;
	u64 last = word_at(size / 8, seed);
	size_t i;

	for (i = 0; i < size / 8; i++)
		words[i] = word_at(i, seed);
	memcpy(words + i, &last, size % 8);
}

bool filled(const void *p, size_t size, u32 seed)
{
	const u64 *words = p;
	u64 last = word_at(size / 8, seed);
	size_t i;

	for (i = 0; i < size / 8; i++)
		if (words[i] != word_at(i, seed))
			return false;
	return !memcmp(words + i, &last, size % 8);
}

u64 slab_figure(const char *slab, const char *figure)
{
	char path[128];

	scnprintf(path, sizeof(path), "/sys/kernel/rsbac_mem/slabs/%s/%s",
		  slab, figure);
	return kt_number_in(path);
}

u64 errors(const char *kind)
{
	char path[128];

	scnprintf(path, sizeof(path), "/sys/kernel/rsbac_mem/errors/%s", kind);
	return kt_number_in(path);
}

/* The last allocations of the whole system, the newest at @seen_count - 1. */
#define SEEN 8192
static struct seen {
	const void *p;
	struct kmem_cache *cache;
	gfp_t gfp;
} seen[SEEN];
static atomic_t seen_count;

static void probe(void *unused, unsigned long call_site, const void *p,
		  struct kmem_cache *cache, gfp_t gfp, int node)
{
	u32 i = (u32)atomic_inc_return(&seen_count) - 1;

	seen[i % SEEN] = (struct seen) { p, cache, gfp };
}

int watch_start(void)
{
	return register_trace_kmem_cache_alloc(probe, NULL);
}

void watch_stop(void)
{
	unregister_trace_kmem_cache_alloc(probe, NULL);
	tracepoint_synchronize_unregister();
}

bool watched(const void *p, gfp_t *gfp, struct kmem_cache **cache)
{
	u32 newest = atomic_read(&seen_count);

	for (u32 back = 1; back <= min(newest, SEEN); back++) {
		const struct seen *s = &seen[(newest - back) % SEEN];

		if (s->p != p)
			continue;
		if (gfp)
			*gfp = s->gfp;
		if (cache)
			*cache = s->cache;
		return true;
	}
	return false;
}
