// SPDX-License-Identifier: GPL-2.0
/* Memory that its owner charges by itself. Its pairs count bytes. */
#include <linux/preempt.h>

#include "engine.h"

/* The number of the pair that is charged now, or a negative errno. */
int kmc_explicit_charge(u32 kind, size_t bytes, bool force)
{
	struct kmc_cache *cache = kmc_caches[kind];
	struct kmc_pair *pair;
	struct cgroup *cgrp;
	u32 id;

	guard(preempt)();
	id = kmc_pair_make(kmc_who(&cgrp), cache) ?: kmc_pair_make(&kmc_root, cache);
	if (!id)
		return -ENOMEM;
	pair = kmc_pair(id);
	if (!kmc_charge(pair, bytes, force))
		return -ENOMEM;
	atomic_long_inc(&pair->count);
	return id;
}

void kmc_explicit_uncharge(u32 id, size_t bytes)
{
	struct kmc_pair *pair;

	guard(preempt)();
	pair = kmc_pair(id);
	atomic_long_dec(&pair->count);
	kmc_uncharge(pair, bytes);
}

/* As kmc_explicit_charge(), for @nr pages that are given back in any portions. */
int kmc_explicit_charge_pages(size_t nr)
{
	int id = kmc_explicit_charge(KMEM_CGROUP_PAGES, nr * PAGE_SIZE, false);

	if (id > 0)
		atomic_long_add(nr - 1, &kmc_pair(id)->count);
	return id;
}

void kmc_explicit_uncharge_pages(u32 id, size_t nr)
{
	struct kmc_pair *pair;

	guard(preempt)();
	pair = kmc_pair(id);
	atomic_long_sub(nr, &pair->count);
	kmc_uncharge(pair, nr * PAGE_SIZE);
}
