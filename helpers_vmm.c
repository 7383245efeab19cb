// SPDX-License-Identifier: GPL-2.0
/*
 * What the regions need of the kernel's inline functions, one thin wrapper
 * each. ffi/vmm.rs declares them.
 */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/vmalloc.h>

#include "helpers_vmm.h"
#include "symbols.h"

#ifdef CONFIG_UML
/* User-mode Linux has no page attributes: the module loads there, regions do not work. */
#define PAGE_KERNEL_ROX PAGE_KERNEL_RO

static pte_t *lookup_address(unsigned long addr, unsigned int *level)
{
	return NULL;
}

static int set_pages_array_wb(struct page **pages, int nr)
{
	return -EOPNOTSUPP;
}

#define set_pages_array_wc set_pages_array_wb
#define set_pages_array_uc set_pages_array_wb
#endif

/* The values of enum Cache in vmm/flags.rs. */
enum cache { WRITE_BACK, WRITE_THROUGH, WRITE_COMBINE, DISABLE };

static pgprot_t with_cache(pgprot_t prot, u32 cache)
{
	switch (cache) {
	case WRITE_THROUGH:
		return pgprot_writethrough(prot);
	case WRITE_COMBINE:
		return pgprot_writecombine(prot);
	case DISABLE:
		return pgprot_noncached(prot);
	default:
		return prot;
	}
}

/* The bits of a page table entry of the kernel with these rights. */
u64 rsbac_mem_vmm_prot(bool write, bool exec, u32 cache)
{
	pgprot_t prot;

	if (exec)
		prot = write ? PAGE_KERNEL_EXEC : PAGE_KERNEL_ROX;
	else
		prot = write ? PAGE_KERNEL : PAGE_KERNEL_RO;
	return pgprot_val(with_cache(prot, cache));
}

/* The entry for @addr, where @ptep is that of the page before, or NULL. */
static pte_t *next_entry(pte_t *ptep, unsigned long addr)
{
	unsigned int level;

	/* The next entry of the same table, or a new walk. */
	return ptep && addr & (PMD_SIZE - 1) ? ptep + 1 : lookup_address(addr, &level);
}

/*
 * Gives @nr mapped small pages from @addr on the bits @prot. The caller owns
 * the mapping, so that nobody else writes these entries; it flushes the TLB.
 * Returns how many there were: less than @nr where one is not mapped.
 */
size_t rsbac_mem_vmm_rewrite(unsigned long addr, size_t nr, u64 prot)
{
	pte_t *ptep = NULL;
	size_t n;

	for (n = 0; n < nr; n++, addr += PAGE_SIZE) {
		ptep = next_entry(ptep, addr);
		if (!ptep || !pte_present(*ptep))
			break;
		set_pte(ptep, pfn_pte(pte_pfn(*ptep), __pgprot(prot)));
	}
	return n;
}

void rsbac_mem_vmm_vmalloc_space(unsigned long *start, unsigned long *end)
{
	*start = VMALLOC_START;
	*end = VMALLOC_END;
}

unsigned long rsbac_mem_vmm_area_addr(const struct vm_struct *area)
{
	return (unsigned long)area->addr;
}

bool rsbac_mem_vmm_in_vmalloc(unsigned long addr, size_t size)
{
	return addr >= VMALLOC_START && addr < VMALLOC_END &&
	       size <= VMALLOC_END - addr;
}

unsigned long rsbac_mem_vmm_linear(const struct page *page)
{
	return (unsigned long)page_address(page);
}

void rsbac_mem_vmm_get_page(struct page *page)
{
	get_page(page);
}

/* A zeroed page for a program, paid for by its memory cgroup. */
struct page *rsbac_mem_vmm_user_page(void)
{
	return alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL);
}

/* The pages that are mapped small from @addr on; the caller owns them. */
void rsbac_mem_vmm_frames(unsigned long addr, size_t nr, struct page **pages)
{
	pte_t *ptep = NULL;
	size_t n;

	for (n = 0; n < nr; n++, addr += PAGE_SIZE) {
		ptep = next_entry(ptep, addr);
		pages[n] = pte_page(*ptep);
	}
}

size_t rsbac_mem_vmm_alloc_bulk(gfp_t gfp, size_t nr, struct page **pages)
{
	return alloc_pages_bulk(gfp, nr, pages);
}

int rsbac_mem_vmm_vmap(unsigned long addr, unsigned long end, u64 prot,
		       struct page **pages)
{
	return rsbac_mem_symbol_vmap_pages_range(addr, end, __pgprot(prot),
						 pages, PAGE_SHIFT);
}

/*
 * Sets how the direct map caches @nr pages. There is no call for a list of
 * pages and write-through, so these go one by one.
 */
int rsbac_mem_vmm_set_array(u32 cache, struct page **pages, size_t nr)
{
	size_t n;
	int err;

	switch (cache) {
	case WRITE_COMBINE:
		return set_pages_array_wc(pages, nr);
	case DISABLE:
		return set_pages_array_uc(pages, nr);
	case WRITE_THROUGH:
		for (n = 0; n < nr; n++) {
			unsigned long addr = rsbac_mem_vmm_linear(pages[n]);

			err = rsbac_mem_symbol__set_memory_wt(addr, 1);
			if (err)
				return err;
		}
		return 0;
	default:
		return set_pages_array_wb(pages, nr);
	}
}

void rsbac_mem_vmm_set_vma_cache(struct vm_area_struct *vma, u32 cache)
{
	vma->vm_page_prot = with_cache(vma->vm_page_prot, cache);
}

static int release_grant(struct inode *inode, struct file *file)
{
	rsbac_mem_vmm_release_grant(file->private_data);
	return 0;
}

static const struct file_operations grant_fops = {
	.owner = THIS_MODULE,
	.release = release_grant,
};

/* A file of the running program that carries @grant; its number, or an error. */
int rsbac_mem_vmm_new_fd(void *grant)
{
	return anon_inode_getfd("[kn_mdl]", &grant_fops, grant, O_CLOEXEC);
}

bool rsbac_mem_vmm_is_our_file(const struct file *file)
{
	return file->f_op == &grant_fops;
}
