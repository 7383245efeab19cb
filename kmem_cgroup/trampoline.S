/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the kernel's functions arrive: ftrace's call has put an address inside
 * of the function on the stack, above it is the caller's, and the arguments are
 * where they belong. A trampoline that returns lets the function go on; one
 * that drops ftrace's address and jumps stands in for the whole function.
 * Scratch are rax, r10 and r11, which carry no arguments.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)

	.section .text, "ax"

/* ZF is clear if the cache in rdi may be marked: kmc_place() in assembly. */
.macro TEST_CACHE
	movzwl	%di, %eax
	shrl	$6, %eax
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

	STAND_IN kmc_tramp_alloc kmc_alloc
	STAND_IN kmc_tramp_alloc_lru kmc_alloc_lru
	STAND_IN kmc_tramp_alloc_node kmc_alloc_node
	STAND_IN kmc_tramp_alloc_bulk kmc_alloc_bulk
	STAND_IN kmc_tramp_alloc_sheaf kmc_alloc_sheaf
	STAND_IN kmc_tramp_destroy kmc_destroy

SYM_FUNC_START(kmc_tramp_create)
	ANNOTATE_NOENDBR
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	kmc_create
SYM_FUNC_END(kmc_tramp_create)

/* Has a free noted, and lets the function go on with its arguments. */
.macro NOTE func
	pushq	%rdi
	pushq	%rsi
	call	\func
	popq	%rsi
	popq	%rdi
	RET
.endm

SYM_FUNC_START(kmc_tramp_free)
	ANNOTATE_NOENDBR
	TEST_CACHE
	jne	.Lfree
	RET
.Lfree:
	NOTE	kmc_free_second
SYM_FUNC_END(kmc_tramp_free)

SYM_FUNC_START(kmc_tramp_kfree_rcu)
	ANNOTATE_NOENDBR
	TEST_OBJECT %rsi .Lkfree_rcu_out
	NOTE	kmc_free_second
.Lkfree_rcu_out:
	RET
SYM_FUNC_END(kmc_tramp_kfree_rcu)

SYM_FUNC_START(kmc_tramp_kfree)
	ANNOTATE_NOENDBR
	TEST_OBJECT %rdi .Lkfree_out
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
