/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the kernel's functions arrive: ftrace's call has put an address inside
 * of the function on the stack, above it is the caller's, and the arguments are
 * where they belong. A trampoline that returns lets the function go on; one
 * that drops ftrace's address and jumps stands in for the whole function.
 * Scratch are rax, r10 and r11, which carry no arguments.
 *
 * What most allocations and frees of marked caches go through is here, and is
 * counted in instructions (benches/kmem). All else is left to paths.c, to which
 * nothing has happened yet then.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/unwind_hints.h>

#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)

#include "offsets.h"

	.section .text, "ax"

/* A field of this CPU's quick words at the place in rax. */
#define QUICK(field)	%gs:kmc_quick + field(, %rax, 8)

/* The place of the cache in rdi: kmc_place() in assembly. */
.macro PLACE
	movzwl	%di, %eax
	shrl	$8, %eax
.endm

/* ZF is clear if the cache in rdi may be marked. */
.macro TEST_CACHE
	PLACE
	cmpb	$0, kmc_filter(%rax)
.endm

/*
 * Leaves in r11 and rcx where the owner of the object in \obj stands, at OWNER;
 * or jumps to \none. Also changes rdx: kmc_owner() in assembly. It is for
 * objects that are in memory for sure, hence no test of the table's ends.
 */
#define OWNER		(%r11, %rcx, 4)
.macro FIND_OWNER obj none
	movq	\obj, %rcx
	shrq	$SHIFT, %rcx
	movq	%rcx, %r11
	shrq	$(WINDOW_SHIFT - SHIFT), %r11
	movq	kmc_owners + OWNERS(%rip), %rdx
	movq	(%rdx, %r11, 8), %r11
	testq	%r11, %r11
	je	\none
.endm

/* Calls \func with \id, and returns the object in rax. */
.macro RETURN_AFTER func id
	pushq	%rax
	movl	\id, %edi
	call	\func
	popq	%rax
	RET
.endm

/*
 * An allocation: takes a charge from this CPU's word, if that is for the task's
 * cgroup, has the kernel allocate, and notes the owner. The charge is taken and
 * its number read with preemption off. There is no test for a resched where it
 * ends: the allocation that follows has its own.
 */
.macro ALLOC name slow rest gfp
SYM_FUNC_START(\name)
	ANNOTATE_NOENDBR
	PLACE
	cmpq	%rdi, kmc_at(, %rax, 8)
	je	.Lquick_\@
	cmpb	$0, kmc_filter(%rax)
	jne	.Lslow_\@
	RET
.Lquick_\@:
	testl	$INTERRUPT_MASK, PER_CPU_VAR(__preempt_count)
	jne	.Lslow_\@
	incl	PER_CPU_VAR(__preempt_count)
	movq	PER_CPU_VAR(current_task), %r10
	movq	TASK_CGROUPS(%r10), %r10
	movq	CSS_SET_DFL_CGRP(%r10), %r10
	cmpq	%r10, QUICK(0)
	jne	.Lother_\@
	lock decb QUICK(QUICK_CREDIT)
	js	.Lno_credit_\@
	movl	QUICK(QUICK_WORD), %r10d
	decl	PER_CPU_VAR(__preempt_count)
	/* In place of ftrace's address, which nobody returns to. */
	movl	%r10d, (%rsp)
	movl	\gfp, 4(%rsp)
	UNWIND_HINT sp_reg=ORC_REG_SP sp_offset=16 type=UNWIND_HINT_TYPE_CALL
	call	__SCT__\rest
	popq	%r10
	UNWIND_HINT_FUNC
	testq	%rax, %rax
	je	.Lno_object_\@
	FIND_OWNER %rax .Lnew_window_\@
	xchgl	%r10d, OWNER
	testl	%r10d, %r10d
	jne	.Lstale_\@
	RET

.Lno_object_\@:
	RETURN_AFTER kmc_given %r10d
.Lstale_\@:
	RETURN_AFTER kmc_reconcile %r10d
.Lnew_window_\@:
	pushq	%rax
	movq	%rax, %rdi
	movl	%r10d, %esi
	shrq	$32, %r10
	movl	%r10d, %edx
	call	kmc_own_slow
	popq	%rax
	RET

.Lno_credit_\@:
	UNWIND_HINT_FUNC
	lock incb QUICK(QUICK_CREDIT)
.Lother_\@:
	decl	PER_CPU_VAR(__preempt_count)
.Lslow_\@:
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	\slow
SYM_FUNC_END(\name)
.endm

	ALLOC kmc_tramp_alloc kmc_alloc kmc_rest_alloc %esi
	ALLOC kmc_tramp_alloc_node kmc_alloc_node kmc_rest_node %esi
	ALLOC kmc_tramp_alloc_lru kmc_alloc_lru kmc_rest_lru %edx

.macro STAND_IN name func
SYM_FUNC_START(\name)
	ANNOTATE_NOENDBR
	TEST_CACHE
	jne	.Lmarked_\@
	RET
.Lmarked_\@:
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	\func
SYM_FUNC_END(\name)
.endm

	STAND_IN kmc_tramp_alloc_bulk kmc_alloc_bulk
	STAND_IN kmc_tramp_alloc_sheaf kmc_alloc_sheaf
	STAND_IN kmc_tramp_destroy kmc_destroy

SYM_FUNC_START(kmc_tramp_create)
	ANNOTATE_NOENDBR
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	kmc_create
SYM_FUNC_END(kmc_tramp_create)

/*
 * Has a free noted, by its arguments or by its owner's \id, and lets the function
 * go on with its arguments.
 */
.macro NOTE func id
	pushq	%rdi
	pushq	%rsi
	.ifnb \id
	movl	\id, %edi
	.endif
	call	\func
	popq	%rsi
	popq	%rdi
	RET
.endm

/*
 * kmem_cache_free(cache, object): gives the charge to this CPU's word, if that
 * is for the owner. Objects that are nobody's have the number 0, which no word has.
 */
SYM_FUNC_START(kmc_tramp_free)
	ANNOTATE_NOENDBR
	TEST_CACHE
	jne	.Lfree
	RET
.Lfree:
	FIND_OWNER %rsi .Lfree_small
	xorl	%r10d, %r10d
	xchgl	%r10d, OWNER
	incl	PER_CPU_VAR(__preempt_count)
	cmpl	%r10d, QUICK(QUICK_WORD)
	jne	.Lfree_other
	lock incb QUICK(QUICK_CREDIT)
	js	.Lfree_full
	decl	PER_CPU_VAR(__preempt_count)
	RET

.Lfree_full:
	lock decb QUICK(QUICK_CREDIT)
	decl	PER_CPU_VAR(__preempt_count)
	NOTE	kmc_quick_full %r10d
.Lfree_other:
	decl	PER_CPU_VAR(__preempt_count)
	testl	%r10d, %r10d
	je	.Lfree_small
	NOTE	kmc_given %r10d
.Lfree_small:
	cmpq	$0, kmc_owners + SMALL(%rip)
	jne	.Lfree_c
	RET
.Lfree_c:
	NOTE	kmc_free_second
SYM_FUNC_END(kmc_tramp_free)

/* Jumps to \no unless objects in the window of \obj may have owners. */
.macro TEST_WINDOW obj no
	movq	\obj, %rax
	cmpq	kmc_windows_start(%rip), %rax	/* NULL, for one */
	jb	\no
	shrq	$WINDOW_SHIFT, %rax
	movq	kmc_owners + OWNERS(%rip), %r11
	cmpq	$0, (%r11, %rax, 8)
	jne	.Lyes_\@
	movq	kmc_owners + SMALL(%rip), %r11
	testq	%r11, %r11
	je	\no
	cmpq	$0, (%r11, %rax, 8)
	je	\no
.Lyes_\@:
.endm

SYM_FUNC_START(kmc_tramp_kfree_rcu)
	ANNOTATE_NOENDBR
	cmpq	kmc_windows_end(%rip), %rsi	/* memory of vmalloc() */
	jae	.Lkfree_rcu_out
	TEST_WINDOW %rsi .Lkfree_rcu_out
	NOTE	kmc_free_second
.Lkfree_rcu_out:
	RET
SYM_FUNC_END(kmc_tramp_kfree_rcu)

SYM_FUNC_START(kmc_tramp_kfree)
	ANNOTATE_NOENDBR
	TEST_WINDOW %rdi .Lkfree_out
	NOTE	kmc_free
.Lkfree_out:
	RET
SYM_FUNC_END(kmc_tramp_kfree)

/* kmem_cache_free_bulk(NULL, ...) frees objects of any caches. */
SYM_FUNC_START(kmc_tramp_free_bulk)
	ANNOTATE_NOENDBR
	testq	%rdi, %rdi
	je	.Lbulk
	TEST_CACHE
	jne	.Lbulk
	RET
.Lbulk:
	pushq	%rdx
	pushq	%rdi
	pushq	%rsi
	call	kmc_free_bulk
	popq	%rsi
	popq	%rdi
	popq	%rdx
	RET
SYM_FUNC_END(kmc_tramp_free_bulk)

#endif

	.section .note.GNU-stack, "", @progbits
