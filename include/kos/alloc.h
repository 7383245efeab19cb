/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The KasperskyOS memory allocator on top of regions.
 *
 * Every piece is a region of its own, READ|WRITE, committed and locked, with
 * its size in whole pages: right for buffers, wasteful for small objects.
 * All functions may sleep and are called in process context only.
 */
#ifndef _KOS_ALLOC_H
#define _KOS_ALLOC_H

#include <rtl/retcode.h>

/**
 * KosMemAlloc() - allocate memory
 * @size: in bytes; for 0 the smallest piece is given
 *
 * The contents are zero here, but do not count on it: ask KosMemZalloc().
 *
 * Context: may sleep.
 * Return: page-aligned memory that KosMemFree() takes, or RTL_NULL.
 */
void *KosMemAlloc(rtl_size_t size);

/**
 * KosMemAllocEx() - allocate aligned memory
 * @size: in bytes; for 0 the smallest piece is given
 * @align: a power of two, in bytes, up to 1 GiB
 * @zeroed: 1 for zeroed memory, 0 where the contents do not matter
 *
 * Context: may sleep.
 * Return: memory that KosMemFree() takes, or RTL_NULL.
 */
void *KosMemAllocEx(rtl_size_t size, rtl_size_t align, int zeroed);

/**
 * KosMemZalloc() - allocate zeroed memory
 * @size: in bytes; for 0 the smallest piece is given
 *
 * Context: may sleep.
 * Return: page-aligned memory that KosMemFree() takes, or RTL_NULL.
 */
void *KosMemZalloc(rtl_size_t size);

/**
 * KosMemGetSize() - how many bytes may be used at an address
 * @ptr: from one of the calls above
 *
 * Context: may sleep.
 * Return: the size in bytes, at least what was asked for; 0 where @ptr is
 * RTL_NULL or not a piece of memory from the calls above, which is logged.
 */
rtl_size_t KosMemGetSize(void *ptr);

/**
 * KosMemFree() - free memory
 * @ptr: from one of the calls above; RTL_NULL is ignored
 *
 * Any other pointer is logged once with the caller, and nothing is freed.
 *
 * Context: may sleep.
 */
void KosMemFree(void *ptr);

#endif /* _KOS_ALLOC_H */
