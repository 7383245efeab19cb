/* SPDX-License-Identifier: GPL-2.0 */
/* The prototypes of helpers_vmm.c, for the compiler's own checks. */
#ifndef _RSBAC_MEM_HELPERS_VMM_H
#define _RSBAC_MEM_HELPERS_VMM_H

#include <linux/types.h>

struct file;
struct page;
struct vm_area_struct;
struct vm_struct;

u64 rsbac_mem_vmm_prot(bool write, bool exec, u32 cache);
size_t rsbac_mem_vmm_rewrite(unsigned long addr, size_t nr, u64 prot);
void rsbac_mem_vmm_vmalloc_space(unsigned long *start, unsigned long *end);
unsigned long rsbac_mem_vmm_area_addr(const struct vm_struct *area);
bool rsbac_mem_vmm_in_vmalloc(unsigned long addr, size_t size);
unsigned long rsbac_mem_vmm_linear(const struct page *page);
void rsbac_mem_vmm_get_page(struct page *page);
struct page *rsbac_mem_vmm_user_page(void);
void rsbac_mem_vmm_frames(unsigned long addr, size_t nr, struct page **pages);
void rsbac_mem_vmm_set_vma_cache(struct vm_area_struct *vma, u32 cache);
int rsbac_mem_vmm_new_fd(void *grant);
bool rsbac_mem_vmm_is_our_file(const struct file *file);
void rsbac_mem_vmm_release_grant(void *grant);
size_t rsbac_mem_vmm_alloc_bulk(gfp_t gfp, size_t nr, struct page **pages);
int rsbac_mem_vmm_vmap(unsigned long addr, unsigned long end, u64 prot,
		       struct page **pages);
int rsbac_mem_vmm_set_array(u32 cache, struct page **pages, size_t nr);

#endif /* _RSBAC_MEM_HELPERS_VMM_H */
