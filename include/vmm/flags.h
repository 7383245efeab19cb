/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Flags of the KasperskyOS vmm calls.
 *
 * The names are those of the KasperskyOS manuals, which give no values. Those
 * below are our own decision, the same in the kernel and in a process, and
 * never change. A bit that is not named here is refused with rcInvalidFlags.
 */
#ifndef _VMM_FLAGS_H
#define _VMM_FLAGS_H

/* What happens to the pages. */

/* Take address space. Required by KnVmAllocate(). */
#define VMM_FLAG_RESERVE	0x00000001
/*
 * Give the pages memory as well. In a process, each page gets it when it is
 * first touched. A mapping of the kernel cannot take a page fault for that,
 * so there the memory is given at once, with or without VMM_FLAG_LOCKED.
 */
#define VMM_FLAG_COMMIT		0x00000002
/*
 * With VMM_FLAG_COMMIT: give the memory at once; counted in locked_bytes.
 * Neither the kernel's nor a process's regions are ever swapped out.
 */
#define VMM_FLAG_LOCKED		0x00000004

/* The shape of the region. */

/* A page below the region that faults on touch. */
#define VMM_FLAG_LOW_GUARD	0x00000010
/* A page above the region that faults on touch. */
#define VMM_FLAG_HIGH_GUARD	0x00000020
/*
 * The committed part is one piece that ends at the top of the region and
 * grows towards lower addresses: a commit of pages below it takes in all the
 * pages between, a decommit gives back from its lower end only.
 */
#define VMM_FLAG_GROW_DOWN	0x00000040

/* Protection: READ, READ|WRITE, READ|EXECUTE or all three; never without READ. */

#define VMM_FLAG_READ		0x00000100
#define VMM_FLAG_WRITE		0x00000200
#define VMM_FLAG_EXECUTE	0x00000400
#define VMM_FLAG_RWX_MASK	0x00000700

/* Caching: at most one; none means VMM_FLAG_WRITE_BACK. */

#define VMM_FLAG_WRITE_BACK	0x00001000
#define VMM_FLAG_WRITE_THROUGH	0x00002000
#define VMM_FLAG_WRITE_COMBINE	0x00004000
#define VMM_FLAG_CACHE_DISABLE	0x00008000
#define VMM_FLAG_CACHE_MASK	0x0000f000

#endif /* _VMM_FLAGS_H */
