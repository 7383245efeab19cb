/* SPDX-License-Identifier: GPL-2.0 */
/* The prototypes of symbols.c, for the compiler's own checks. */
#ifndef _RSBAC_MEM_SYMBOLS_H
#define _RSBAC_MEM_SYMBOLS_H

#include <linux/mm_types.h>
#include <linux/pgtable.h>
#include <linux/types.h>

struct vm_struct;

u64 rsbac_mem_symbols_find(void);
const char *rsbac_mem_symbol_name(unsigned int n);

int rsbac_mem_symbol_set_memory_ro(unsigned long addr, int numpages);
int rsbac_mem_symbol_set_memory_rw(unsigned long addr, int numpages);
int rsbac_mem_symbol_set_memory_x(unsigned long addr, int numpages);
int rsbac_mem_symbol_set_memory_nx(unsigned long addr, int numpages);
int rsbac_mem_symbol_set_memory_wb(unsigned long addr, int numpages);
int rsbac_mem_symbol_set_memory_wc(unsigned long addr, int numpages);
int rsbac_mem_symbol_set_memory_uc(unsigned long addr, int numpages);
int rsbac_mem_symbol_set_direct_map_invalid_noflush(struct page *page);
int rsbac_mem_symbol_set_direct_map_default_noflush(struct page *page);
int rsbac_mem_symbol_set_direct_map_valid_noflush(struct page *page,
						  unsigned int nr, bool valid);
void rsbac_mem_symbol_flush_tlb_kernel_range(unsigned long start,
					     unsigned long end);
struct vm_struct *rsbac_mem_symbol_get_vm_area(unsigned long size,
					       unsigned long flags);
struct vm_struct *rsbac_mem_symbol___get_vm_area_caller(
	unsigned long size, unsigned long flags, unsigned long start,
	unsigned long end, const void *caller);
int rsbac_mem_symbol__set_memory_wt(unsigned long addr, int numpages);
int rsbac_mem_symbol_vmap_pages_range(unsigned long addr, unsigned long end,
				      pgprot_t prot, struct page **pages,
				      unsigned int page_shift);
void rsbac_mem_symbol_vunmap_range(unsigned long start, unsigned long end);
void *rsbac_mem_symbol___vmalloc_node_range_noprof(unsigned long size,
						   unsigned long align,
						   unsigned long start,
						   unsigned long end, gfp_t gfp,
						   pgprot_t prot,
						   unsigned long vm_flags,
						   int node, const void *caller);

#endif /* _RSBAC_MEM_SYMBOLS_H */
