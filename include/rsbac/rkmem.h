/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The RSBAC memory calls, as exported by rsbac_mem.ko.
 *
 * Source-compatible with RSBAC's own <rsbac/rkmem.h>: the same names, types
 * and constants. "unlocked" in a name means that the caller holds no lock, so
 * that the call may sleep. The plain calls may be made from anywhere but NMI
 * context: see rsbac_kmalloc().
 *
 * All memory obtained here is counted in /proc/slabinfo and, exactly, in
 * /sys/kernel/rsbac_mem/slabs/. Documentation/rkmem.md has the whole story.
 */
#ifndef _RSBAC_RKMEM_H
#define _RSBAC_RKMEM_H

#include <linux/slab.h>
#include <linux/types.h>

/* RSBAC's own truth type; its callers may have defined it already. */
#ifndef _RSBAC_BOOLEAN
#define _RSBAC_BOOLEAN
typedef int boolean;
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

/* Bytes. The largest size that the kmalloc calls serve. */
#define RSBAC_MAX_KMALLOC KMALLOC_MAX_SIZE

/* Bytes, with the closing NUL. Longer slab names are cut. */
#define RSBAC_MAX_SLABNAME 32

/**
 * rsbac_kmalloc - allocate physically contiguous memory from our own slabs
 * @size: bytes, from 1 to RSBAC_MAX_KMALLOC
 *
 * The memory comes from the slab of the smallest size class that holds @size
 * (rsbac-8, rsbac-16, ... rsbac-8k, rsbac-16k, ...), never from one shared with
 * the rest of the kernel. It is aligned as kmalloc() would align it.
 *
 * Context: Any but NMI. Works like kmalloc() with GFP_KERNEL, and may sleep,
 * where the kernel can tell that sleeping is allowed; where it is not (a
 * spinlock is held, interrupts or preemption are off, an RCU read-side section
 * or an interrupt is being served), and on kernels that cannot tell, it works
 * like kmalloc() with GFP_ATOMIC and never sleeps.
 *
 * Return: the memory, to be freed with rsbac_kfree(); NULL where @size is 0 or
 * over RSBAC_MAX_KMALLOC, in NMI context, and where there is no memory left.
 */
void *rsbac_kmalloc(size_t size);

/**
 * rsbac_kmalloc_clear - rsbac_kmalloc() of zeroed memory
 * @size: bytes, from 1 to RSBAC_MAX_KMALLOC
 *
 * Context: as rsbac_kmalloc().
 * Return: as rsbac_kmalloc().
 */
void *rsbac_kmalloc_clear(size_t size);

/**
 * rsbac_kmalloc_unlocked - rsbac_kmalloc() for callers that hold no lock
 * @size: bytes, from 1 to RSBAC_MAX_KMALLOC
 *
 * Context: Process context; may sleep (GFP_KERNEL).
 * Return: as rsbac_kmalloc().
 */
void *rsbac_kmalloc_unlocked(size_t size);

/**
 * rsbac_kmalloc_clear_unlocked - rsbac_kmalloc_unlocked() of zeroed memory
 * @size: bytes, from 1 to RSBAC_MAX_KMALLOC
 *
 * Context: Process context; may sleep (GFP_KERNEL).
 * Return: as rsbac_kmalloc().
 */
void *rsbac_kmalloc_clear_unlocked(size_t size);

/**
 * rsbac_kfree - free memory of the four kmalloc calls
 * @objp: what one of them returned, or NULL
 *
 * As with kfree(), an object of a slab of one's own may be freed here, too.
 *
 * A pointer that is not the start of a living object of ours is left alone:
 * one log line names it and the caller, and
 * /sys/kernel/rsbac_mem/errors/wrong_free or double_free counts it. A double
 * free is recognised as long as the memory was not handed out anew.
 *
 * Context: Any but NMI; does not sleep.
 */
void rsbac_kfree(const void *objp);

/**
 * rsbac_vkmalloc - allocate by size: contiguous where possible, else vmalloc
 * @size: bytes, at least 1
 * @vmalloc_used_p: where to put TRUE if vmalloc was used, else FALSE; may be
 *	NULL, as rsbac_vkfree() recognises the memory by itself
 *
 * Up to RSBAC_MAX_KMALLOC rsbac_kmalloc() serves the request, above it
 * vmalloc(); vmalloc() also where contiguous memory is not to be had. Failures
 * leave FALSE behind. What comes from vmalloc() is charged to the kmem group of
 * the calling task.
 *
 * Context: Process context, may sleep. Where sleeping is not allowed only
 * contiguous memory is tried, and sizes over RSBAC_MAX_KMALLOC fail.
 *
 * Return: the memory, to be freed with rsbac_vkfree(), or NULL.
 */
void *rsbac_vkmalloc(size_t size, boolean *vmalloc_used_p);

/**
 * rsbac_vkfree - free memory of rsbac_vkmalloc()
 * @objp: what rsbac_vkmalloc() returned, or NULL
 * @vmalloc_used: what rsbac_vkmalloc() said
 *
 * The memory is freed the way that it was allocated even if @vmalloc_used is
 * wrong: that is logged with the caller's address, and counted in
 * /sys/kernel/rsbac_mem/errors/wrong_flag. Pointers that are not ours are
 * handled as by rsbac_kfree().
 *
 * Context: Any but NMI; does not sleep.
 */
void rsbac_vkfree(void *objp, boolean vmalloc_used);

/**
 * rsbac_slab_create - create a slab of one's own
 * @name: its name in /proc/slabinfo; cut at RSBAC_MAX_SLABNAME - 1 bytes
 * @size: bytes per object, from 1 to RSBAC_MAX_KMALLOC
 *
 * The slab is never merged with another one, so that /proc/slabinfo,
 * /sys/kernel/slab/ and /sys/kernel/rsbac_mem/slabs/ show it under its name.
 *
 * Context: Process context; may sleep.
 *
 * Return: the slab, to be given up with rsbac_slab_destroy(); NULL, with one
 * log line, where the name (as cut) is empty, has a blank or control
 * character, '/' or '!', or is taken by any slab of the system, where the size
 * is 0 or too large, where there are 2,048 slabs of ours already, and where
 * there is no memory left.
 */
struct kmem_cache *rsbac_slab_create(const char *name, size_t size);

/**
 * rsbac_slab_create_rcu - create a slab whose memory outlives RCU readers
 * @name: as rsbac_slab_create()
 * @size: as rsbac_slab_create()
 *
 * The slab is SLAB_TYPESAFE_BY_RCU: a freed object may be reused at once, but
 * its memory stays an object of this slab until a grace period has passed.
 *
 * Context: Process context; may sleep.
 * Return: as rsbac_slab_create().
 */
struct kmem_cache *rsbac_slab_create_rcu(const char *name, size_t size);

/**
 * rsbac_slab_destroy - give a slab up
 * @cache: what rsbac_slab_create() returned, or NULL
 *
 * Refused while objects of the slab are allocated: the log says how many and,
 * where the module was loaded with track=1, by which allocation sites. Slab
 * and objects stay valid then, and the call may be repeated. A pointer that is
 * no slab of ours is logged and counted, and left alone.
 *
 * Context: Process context; may sleep. No allocation from the slab may be
 * under way.
 */
void rsbac_slab_destroy(struct kmem_cache *cache);

/**
 * rsbac_smalloc - allocate an object from a slab of one's own
 * @cache: what rsbac_slab_create() returned
 *
 * Context: as rsbac_kmalloc().
 * Return: the object, to be freed with rsbac_sfree(), or NULL.
 */
void *rsbac_smalloc(struct kmem_cache *cache);

/**
 * rsbac_smalloc_clear - rsbac_smalloc() of a zeroed object
 * @cache: what rsbac_slab_create() returned
 *
 * Context: as rsbac_kmalloc().
 * Return: as rsbac_smalloc().
 */
void *rsbac_smalloc_clear(struct kmem_cache *cache);

/**
 * rsbac_smalloc_unlocked - rsbac_smalloc() for callers that hold no lock
 * @cache: what rsbac_slab_create() returned
 *
 * Context: Process context; may sleep (GFP_KERNEL).
 * Return: as rsbac_smalloc().
 */
void *rsbac_smalloc_unlocked(struct kmem_cache *cache);

/**
 * rsbac_smalloc_clear_unlocked - rsbac_smalloc_unlocked() of a zeroed object
 * @cache: what rsbac_slab_create() returned
 *
 * Context: Process context; may sleep (GFP_KERNEL).
 * Return: as rsbac_smalloc().
 */
void *rsbac_smalloc_clear_unlocked(struct kmem_cache *cache);

/**
 * rsbac_sfree - free an object into its slab
 * @cache: the slab that @mem came from; NULL stands for the kmalloc calls
 * @mem: the object, or NULL
 *
 * With a @cache that @mem is not from, nothing is freed: one log line names
 * both and the caller, and /sys/kernel/rsbac_mem/errors/wrong_slab counts it.
 *
 * Context: Any but NMI; does not sleep.
 */
void rsbac_sfree(struct kmem_cache *cache, void *mem);

#endif /* _RSBAC_RKMEM_H */
