// SPDX-License-Identifier: GPL-2.0
/* What page tables say, read by the test itself. */
#include <linux/pgtable.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "vmm_test.h"

/* The entry for @addr as one of a small page; 0 where there is none. */
static u64 entry(const void *addr)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)addr, &level);
	u64 bits;

	if (!pte || !pte_present(*pte))
		return 0;
	bits = pte_val(*pte);
	/* A large page has PAT elsewhere, and its own mark where PAT would be. */
	if (level != PG_LEVEL_4K)
		bits = (bits & ~_PAGE_PAT) |
		       (bits & _PAGE_PAT_LARGE ? _PAGE_PAT : 0);
	return bits;
}

static int rights(u64 bits)
{
	if (!bits)
		return NOTHING;
	return R | (bits & _PAGE_RW ? VMM_FLAG_WRITE : 0) |
	       (bits & _PAGE_NX ? 0 : VMM_FLAG_EXECUTE);
}

/* The bits that make a page cached like that on this kernel. */
static u64 cache_bits(int mode)
{
	switch (mode) {
	case VMM_FLAG_WRITE_COMBINE:
		return pgprot_val(pgprot_writecombine(__pgprot(0)));
	case VMM_FLAG_WRITE_THROUGH:
		return pgprot_val(pgprot_writethrough(__pgprot(0)));
	case VMM_FLAG_CACHE_DISABLE:
		return pgprot_val(pgprot_noncached(__pgprot(0)));
	default:
		return 0;
	}
}

static const void *direct(const void *addr)
{
	return page_address(vmalloc_to_page(addr));
}

int seen(const void *addr)
{
	return rights(entry(addr));
}

int seen_direct(const void *addr)
{
	return rights(entry(direct(addr)));
}

bool is_cached(const void *addr, int mode)
{
	u64 here = entry(addr) & _PAGE_CACHE_MASK;
	u64 there = entry(direct(addr)) & _PAGE_CACHE_MASK;

	return here == cache_bits(mode) && there == cache_bits(mode);
}

bool can_read(const void *addr)
{
	u8 byte;

	pagefault_disable();
	__get_kernel_nofault(&byte, addr, u8, fault);
	pagefault_enable();
	return true;
fault:
	pagefault_enable();
	return false;
}

bool can_write(void *addr)
{
	u8 byte;

	pagefault_disable();
	__get_kernel_nofault(&byte, addr, u8, fault);
	__put_kernel_nofault(addr, &byte, u8, fault);
	pagefault_enable();
	return true;
fault:
	pagefault_enable();
	return false;
}

u64 figure(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), SYSFS "%s", name);
	return kt_number_in(path);
}

void expect_pages(const void *addr, size_t pages, int prot)
{
	const char *page = addr;

	for (; pages; pages--, page += PAGE_SIZE) {
		KT_NEED(KT_EQ(seen(page), prot));
		if (prot == NOTHING)
			continue;
		/* The direct map writes what the region may write, no more. */
		KT_NEED(KT_EQ(seen_direct(page), prot & RW));
	}
}
