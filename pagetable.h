/* SPDX-License-Identifier: GPL-2.0 */
/* The prototypes of pagetable.c, for the compiler's own checks. */
#ifndef _RSBAC_MEM_PAGETABLE_H
#define _RSBAC_MEM_PAGETABLE_H

#include <linux/pgtable.h>
#include <linux/types.h>

bool rsbac_mem_pt_usable(void);
pte_t *rsbac_mem_pt_lookup(unsigned long addr, unsigned int *shift);
unsigned long rsbac_mem_pt_flags(const pte_t *pte, unsigned int shift,
				 unsigned long *pfn);
void rsbac_mem_pt_map(pte_t *pte, unsigned long pfn, bool writable);
void rsbac_mem_pt_protect(pte_t *pte, bool writable);
void rsbac_mem_pt_clear(pte_t *pte);
void rsbac_mem_pt_flush_everywhere(unsigned long start, unsigned long end);

#endif /* _RSBAC_MEM_PAGETABLE_H */
