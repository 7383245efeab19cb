/* SPDX-License-Identifier: GPL-2.0 */
/* The trampolines of trampoline.S, and what they lead to. */
#ifndef _RSBAC_MEM_KMEM_TRAMPOLINE_H
#define _RSBAC_MEM_KMEM_TRAMPOLINE_H

#include <linux/types.h>

#if defined(CONFIG_X86_64) && defined(CONFIG_KPROBES) && \
	defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)
#define KMC_HOOKS 1
#endif

struct kmem_cache;
struct kmem_cache_args;
struct list_lru;
struct slab_sheaf;

/* Not to be called from C: they expect ftrace's return address on the stack. */
void kmc_tramp_alloc(void);
void kmc_tramp_alloc_lru(void);
void kmc_tramp_alloc_node(void);
void kmc_tramp_alloc_bulk(void);
void kmc_tramp_alloc_sheaf(void);
void kmc_tramp_create(void);
void kmc_tramp_destroy(void);
void kmc_tramp_free(void);
void kmc_tramp_free_bulk(void);
void kmc_tramp_kfree(void);
void kmc_tramp_kfree_rcu(void);

void *kmc_alloc(struct kmem_cache *s, gfp_t gfp);
void *kmc_alloc_lru(struct kmem_cache *s, struct list_lru *lru, gfp_t gfp);
void *kmc_alloc_node(struct kmem_cache *s, gfp_t gfp, int node);
void *kmc_alloc_sheaf(struct kmem_cache *s, gfp_t gfp, struct slab_sheaf *sheaf);
bool kmc_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t n, void **p);
struct kmem_cache *kmc_create(const char *name, unsigned int size,
			      struct kmem_cache_args *args, slab_flags_t flags);
void kmc_destroy(struct kmem_cache *s);
void kmc_free(const void *obj);
void kmc_free_second(const void *unused, const void *obj);
void kmc_free_bulk(const void *unused, size_t n, void **p);

/* What the quick path leaves to C. */
void kmc_given(u32 id);
void kmc_reconcile(u32 id);
void kmc_quick_full(u32 id);
void kmc_own_slow(const void *obj, u32 id, gfp_t gfp);

/* paths.c: where the kernel's own functions go on, behind ftrace's call. */
void kmc_set_alloc(unsigned long addr);
void kmc_set_lru(unsigned long addr);
void kmc_set_node(unsigned long addr);
void kmc_set_bulk(unsigned long addr);
void kmc_set_sheaf(unsigned long addr);
void kmc_set_destroy(unsigned long addr);
void kmc_set_create(unsigned long addr);
long kmc_paths_inside(void);

#endif /* _RSBAC_MEM_KMEM_TRAMPOLINE_H */
