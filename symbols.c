// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's functions that are not exported: one table, each entry optional.
 *
 * An address is found with kallsyms_lookup_name() which, not being exported
 * either, is found by a kprobe that is registered disabled, so that no code is
 * patched, and dropped at once. One kprobe costs tens of milliseconds under
 * emulation, a look-up by name after it costs microseconds.
 *
 * The functions are called through static calls, that is by a direct branch.
 * An indirect call would be killed by IBT, since the kernel seals the entry of
 * functions whose address nobody takes.
 *
 * To add a function: a line in SYMBOLS, one in symbols.h and ffi/symbols.rs,
 * and one in the enum of symbols.rs, which must keep the order of SYMBOLS.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/static_call.h>
#include <linux/vmalloc.h>
#ifdef CONFIG_X86
#include <asm/tlbflush.h>
#endif

#include "symbols.h"

/* The types alone; where an architecture lacks one, its name is not found. */
typedef int set_memory_t(unsigned long addr, int numpages);
typedef int set_direct_map_t(struct page *page);
typedef int set_direct_map_valid_t(struct page *page, unsigned int nr,
				   bool valid);
typedef void flush_range_t(unsigned long start, unsigned long end);
typedef struct vm_struct *get_vm_area_t(unsigned long size,
					unsigned long flags);
typedef struct vm_struct *get_vm_area_caller_t(unsigned long size,
					       unsigned long flags,
					       unsigned long start,
					       unsigned long end,
					       const void *caller);
typedef int vmap_pages_range_t(unsigned long addr, unsigned long end,
			       pgprot_t prot, struct page **pages,
			       unsigned int page_shift);
typedef void *vmalloc_range_t(unsigned long size, unsigned long align,
			      unsigned long start, unsigned long end,
			      gfp_t gfp, pgprot_t prot, unsigned long vm_flags,
			      int node, const void *caller);
typedef unsigned long lookup_name_t(const char *name);

/* X(name, type, what it returns, its parameters, their names) */
#define SYMBOLS(X)							\
	X(set_memory_ro, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(set_memory_rw, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(set_memory_x, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(set_memory_nx, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(set_memory_wb, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(set_memory_wc, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(set_memory_uc, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(set_direct_map_invalid_noflush, set_direct_map_t, int,	\
	  (struct page *page), (page))					\
	X(set_direct_map_default_noflush, set_direct_map_t, int,	\
	  (struct page *page), (page))					\
	X(set_direct_map_valid_noflush, set_direct_map_valid_t, int,	\
	  (struct page *page, unsigned int nr, bool valid),		\
	  (page, nr, valid))						\
	X(flush_tlb_kernel_range, flush_range_t, void,			\
	  (unsigned long start, unsigned long end), (start, end))	\
	X(get_vm_area, get_vm_area_t, struct vm_struct *,		\
	  (unsigned long size, unsigned long flags), (size, flags))	\
	X(__get_vm_area_caller, get_vm_area_caller_t, struct vm_struct *, \
	  (unsigned long size, unsigned long flags,			\
	   unsigned long start, unsigned long end, const void *caller),	\
	  (size, flags, start, end, caller))				\
	X(_set_memory_wt, set_memory_t, int,				\
	  (unsigned long addr, int numpages), (addr, numpages))		\
	X(vmap_pages_range, vmap_pages_range_t, int,			\
	  (unsigned long addr, unsigned long end, pgprot_t prot,	\
	   struct page **pages, unsigned int page_shift),		\
	  (addr, end, prot, pages, page_shift))				\
	X(vunmap_range, flush_range_t, void,				\
	  (unsigned long start, unsigned long end), (start, end))	\
	X(__vmalloc_node_range_noprof, vmalloc_range_t, void *,		\
	  (unsigned long size, unsigned long align,			\
	   unsigned long start, unsigned long end, gfp_t gfp,		\
	   pgprot_t prot, unsigned long vm_flags, int node,		\
	   const void *caller),						\
	  (size, align, start, end, gfp, prot, vm_flags, node, caller))

#define CALL(name, type, ret, params, args)				\
DEFINE_STATIC_CALL_NULL(rsbac_mem_##name, type);			\
static void update_##name(unsigned long addr)				\
{									\
	static_call_update(rsbac_mem_##name, (type *)addr);		\
}									\
ret rsbac_mem_symbol_##name params					\
{									\
	return static_call(rsbac_mem_##name) args;			\
}

SYMBOLS(CALL)

static const struct {
	const char *name;
	void (*update)(unsigned long addr);
} symbols[] = {
#define ENTRY(name, type, ret, params, args) { #name, update_##name },
	SYMBOLS(ENTRY)
};

DEFINE_STATIC_CALL_NULL(rsbac_mem_lookup_name, lookup_name_t);

#ifdef CONFIG_KPROBES
static unsigned long find_by_kprobe(const char *name)
{
	struct kprobe probe = {
		.symbol_name = name,
		.flags = KPROBE_FLAG_DISABLED,
	};
	unsigned long addr;

	if (register_kprobe(&probe))
		return 0;
	addr = (unsigned long)probe.addr;
	unregister_kprobe(&probe);
	return addr;
}
#else
static unsigned long find_by_kprobe(const char *name)
{
	return 0;
}
#endif

/*
 * Finds all of the table. Bit n of the result is set where symbols[n] was
 * found. Doing it again, or twice at a time, changes nothing. May sleep.
 */
u64 rsbac_mem_symbols_find(void)
{
	unsigned long lookup = find_by_kprobe("kallsyms_lookup_name");
	u64 found = 0;
	size_t n;

	BUILD_BUG_ON(ARRAY_SIZE(symbols) > 64);
	if (lookup)
		static_call_update(rsbac_mem_lookup_name,
				   (lookup_name_t *)lookup);
	for (n = 0; n < ARRAY_SIZE(symbols); n++) {
		unsigned long addr = 0;

		if (lookup)
			addr = static_call(rsbac_mem_lookup_name)(symbols[n].name);
		else
			addr = find_by_kprobe(symbols[n].name);
		if (!addr)
			continue;
		symbols[n].update(addr);
		found |= BIT_ULL(n);
	}
	return found;
}

/* The name of entry @n, or NULL after the last one. */
const char *rsbac_mem_symbol_name(unsigned int n)
{
	return n < ARRAY_SIZE(symbols) ? symbols[n].name : NULL;
}
