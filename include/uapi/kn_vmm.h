/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Regions for programs: the ioctls of /dev/kn_vmm.
 *
 * <kn_vmm_user.h> has the calls as KasperskyOS names them; this is what they
 * are made of. One open file serves one process: the one that opened it. A
 * child may inherit the file, but its ioctls and its mmap() are refused.
 *
 * An ioctl returns 0, or the negated code of <rtl/retcode.h> as a positive
 * number; -1 with EFAULT or ENOTTY only where the call itself is malformed.
 *
 * A region comes into being in two steps: KN_VMM_ALLOCATE (or KN_VMM_MDL_MAP)
 * makes it and tells an offset and a length; then mmap() of exactly this
 * length, MAP_SHARED, with exactly the protection that was asked for, at this
 * offset. From there on
 *
 *	mprotect()	changes rights: READ, READ|WRITE, READ|EXEC and all three
 *			are possible, the latter unless the module has deny_wx=1,
 *			and no more than an MDL buffer's handle gives; else EACCES
 *	munmap()	of all of it frees the region; of a part, takes that part
 *			out of the process alone
 *	mremap()	is refused
 *
 * A touch of a committed page gives it memory (SIGBUS where there is none), a
 * touch of a reserved page or a guard is a SIGSEGV. When the process ends, all
 * goes. Regions do not appear in a child after fork(), nor in core dumps.
 */
#ifndef _UAPI_KN_VMM_H
#define _UAPI_KN_VMM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct kn_vmm_call - what all calls but KN_VMM_QUERY take and give
 * @addr: address of the first page, or of data; from KN_VMM_ALLOCATE and
 *	KN_VMM_MDL_MAP: the bytes of low guard at the start of the mapping
 * @size: in bytes; from KN_VMM_ALLOCATE and KN_VMM_MDL_MAP: the length for mmap()
 * @offset: in bytes; from KN_VMM_ALLOCATE and KN_VMM_MDL_MAP: the offset for mmap()
 * @flags: of <vmm/flags.h>
 * @handle: of an MDL buffer, or the number of a file
 *
 * What a call has no use for is neither read nor changed.
 */
struct kn_vmm_call {
	__u64 addr;
	__u64 size;
	__u64 offset;
	__u32 flags;
	__u32 handle;
};

/**
 * struct kn_vmm_info - what KN_VMM_QUERY finds
 * @addr: the address that is asked about
 * @base: lowest address of the region, above its low guard
 * @size: of the region in bytes, without guards
 * @run_base: lowest address of the pages around that are the same
 * @run_size: of these pages, in bytes
 * @flags: as the region was allocated: shape and caching
 * @state: 1 reserved, 2 committed, 3 a guard
 * @protection: READ, WRITE, EXECUTE as in <vmm/flags.h>; 0 for a guard
 * @locked: 1 where the page was committed with VMM_FLAG_LOCKED
 */
struct kn_vmm_info {
	__u64 addr;
	__u64 base;
	__u64 size;
	__u64 run_base;
	__u64 run_size;
	__u32 flags;
	__u32 state;
	__u32 protection;
	__u32 locked;
};

#define KN_VMM_MAGIC		0xcb

/* size, flags: makes a region; gives offset, size and addr. */
#define KN_VMM_ALLOCATE		_IOWR(KN_VMM_MAGIC, 1, struct kn_vmm_call)
/* addr, size, flags (VMM_FLAG_COMMIT, VMM_FLAG_LOCKED): lets pages have memory. */
#define KN_VMM_COMMIT		_IOWR(KN_VMM_MAGIC, 2, struct kn_vmm_call)
/* addr, size: takes the memory of pages back. */
#define KN_VMM_DECOMMIT		_IOWR(KN_VMM_MAGIC, 3, struct kn_vmm_call)
/* What is at an address. */
#define KN_VMM_QUERY		_IOWR(KN_VMM_MAGIC, 4, struct kn_vmm_info)
/* offset: forgets a region that was made and not mapped. */
#define KN_VMM_CANCEL		_IOWR(KN_VMM_MAGIC, 5, struct kn_vmm_call)
/* size, flags: makes an MDL buffer; gives a handle. */
#define KN_VMM_MDL_CREATE	_IOWR(KN_VMM_MAGIC, 6, struct kn_vmm_call)
/* addr, size, flags: makes one with a copy of data; gives a handle. */
#define KN_VMM_MDL_FROM_BUF	_IOWR(KN_VMM_MAGIC, 7, struct kn_vmm_call)
/*
 * addr, size, flags: makes one of committed pages of a region; gives a handle.
 * Nothing is copied. The region may decommit the pages; the buffer keeps them.
 */
#define KN_VMM_MDL_FROM_VM	_IOWR(KN_VMM_MAGIC, 8, struct kn_vmm_call)
/* handle, offset, size, flags: a region that shows a buffer; as KN_VMM_ALLOCATE. */
#define KN_VMM_MDL_MAP		_IOWR(KN_VMM_MAGIC, 9, struct kn_vmm_call)
/* handle, flags: another handle with these rights at most. */
#define KN_VMM_MDL_CLONE	_IOWR(KN_VMM_MAGIC, 10, struct kn_vmm_call)
/* handle: gives the size. */
#define KN_VMM_MDL_SIZE		_IOWR(KN_VMM_MAGIC, 11, struct kn_vmm_call)
/* handle: gives it back. */
#define KN_VMM_CLOSE		_IOWR(KN_VMM_MAGIC, 12, struct kn_vmm_call)
/*
 * handle, flags: a file that carries the buffer with these rights at most, to
 * be passed to a module or (SCM_RIGHTS) to another process; its number comes
 * in handle.
 */
#define KN_VMM_MDL_TO_FD	_IOWR(KN_VMM_MAGIC, 13, struct kn_vmm_call)
/* handle, the number of such a file: gives a handle to its buffer. */
#define KN_VMM_MDL_FROM_FD	_IOWR(KN_VMM_MAGIC, 14, struct kn_vmm_call)

#endif /* _UAPI_KN_VMM_H */
