/* SPDX-License-Identifier: GPL-2.0 */
/* The prototypes of pmalloc_window.c; pmalloc/window.rs has the same struct. */
#ifndef _RSBAC_MEM_PMALLOC_WINDOW_H
#define _RSBAC_MEM_PMALLOC_WINDOW_H

#include <linux/siphash.h>
#include <linux/spinlock_types.h>
#include <linux/types.h>

/* What one CPU writes through. */
struct rsbac_mem_window {
	unsigned long cr3;	/* to load: the root, address space 0, flushing */
	unsigned long keep;	/* to set in the old one when it is loaded again */
	unsigned long *entry;	/* maps @addr in this root alone */
	unsigned long prot;	/* of an entry that maps something */
	unsigned long addr;
	void *root;
	void *tables[4];
	unsigned long nr_tables;
};

int rsbac_mem_window_create(struct rsbac_mem_window *window);
void rsbac_mem_window_destroy(struct rsbac_mem_window *window);
unsigned long rsbac_mem_alloc_frames(unsigned int order);
void *rsbac_mem_arena_reserve(unsigned long pages);

unsigned long rsbac_mem_irq_save(void);
void rsbac_mem_irq_restore(unsigned long flags);
void rsbac_mem_raw_lock_init(raw_spinlock_t *lock);
unsigned long rsbac_mem_raw_lock(raw_spinlock_t *lock);
void rsbac_mem_raw_unlock(raw_spinlock_t *lock, unsigned long flags);
bool rsbac_mem_in_nmi(void);
u64 rsbac_mem_siphash(const void *data, size_t len, const siphash_key_t *key);

#endif /* _RSBAC_MEM_PMALLOC_WINDOW_H */
