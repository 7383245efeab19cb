// SPDX-License-Identifier: GPL-2.0
/*
 * Leaf entries of the kernel's page tables: what they say, and changing those
 * that map an address range of our own. pagetable.rs is the face of this.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/smp.h>

#include "pagetable.h"

#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#include <asm/cpufeature.h>

/* Under Xen PV the hypervisor owns the tables. */
bool rsbac_mem_pt_usable(void)
{
	return !cpu_feature_enabled(X86_FEATURE_XENPV);
}

/* The leaf entry of @addr and the size of what it maps, as a shift; or NULL. */
pte_t *rsbac_mem_pt_lookup(unsigned long addr, unsigned int *shift)
{
	unsigned int level;
	pte_t *pte = lookup_address(addr, &level);

	if (!pte)
		return NULL;
	*shift = level == PG_LEVEL_4K ? PAGE_SHIFT :
		 level == PG_LEVEL_2M ? PMD_SHIFT : PUD_SHIFT;
	return pte;
}

/* Bit 0: present, 1: writable, 2: executable. A none entry gives 0. */
unsigned long rsbac_mem_pt_flags(const pte_t *ptep, unsigned int shift,
				 unsigned long *pfn)
{
	pte_t pte = READ_ONCE(*ptep);

	if (!(pte_val(pte) & _PAGE_PRESENT))
		return 0;
	if (shift == PAGE_SHIFT)
		*pfn = pte_pfn(pte);
	else if (shift == PMD_SHIFT)
		*pfn = pmd_pfn(__pmd(pte_val(pte)));
	else
		*pfn = pud_pfn(__pud(pte_val(pte)));
	return 1 | (pte_val(pte) & _PAGE_RW ? 2 : 0) |
	       (pte_val(pte) & _PAGE_NX ? 0 : 4);
}

void rsbac_mem_pt_map(pte_t *pte, unsigned long pfn, bool writable)
{
	set_pte(pte, pfn_pte(pfn, writable ? PAGE_KERNEL : PAGE_KERNEL_RO));
}

/*
 * A clean entry, since one that is dirty but not writable means a shadow stack
 * on processors that have them.
 */
void rsbac_mem_pt_protect(pte_t *ptep, bool writable)
{
	pte_t pte = READ_ONCE(*ptep);

	set_pte(ptep, writable ? pte_mkdirty(pte_mkwrite_novma(pte)) :
				 pte_wrprotect(pte_mkclean(pte)));
}

void rsbac_mem_pt_clear(pte_t *pte)
{
	set_pte(pte, __pte(0));
}

struct flush {
	unsigned long start;
	unsigned long end;
};

static void flush_here(void *info)
{
	struct flush *flush = info;
	unsigned long addr;

	for (addr = flush->start; addr < flush->end; addr += PAGE_SIZE)
		asm volatile("invlpg (%0)" : : "r" (addr) : "memory");
}

/* What flush_tlb_kernel_range() does, page by page: for kernels that hide it. */
void rsbac_mem_pt_flush_everywhere(unsigned long start, unsigned long end)
{
	struct flush flush = { start, end };

	on_each_cpu(flush_here, &flush, 1);
}

#else

bool rsbac_mem_pt_usable(void)
{
	return false;
}

pte_t *rsbac_mem_pt_lookup(unsigned long addr, unsigned int *shift)
{
	return NULL;
}

unsigned long rsbac_mem_pt_flags(const pte_t *pte, unsigned int shift,
				 unsigned long *pfn)
{
	return 0;
}

void rsbac_mem_pt_map(pte_t *pte, unsigned long pfn, bool writable)
{
}

void rsbac_mem_pt_protect(pte_t *pte, bool writable)
{
}

void rsbac_mem_pt_clear(pte_t *pte)
{
}

void rsbac_mem_pt_flush_everywhere(unsigned long start, unsigned long end)
{
}

#endif
