/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the kernel's functions arrive: ftrace's call has put an address inside
 * of the function on the stack, above it is the caller's, and the arguments are
 * where they belong. A trampoline that returns lets the function go on; one
 * that drops ftrace's address and jumps stands in for the whole function.
 * Scratch are rax, r10 and r11, which carry no arguments.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/ibt.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)

	.section .text, "ax"

/* ZF is clear if the cache in rdi may be marked: kmc_place() in assembly. */
.macro TEST_CACHE
	movq	%rdi, %rax
	shrq	$6, %rax
	andl	$4095, %eax
	cmpb	$0, kmc_filter(%rax)
.endm

/* Jumps to \no unless the object in \reg is in memory that the table covers. */
.macro TEST_OBJECT reg no
	movq	\reg, %rax
	subq	kmc_base(%rip), %rax
	shrq	$18, %rax
	cmpq	kmc_top_len(%rip), %rax
	jae	\no
	movq	kmc_top(%rip), %r11
	cmpq	$0, (%r11, %rax, 8)
	je	\no
.endm

/* Calls \func, with \first (and \second) as its arguments, and comes back. */
.macro NOTE func first second
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	.ifnb	\first
	movq	\first, %rdi
	.endif
	.ifnb	\second
	movq	\second, %rsi
	.endif
	call	\func
	popq	%rdx
	popq	%rsi
	popq	%rdi
	popq	%rbp
.endm

.macro STAND_IN name func
SYM_FUNC_START(\name)
	ENDBR
	TEST_CACHE
	jne	.Lmarked_\@
	RET
.Lmarked_\@:
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	\func
SYM_FUNC_END(\name)
.endm

	STAND_IN kmc_tramp_alloc kmc_alloc
	STAND_IN kmc_tramp_alloc_lru kmc_alloc_lru
	STAND_IN kmc_tramp_alloc_node kmc_alloc_node
	STAND_IN kmc_tramp_alloc_bulk kmc_alloc_bulk
	STAND_IN kmc_tramp_alloc_sheaf kmc_alloc_sheaf
	STAND_IN kmc_tramp_destroy kmc_destroy

SYM_FUNC_START(kmc_tramp_create)
	ENDBR
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	kmc_create
SYM_FUNC_END(kmc_tramp_create)

SYM_FUNC_START(kmc_tramp_free)
	ENDBR
	TEST_CACHE
	je	.Lfree_out
	NOTE	kmc_free %rsi
.Lfree_out:
	RET
SYM_FUNC_END(kmc_tramp_free)

SYM_FUNC_START(kmc_tramp_kfree)
	ENDBR
	TEST_OBJECT %rdi .Lkfree_out
	NOTE	kmc_free
.Lkfree_out:
	RET
SYM_FUNC_END(kmc_tramp_kfree)

SYM_FUNC_START(kmc_tramp_kfree_rcu)
	ENDBR
	TEST_OBJECT %rsi .Lkfree_rcu_out
	NOTE	kmc_free %rsi
.Lkfree_rcu_out:
	RET
SYM_FUNC_END(kmc_tramp_kfree_rcu)

/* kmem_cache_free_bulk(NULL, ...) frees objects of any caches. */
SYM_FUNC_START(kmc_tramp_free_bulk)
	ENDBR
	testq	%rdi, %rdi
	je	.Lbulk_note
	TEST_CACHE
	je	.Lbulk_out
.Lbulk_note:
	NOTE	kmc_free_bulk %rsi %rdx
.Lbulk_out:
	RET
SYM_FUNC_END(kmc_tramp_free_bulk)

#endif

	.section .note.GNU-stack, "", @progbits
