/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Types and return codes of the KasperskyOS calls.
 *
 * The manuals name rcOk alone and give no values. Those below are our own
 * decision and stay as they are: 0 is success, every failure is negative and
 * says one thing. They are no errno values; do not mix the two.
 */
#ifndef _RTL_RETCODE_H
#define _RTL_RETCODE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

/** typedef Retcode - what a call returns: rcOk or one of the codes below. */
typedef int Retcode;

/** typedef rtl_size_t - a number of bytes. */
typedef size_t rtl_size_t;

/** typedef Handle - names an MDL buffer; 0 is never a handle. */
typedef unsigned int Handle;

/* checkpatch wants no bare 0 for pointers; the manuals' name for it is this. */
#define RTL_NULL ((void *)0)

/* A handle that names nothing. */
#define INVALID_HANDLE ((Handle)0)

/* Done. */
#define rcOk			0
/* An unknown flag, a flag that the call does not take, or a NULL pointer. */
#define rcInvalidFlags		(-1)
/* An address or a size that is no multiple of the page size. */
#define rcUnaligned		(-2)
/* A size of 0, or one that wraps round or exceeds what can be. */
#define rcInvalidSize		(-3)
/* W, X, W|X or nothing: not one of R, R|W, R|X, R|W|X. */
#define rcInvalidProtection	(-4)
/* Writable and executable at once, which the module's deny_wx=1 forbids. */
#define rcDenied		(-5)
/* The range is not, from end to end, inside one region. */
#define rcNoRegion		(-6)
/* A page of the range is not committed. */
#define rcNotCommitted		(-7)
/* A page of the range is committed already. */
#define rcCommitted		(-8)
/* The address is taken, or pages of the range are lent to an MDL buffer. */
#define rcBusy			(-9)
/* No memory, or no address space. */
#define rcNoMemory		(-10)
/* The group that pays for the memory may have no more. */
#define rcLimit			(-11)
/* This kernel lacks what the call needs; sysfs' features/ says what. */
#define rcNotSupported		(-12)
/* No MDL buffer has this handle. */
#define rcInvalidHandle		(-13)
/* More rights than the creator of the MDL buffer gave. */
#define rcNoRights		(-14)
/* Commit or decommit would tear a hole into a GROW_DOWN region. */
#define rcGrowDown		(-15)
/* The device is not there, or the file is that of another process. */
#define rcNoDevice		(-16)

#endif /* _RTL_RETCODE_H */
