/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools of memory that can be sealed read-only, and rarely written.
 *
 * Source-compatible with pmalloc as posted (v21, v22) and with prmem: where the
 * one has pmalloc_create_pool() and the other pmalloc_create_pool(mode), both
 * compile. What goes beyond them is marked so. Documentation/pmalloc.md is the
 * guide to all of it.
 *
 * "Sealed" means: a write through the pointer faults, and so does a write to
 * the same memory through the kernel's direct map, as far as the kernel lets a
 * module protect that; /sys/kernel/rsbac_mem/pmalloc/<pool>/protection says
 * "full" or "area". The kernel's own page tables are not protected.
 */
#ifndef _LINUX_PMALLOC_H
#define _LINUX_PMALLOC_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/instruction_pointer.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <asm/barrier.h>

struct pmalloc_pool;
struct pmalloc_cache;

/*
 * When memory of a pool becomes read-only, and whether it is write-rare, that
 * is writable by the wr_* calls alone:
 *
 * mode      after pmalloc()         when an area fills  after protect_pool
 * RO        writable                writable            read-only
 * WR        writable                writable            write-rare
 * AUTO_RO   newest area writable    read-only           read-only
 * AUTO_WR   newest area writable    write-rare          write-rare
 * START_WR  write-rare              write-rare          write-rare
 */
#define PMALLOC_MODE_RO		0
#define PMALLOC_MODE_WR		1
#define PMALLOC_MODE_AUTO_RO	2
#define PMALLOC_MODE_AUTO_WR	3
#define PMALLOC_MODE_START_WR	4

/* Beyond prmem; to be or-ed to a mode. The first and the last cost 16 bytes */
/* per object, VERIFIED 8 bytes per page and two hashes per write. */
#define PMALLOC_MODE_FREEABLE	0x10	/* pfree() and caches work */
#define PMALLOC_MODE_VERIFIED	0x20	/* pmalloc_verify() works */
#define PMALLOC_MODE_COOKIE	0x40	/* wr_* must present a cookie */

/* What to give for @refill and @align_order to have the defaults. */
#define PMALLOC_REFILL_DEFAULT	0
#define PMALLOC_ALIGN_DEFAULT	(-1)

/**
 * pmalloc_create_named_pool - create a pool
 * @name: its name in /sys/kernel/rsbac_mem/pmalloc/, from 1 to 48 printable
 *	characters without '/' and '!'; NULL for the caller's module and a number
 * @refill: bytes of an area at least, rounded up to pages; 0 for one page
 * @align_order: log2 of the alignment of objects, up to PAGE_SHIFT; below 0 for
 *	that of kmalloc()
 * @mode: one of PMALLOC_MODE_*
 *
 * Memory is only taken when it is allocated from the pool. For areas of 2 MiB
 * or more let @refill be a multiple of that.
 *
 * Context: Process context; may sleep.
 *
 * Return: the pool, to be given up with pmalloc_destroy_pool(); NULL where a
 * parameter is wrong, the name is taken, there is no memory, or the module was
 * loaded with require_full_protection=1 and the kernel does not allow that. The
 * module cannot be unloaded while there are pools.
 */
struct pmalloc_pool *pmalloc_create_named_pool(const char *name, size_t refill,
					       short align_order, u8 mode);

#define __pmalloc_mode(_, mode, ...) (mode)

/**
 * pmalloc_create_custom_pool - create a pool with areas and alignment to choose
 * @refill: as pmalloc_create_named_pool()
 * @align_order: as pmalloc_create_named_pool()
 * @...: the mode; PMALLOC_MODE_RO if left out
 *
 * Context: as pmalloc_create_named_pool().
 * Return: as pmalloc_create_named_pool().
 */
#define pmalloc_create_custom_pool(refill, align_order, ...)		\
	pmalloc_create_named_pool(NULL, refill, align_order,		\
				  __pmalloc_mode(0, ##__VA_ARGS__,	\
						 PMALLOC_MODE_RO))

/**
 * pmalloc_create_pool - create a pool with the default areas and alignment
 * @...: the mode; PMALLOC_MODE_RO if left out
 *
 * Context: as pmalloc_create_named_pool().
 * Return: as pmalloc_create_named_pool().
 */
#define pmalloc_create_pool(...)					\
	pmalloc_create_named_pool(NULL, PMALLOC_REFILL_DEFAULT,		\
				  PMALLOC_ALIGN_DEFAULT,		\
				  __pmalloc_mode(0, ##__VA_ARGS__,	\
						 PMALLOC_MODE_RO))

/**
 * pmalloc - allocate memory from a pool
 * @pool: the pool
 * @size: bytes, at least 1
 *
 * The memory is zeroed, and is freed with its pool; see pfree() for pools with
 * PMALLOC_MODE_FREEABLE. From a START_WR pool it can be written by the wr_*
 * calls only. After pmalloc_protect_pool() allocation goes on in a new area.
 * Areas are charged to the kmem group of the task that first needs them.
 *
 * Context: Process context; may sleep.
 * Return: the memory, or NULL: no memory, @size 0, or the pool's cap or the
 * group's max is reached.
 */
void *pmalloc(struct pmalloc_pool *pool, size_t size);

/**
 * pzalloc - pmalloc(), zeroed also if that should change there
 * @pool: the pool
 * @size: bytes, at least 1
 *
 * Context: as pmalloc().
 * Return: as pmalloc().
 */
void *pzalloc(struct pmalloc_pool *pool, size_t size);

/**
 * pmalloc_array - allocate an array from a pool
 * @pool: the pool
 * @n: number of elements
 * @size: bytes of an element
 *
 * Context: as pmalloc().
 * Return: as pmalloc(); NULL also where @n is 0, or the product overflows.
 */
static inline void *pmalloc_array(struct pmalloc_pool *pool, size_t n,
				  size_t size)
{
	size_t bytes;

	if (!n || check_mul_overflow(n, size, &bytes))
		return NULL;
	return pmalloc(pool, bytes);
}

/**
 * pcalloc - allocate a zeroed array from a pool
 * @pool: the pool
 * @n: number of elements
 * @size: bytes of an element
 *
 * Context: as pmalloc().
 * Return: as pmalloc_array().
 */
static inline void *pcalloc(struct pmalloc_pool *pool, size_t n, size_t size)
{
	size_t bytes;

	if (!n || check_mul_overflow(n, size, &bytes))
		return NULL;
	return pzalloc(pool, bytes);
}

/**
 * pstrdup - copy a string into a pool
 * @pool: the pool
 * @s: the string
 *
 * Works for pools of all modes.
 *
 * Context: as pmalloc().
 * Return: the copy, or NULL as pmalloc(); NULL also where @s is NULL.
 */
char *pstrdup(struct pmalloc_pool *pool, const char *s);

/**
 * pmalloc_protect_pool - seal all that was allocated from a pool so far
 * @pool: the pool
 *
 * What is left of the current area is given up. Whoever writes to the memory
 * on another CPU meanwhile may or may not fault; after the return all do.
 *
 * Context: Process context; may sleep. One flush of all TLBs for each area.
 */
void pmalloc_protect_pool(struct pmalloc_pool *pool);

/**
 * pmalloc_make_pool_ro - end write-rare for a pool, and seal it
 * @pool: the pool
 *
 * There is no way back; later allocations are as from an RO or AUTO_RO pool.
 *
 * Context: Process context; may sleep.
 */
void pmalloc_make_pool_ro(struct pmalloc_pool *pool);

/**
 * pmalloc_destroy_pool - free a pool with all its memory
 * @pool: the pool, or NULL
 *
 * Nobody may use the memory any more, as with kfree(). Late readers fault;
 * they never see memory that has become somebody else's.
 *
 * Context: Process context; may sleep.
 */
void pmalloc_destroy_pool(struct pmalloc_pool *pool);

/**
 * is_pmalloc_object - whether a range is memory of any pool
 * @ptr: its start
 * @n: its bytes
 *
 * Context: Any.
 * Return: true if all of it lies in one area of a pool.
 */
bool is_pmalloc_object(const void *ptr, unsigned long n);

/**
 * pmalloc_require - whether a range was allocated from this very pool
 * @pool: the pool
 * @ptr: its start
 * @size: its bytes
 *
 * Beyond prmem. To be asked before data that should be in a sealed pool is
 * believed. A range that is not is named in the log, and counted.
 *
 * Context: Process context; may sleep.
 * Return: true if all of it lies in one area of @pool, in the part that was
 * handed out.
 */
bool pmalloc_require(struct pmalloc_pool *pool, const void *ptr, size_t size);

/**
 * pmalloc_set_cap - limit the memory of a pool
 * @pool: the pool
 * @bytes: of all its areas; SIZE_MAX for no limit
 *
 * Beyond prmem. Allocations that need an area over the cap fail, and are
 * counted in the pool's failcnt. What the pool has already it keeps.
 *
 * Context: Process context; may sleep.
 */
void pmalloc_set_cap(struct pmalloc_pool *pool, size_t bytes);

/**
 * pfree - free one object
 * @pool: the pool, created with PMALLOC_MODE_FREEABLE
 * @ptr: what pmalloc() returned, or NULL
 *
 * Beyond prmem. The object is zeroed, whatever its protection. Its room is used
 * again where pmalloc() can hand out writable memory there, and in START_WR
 * pools; a sealed area goes back to the kernel with its last object. A pointer
 * that is not the start of a living object of @pool is left alone.
 *
 * Context: Process context; may sleep.
 */
void pfree(struct pmalloc_pool *pool, const void *ptr);

/**
 * pmalloc_cache_create - make a cache of objects of one size in a pool
 * @pool: the pool, created with PMALLOC_MODE_FREEABLE
 * @size: bytes of an object, at least 1
 *
 * Beyond prmem. Objects are protected with their pool.
 *
 * Context: Process context; may sleep.
 * Return: the cache, for pmalloc_cache_destroy(), or NULL.
 */
struct pmalloc_cache *pmalloc_cache_create(struct pmalloc_pool *pool,
					   size_t size);

/**
 * pmalloc_cache_alloc - allocate an object of a cache
 * @cache: the cache
 *
 * Context: as pmalloc().
 * Return: the object, zeroed, or NULL as pmalloc().
 */
void *pmalloc_cache_alloc(struct pmalloc_cache *cache);

/**
 * pmalloc_cache_free - free an object of a cache
 * @cache: the cache
 * @ptr: the object, or NULL
 *
 * As pfree(); objects of another size than the cache's are left alone.
 *
 * Context: as pfree().
 */
void pmalloc_cache_free(struct pmalloc_cache *cache, const void *ptr);

/**
 * pmalloc_cache_destroy - give a cache up
 * @cache: the cache, or NULL
 *
 * Objects that are allocated stay with the pool. May also be called after the
 * pool was destroyed.
 *
 * Context: Process context; may sleep.
 */
void pmalloc_cache_destroy(struct pmalloc_cache *cache);

/**
 * pmalloc_verify - compare all sealed memory of a pool with its digests
 * @pool: the pool, created with PMALLOC_MODE_VERIFIED
 *
 * Beyond prmem. Tells what page tables cannot stop: devices, flipped bits,
 * writes through mappings of somebody else.
 *
 * Context: Process context; may sleep.
 * Return: 0 if all is as it was written, -EBADMSG if not, -EOPNOTSUPP for pools
 * without digests, -EINVAL if @pool is none.
 */
int pmalloc_verify(struct pmalloc_pool *pool);

/**
 * pmalloc_verify_object - compare the pages of an object with their digests
 * @ptr: an address in a pool that was created with PMALLOC_MODE_VERIFIED
 * @size: bytes from there on, at least 1
 *
 * Context: Any but NMI; does not sleep.
 * Return: as pmalloc_verify(); -EINVAL if the range is not in one area of a
 * pool. 0 for areas that are not sealed.
 */
int pmalloc_verify_object(const void *ptr, size_t size);

/**
 * pmalloc_alloc_cookie - allocate an object that only a cookie opens
 * @pool: the pool, created with PMALLOC_MODE_COOKIE and write-rare
 * @size: bytes, at least 1
 * @cookie: what wr_memcpy_cookie() and wr_memset_cookie() must present; choose
 *	it with get_random_u64()
 *
 * Beyond prmem. The cookie is kept as a keyed hash. Objects of pmalloc() in
 * such a pool have the cookie 0.
 *
 * Context: as pmalloc().
 * Return: as pmalloc().
 */
void *pmalloc_alloc_cookie(struct pmalloc_pool *pool, size_t size, u64 cookie);

/*
 * Write-rare. All of these may be called from any context but NMI, also with
 * interrupts off and with spinlocks held, and never sleep. The target must lie
 * in one area of a pool of mode WR, AUTO_WR or START_WR, wholly; otherwise
 * nothing is written, one log line names the target and the caller, and
 * /sys/kernel/rsbac_mem/pmalloc/refused counts it. Words of up to 8 bytes that
 * are aligned at the target are written whole: readers see the old or the new
 * one. No mapping stays behind that could be written through, and at no time is
 * there one that another CPU can use.
 */

/* The operations of pmalloc_wr_atomic(). */
enum pmalloc_wr_op {
	PMALLOC_WR_ADD,
	PMALLOC_WR_SUB,
	PMALLOC_WR_AND,
	PMALLOC_WR_OR,
	PMALLOC_WR_XOR,
	PMALLOC_WR_XCHG,
	PMALLOC_WR_CMPXCHG,
};

/* The place of a call. _THIS_IP_ may be one for a whole function. */
#ifdef CONFIG_X86_64
#define __PMALLOC_IP							\
({									\
	unsigned long __ip;						\
									\
	asm volatile("lea 0(%%rip), %0" : "=r" (__ip));			\
	__ip;								\
})
#else
#define __PMALLOC_IP _THIS_IP_
#endif

/* What the calls below are made of; @caller is for the log and the ledger. */
bool pmalloc_wr_memcpy(const void *dst, const void *src, size_t size,
		       unsigned long caller);
bool pmalloc_wr_memset(const void *dst, int c, size_t size, unsigned long caller);
bool pmalloc_wr_memcpy_cookie(const void *obj, size_t offset, const void *src,
			      size_t size, u64 cookie, unsigned long caller);
bool pmalloc_wr_memset_cookie(const void *obj, size_t offset, int c, size_t size,
			      u64 cookie, unsigned long caller);
bool pmalloc_wr_atomic(const void *dst, size_t size, int op, u64 operand, u64 *old,
		       unsigned long caller);

/**
 * wr_memcpy - copy to write-rare memory
 * @dst: the target
 * @src: readable memory of the kernel
 * @size: bytes
 *
 * Return: true if written.
 */
static __always_inline bool wr_memcpy(const void *dst, const void *src,
				      size_t size)
{
	return pmalloc_wr_memcpy(dst, src, size, __PMALLOC_IP);
}

/**
 * wr_memset - fill write-rare memory
 * @dst: the target
 * @c: the byte to fill it with
 * @size: bytes
 *
 * Return: true if written.
 */
static __always_inline bool wr_memset(const void *dst, int c, size_t size)
{
	return pmalloc_wr_memset(dst, c, size, __PMALLOC_IP);
}

/**
 * wr_memcpy_cookie - copy into an object that needs a cookie
 * @obj: what pmalloc_alloc_cookie() returned
 * @offset: bytes into the object
 * @src: readable memory of the kernel
 * @size: bytes; the object must have them after @offset
 * @cookie: the object's cookie
 *
 * Return: true if written.
 */
static __always_inline bool wr_memcpy_cookie(const void *obj, size_t offset,
					     const void *src, size_t size,
					     u64 cookie)
{
	return pmalloc_wr_memcpy_cookie(obj, offset, src, size, cookie, __PMALLOC_IP);
}

/**
 * wr_memset_cookie - fill a part of an object that needs a cookie
 * @obj: what pmalloc_alloc_cookie() returned
 * @offset: bytes into the object
 * @c: the byte to fill it with
 * @size: bytes; the object must have them after @offset
 * @cookie: the object's cookie
 *
 * Return: true if written.
 */
static __always_inline bool wr_memset_cookie(const void *obj, size_t offset,
					     int c, size_t size, u64 cookie)
{
	return pmalloc_wr_memset_cookie(obj, offset, c, size, cookie, __PMALLOC_IP);
}

/**
 * wr_assign - assign to a write-rare variable of any type
 * @var: the variable, an lvalue
 * @value: the value
 *
 * Return: true if written.
 */
#define wr_assign(var, value)						\
({									\
	__typeof_unqual__(var) __wr_value = (value);			\
	wr_memcpy(&(var), &__wr_value, sizeof(__wr_value));		\
})

/**
 * wr_ptr - assign to a write-rare pointer
 * @dst: where the pointer is
 * @value: the pointer
 *
 * Return: true if written.
 */
static __always_inline bool wr_ptr(const void *dst, const void *value)
{
	return wr_memcpy(dst, &value, sizeof(value));
}

/**
 * wr_rcu_assign_pointer - publish a pointer in write-rare memory to RCU readers
 * @p: the pointer, an lvalue
 * @v: the value
 *
 * What was written before, readers who find @v with rcu_dereference() see.
 *
 * Return: true if written.
 */
#define wr_rcu_assign_pointer(p, v)					\
({									\
	const void *__wr_pointer = (const void __force *)(v);		\
	/* What it points to must be visible before it is. */		\
	smp_mb();							\
	wr_ptr((const void __force *)&(p), __wr_pointer);		\
})

#define __PMALLOC_WR_TYPED(name, type)					\
static __always_inline bool wr_##name(const type *dst, type value)	\
{									\
	return wr_memcpy(dst, &value, sizeof(value));			\
}

/* wr_char(dst, value) and so on: assign one value of that type. */
__PMALLOC_WR_TYPED(char, char)
__PMALLOC_WR_TYPED(short, short)
__PMALLOC_WR_TYPED(ushort, unsigned short)
__PMALLOC_WR_TYPED(int, int)
__PMALLOC_WR_TYPED(uint, unsigned int)
__PMALLOC_WR_TYPED(long, long)
__PMALLOC_WR_TYPED(ulong, unsigned long)
__PMALLOC_WR_TYPED(longlong, long long)
__PMALLOC_WR_TYPED(ulonglong, unsigned long long)

#define __wr_op(ptr, op, operand, oldp)					\
({									\
	__typeof_unqual__(*(ptr)) __wr_old = 0;				\
	typeof(__wr_old) *__wr_oldp = (oldp);				\
	u64 __wr_word = (u64)(__wr_oldp ? *__wr_oldp : __wr_old);	\
	bool __wr_done;							\
									\
	BUILD_BUG_ON(sizeof(*(ptr)) > sizeof(u64));			\
	__wr_done = pmalloc_wr_atomic((ptr), sizeof(*(ptr)), (op),		\
				(u64)(operand), &__wr_word, __PMALLOC_IP);	\
	if (__wr_oldp)							\
		*__wr_oldp = (typeof(__wr_old))__wr_word;		\
	__wr_done;							\
})

/**
 * wr_add - add to an integer of 8 to 64 bits
 * @ptr: the integer, aligned to its size
 * @value: what to add
 *
 * Atomic against all other wr_* calls. Beyond prmem, as are wr_sub(), wr_and(),
 * wr_or(), wr_xor(), which work alike, and wr_inc() and wr_dec().
 *
 * Return: true if written.
 */
#define wr_add(ptr, value)	__wr_op(ptr, PMALLOC_WR_ADD, value, NULL)
#define wr_sub(ptr, value)	__wr_op(ptr, PMALLOC_WR_SUB, value, NULL)
#define wr_and(ptr, value)	__wr_op(ptr, PMALLOC_WR_AND, value, NULL)
#define wr_or(ptr, value)	__wr_op(ptr, PMALLOC_WR_OR, value, NULL)
#define wr_xor(ptr, value)	__wr_op(ptr, PMALLOC_WR_XOR, value, NULL)
#define wr_inc(ptr)		wr_add(ptr, 1)
#define wr_dec(ptr)		wr_sub(ptr, 1)

/**
 * wr_xchg - exchange an integer or pointer of 8 to 64 bits
 * @ptr: the value, an integer aligned to its size
 * @value: the new value
 * @oldp: where to put the old one
 *
 * Return: true if written.
 */
#define wr_xchg(ptr, value, oldp) __wr_op(ptr, PMALLOC_WR_XCHG, value, oldp)

/**
 * wr_cmpxchg - exchange an integer of 8 to 64 bits if it has a certain value
 * @ptr: the integer, aligned to its size
 * @oldp: the value that it must have; what it had is put there
 * @value: the new value
 *
 * Return: true if written.
 */
#define wr_cmpxchg(ptr, oldp, value) __wr_op(ptr, PMALLOC_WR_CMPXCHG, value, oldp)

#endif /* _LINUX_PMALLOC_H */
