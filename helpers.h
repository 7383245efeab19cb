/* SPDX-License-Identifier: GPL-2.0 */
/* The prototypes of helpers.c, for the compiler's own checks. */
#ifndef _RSBAC_MEM_HELPERS_H
#define _RSBAC_MEM_HELPERS_H

#include <linux/types.h>

struct attribute;
struct kmem_cache;
struct kobject;
struct xarray;

const char *rsbac_mem_helper_version(void);
bool rsbac_mem_helper_is_ours(unsigned long addr);
gfp_t rsbac_mem_helper_context_gfp(void);
unsigned long rsbac_mem_helper_direct_map(void);
u64 rsbac_mem_helper_count(u64 __percpu *counter);
u64 rsbac_mem_helper_sum(u64 __percpu *counter);
void __percpu *rsbac_mem_helper_alloc_percpu(size_t size, size_t align);
bool rsbac_mem_helper_learn_cache_word(const void *objp,
				       const struct kmem_cache *cache);
struct kmem_cache *rsbac_mem_helper_cache_of(const void *objp);
size_t rsbac_mem_helper_slab_offset(const void *objp, size_t *bytes);
u64 rsbac_mem_helper_peek(const void *objp);
bool rsbac_mem_helper_is_vmalloc_addr(const void *addr);
struct attribute *rsbac_mem_helper_find_attr(struct kobject *kobj, const char *name);
void rsbac_mem_helper_xa_init(struct xarray *xa);
int rsbac_mem_helper_xa_store(struct xarray *xa, unsigned long index,
			      unsigned long value, gfp_t gfp);
bool rsbac_mem_helper_xa_erase(struct xarray *xa, unsigned long index, unsigned long *value);

#endif /* _RSBAC_MEM_HELPERS_H */
