/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions of virtual memory, after the KasperskyOS vmm API, for kernel modules.
 *
 * A region is a range of the kernel's vmalloc space. Its pages are reserved
 * (address space without memory) or committed (with memory); each has a
 * protection of its own. A page table entry and the direct map's entry for the
 * same memory never disagree about writing or about caching.
 *
 * All functions may sleep and are called in process context only. A call that
 * fails has changed nothing. Wrong calls are counted, and logged with the
 * address of the caller. Programs have the same calls in <kn_vmm_user.h>.
 */
#ifndef _CORESRV_VMM_VMM_API_H
#define _CORESRV_VMM_VMM_API_H

#include <coresrv/handle/handle_api.h>
#include <rtl/retcode.h>
#include <vmm/flags.h>

/**
 * KnVmAllocate() - reserve a region and, if asked, commit it
 * @addr: page-aligned address wanted for the region, or RTL_NULL for any
 * @size: in bytes, a multiple of the page size, without the guard pages
 * @flags: VMM_FLAG_RESERVE, one of the four protections, and what else is
 *	wanted of vmm/flags.h
 *
 * Committed pages are zeroed.
 *
 * Context: may sleep.
 * Return: the lowest address of the region, or RTL_NULL. The reason of a
 * failure is in the log where the caller is to blame; KnVmTryAllocate()
 * returns it. There is no KnVmLastError(): a last error per module or per CPU
 * would be somebody else's after the next context switch.
 */
void *KnVmAllocate(void *addr, rtl_size_t size, int flags);

/**
 * KnVmTryAllocate() - KnVmAllocate() that tells why it failed
 * @addr: as KnVmAllocate()
 * @size: as KnVmAllocate()
 * @flags: as KnVmAllocate()
 * @base: where to store the lowest address of the region; untouched on failure
 *
 * Context: may sleep.
 * Return: rcOk; rcInvalidFlags, rcInvalidProtection, rcDenied, rcUnaligned,
 * rcInvalidSize, rcBusy (@addr is taken or no place for regions), rcNoMemory,
 * rcLimit, or rcNotSupported.
 */
Retcode KnVmTryAllocate(void *addr, rtl_size_t size, int flags, void **base);

/**
 * KnVmCommit() - give memory to reserved pages of a region
 * @addr: of the first page
 * @size: in bytes, a multiple of the page size
 * @flags: VMM_FLAG_LOCKED, which changes nothing but the counters; with a
 *	protection, the pages get that one instead of their own
 *
 * The pages are zeroed. All pages must be reserved only. In a GROW_DOWN region
 * the reserved pages between the range and the committed part come along.
 *
 * Context: may sleep.
 * Return: rcOk; rcInvalidFlags, rcInvalidProtection, rcDenied, rcUnaligned,
 * rcInvalidSize, rcNoRegion, rcCommitted, rcGrowDown, rcNoMemory, or rcLimit.
 */
Retcode KnVmCommit(void *addr, rtl_size_t size, int flags);

/**
 * KnVmDecommit() - take the memory of committed pages back, keep the range
 * @addr: of the first page
 * @size: in bytes, a multiple of the page size
 *
 * The contents are lost; the pages keep their protection for the next commit.
 *
 * Context: may sleep.
 * Return: rcOk; rcUnaligned, rcInvalidSize, rcNoRegion, rcNotCommitted,
 * rcGrowDown, or rcBusy where pages are lent to an MDL buffer.
 */
Retcode KnVmDecommit(void *addr, rtl_size_t size);

/**
 * KnVmProtect() - change the protection of pages of a region
 * @addr: of the first page
 * @size: in bytes, a multiple of the page size
 * @newFlags: one of the four protections, nothing else
 *
 * Works on reserved pages, which have it when they are committed, and on
 * committed ones, where it holds for all CPUs when the call returns.
 *
 * Context: may sleep.
 * Return: rcOk; rcInvalidFlags, rcInvalidProtection, rcDenied, rcUnaligned,
 * rcInvalidSize, rcNoRegion, rcNoRights (a view of an MDL buffer), rcBusy
 * where pages are lent to an MDL buffer, or rcNoMemory.
 */
Retcode KnVmProtect(void *addr, rtl_size_t size, int newFlags);

/**
 * KnVmUnmap() - free a region
 * @addr: what KnVmAllocate() or KnPmmMdlMap() returned
 * @size: the size of the whole region, in bytes
 *
 * Context: may sleep.
 * Return: rcOk; rcUnaligned, rcInvalidSize, rcNoRegion (also for a part of a
 * region), or rcBusy where pages are lent to an MDL buffer.
 */
Retcode KnVmUnmap(void *addr, rtl_size_t size);

/**
 * enum VmmPageState - what KnVmQuery() finds at an address
 * @VMM_PAGE_RESERVED: a page without memory
 * @VMM_PAGE_COMMITTED: a page with memory; in a process, perhaps not yet
 * @VMM_PAGE_GUARD: a guard page of a region
 */
enum VmmPageState {
	VMM_PAGE_RESERVED = 1,
	VMM_PAGE_COMMITTED = 2,
	VMM_PAGE_GUARD = 3,
};

/**
 * struct VmmInfo - what KnVmQuery() finds at an address
 * @base: lowest address of the region, above its low guard
 * @size: of the region in bytes, without guards
 * @flags: as the region was allocated: shape and caching
 * @state: of the page, enum VmmPageState
 * @protection: of the page: VMM_FLAG_READ, WRITE, EXECUTE; 0 for a guard
 * @locked: 1 where the page was committed with VMM_FLAG_LOCKED
 * @runBase: lowest address of the pages around that are the same in all this
 * @runSize: of these pages, in bytes
 */
struct VmmInfo {
	void *base;
	rtl_size_t size;
	int flags;
	int state;
	int protection;
	int locked;
	void *runBase;
	rtl_size_t runSize;
};

/**
 * KnVmQuery() - find out what is at an address
 * @addr: any address
 * @info: where to store the answer; untouched on failure
 *
 * Context: may sleep.
 * Return: rcOk; rcNoRegion, or rcInvalidFlags where @info is RTL_NULL.
 */
Retcode KnVmQuery(const void *addr, struct VmmInfo *info);

/**
 * KnPmmMdlCreate() - make a buffer that can be mapped several times
 * @size: in bytes, a multiple of the page size, up to 64 GiB
 * @flags: the most that a mapping of it may be: one of the four protections
 * @handle: where to store the handle; given back with KnHandleClose()
 *
 * The memory is there at once, and zeroed.
 *
 * Context: may sleep.
 * Return: rcOk; rcInvalidFlags, rcInvalidProtection, rcDenied, rcUnaligned,
 * rcInvalidSize, rcNoMemory, or rcLimit.
 */
Retcode KnPmmMdlCreate(rtl_size_t size, int flags, Handle *handle);

/**
 * KnPmmMdlCreateFromBuf() - make a buffer with a copy of some data
 * @buf: the data, in kernel memory
 * @size: of the data in bytes; need not be a multiple of the page size
 * @flags: as KnPmmMdlCreate()
 * @handle: as KnPmmMdlCreate()
 *
 * The buffer has whole pages; the bytes after the data are zero.
 *
 * Context: may sleep.
 * Return: as KnPmmMdlCreate().
 */
Retcode KnPmmMdlCreateFromBuf(const void *buf, rtl_size_t size, int flags, Handle *handle);

/**
 * KnPmmMdlCreateFromVm() - make a buffer of pages of a region
 * @addr: of the first page
 * @size: in bytes, a multiple of the page size
 * @flags: as KnPmmMdlCreate(); no more than each page's own protection
 * @handle: as KnPmmMdlCreate()
 *
 * Nothing is copied: the region and the buffer are the same memory. Until the
 * buffer is gone the pages are lent: KnVmDecommit(), KnVmProtect() and
 * KnVmUnmap() refuse them. Pages are lent to one buffer at a time
 * (KnPmmMdlClone() gives more handles), and only write-back memory can be lent.
 *
 * Context: may sleep.
 * Return: as KnPmmMdlCreate(); also rcNoRegion, rcNotCommitted, rcNoRights,
 * rcBusy, or rcNotSupported for memory that is not write-back.
 */
Retcode KnPmmMdlCreateFromVm(void *addr, rtl_size_t size, int flags, Handle *handle);

/**
 * KnPmmMdlMap() - map a buffer or a part of it
 * @handle: of the buffer
 * @offset: of the first page in the buffer, in bytes
 * @length: in bytes, a multiple of the page size
 * @hint: page-aligned address wanted, or RTL_NULL for any
 * @flags: one of the four protections, no more than the handle gives; may have
 *	the guards
 * @addr: where to store the address; given back with KnVmUnmap()
 *
 * The view is a region: it can be queried, and protected within the rights of
 * the handle that it was mapped with. It cannot be decommitted.
 *
 * Context: may sleep.
 * Return: rcOk; rcInvalidFlags, rcInvalidProtection, rcDenied, rcUnaligned,
 * rcInvalidSize, rcInvalidHandle, rcNoRights, rcBusy, rcNoMemory, or
 * rcNotSupported.
 */
Retcode KnPmmMdlMap(Handle handle, rtl_size_t offset, rtl_size_t length, void *hint,
		    int flags, void **addr);

/**
 * KnPmmMdlClone() - another handle to the same buffer, with fewer rights
 * @handle: of the buffer
 * @flags: as KnPmmMdlCreate(); no more than the first handle gives
 * @clone: where to store the new handle; given back with KnHandleClose()
 *
 * Context: may sleep.
 * Return: rcOk; rcInvalidFlags, rcInvalidProtection, rcInvalidHandle,
 * rcNoRights, or rcNoMemory.
 */
Retcode KnPmmMdlClone(Handle handle, int flags, Handle *clone);

/**
 * KnPmmMdlGetSize() - the size of a buffer
 * @handle: of the buffer
 * @size: where to store it, in bytes: whole pages
 *
 * Context: may sleep.
 * Return: rcOk; rcInvalidHandle, or rcInvalidFlags where @size is RTL_NULL.
 */
Retcode KnPmmMdlGetSize(Handle handle, rtl_size_t *size);

/**
 * KnPmmMdlToFd() - hand a buffer to the process that is running
 * @handle: of the buffer
 * @flags: as KnPmmMdlClone()
 * @fd: where to store the number of a new file of the current process, closed
 *	on exec; the process makes a handle of it, see <kn_vmm.h>
 *
 * Not in the KasperskyOS manuals: files are how processes here hold such things.
 *
 * Context: process context of a program; may sleep.
 * Return: rcOk; rcInvalidFlags, rcInvalidProtection, rcInvalidHandle,
 * rcNoRights, or rcNoMemory.
 */
Retcode KnPmmMdlToFd(Handle handle, int flags, int *fd);

/**
 * KnPmmMdlFromFd() - take a buffer from the process that is running
 * @fd: number of a file that carries an MDL buffer
 * @handle: where to store a handle with the rights of the file; given back
 *	with KnHandleClose()
 *
 * Context: process context of a program; may sleep.
 * Return: rcOk; rcInvalidHandle where @fd is nothing of the kind, rcInvalidFlags
 * where @handle is RTL_NULL, or rcNoMemory.
 */
Retcode KnPmmMdlFromFd(int fd, Handle *handle);

#endif /* _CORESRV_VMM_VMM_API_H */
