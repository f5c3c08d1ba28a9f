/*
 * Between 4-level and 5-level paging, as a function that is called in its copy.
 *
 * CR4.LA57 may change only while long mode is inactive, and 32-bit code can
 * load CR3 with an address below 4G only. So the whole function is copied below
 * 4G, its caller's stack stays where it is, and nothing but registers is used
 * while paging is off.
 *
 * In:	64-bit mode, interrupts off; %edi has the top-level table, below 4G, for
 *	the number of levels that is not in use; the return address on a stack
 *	anywhere. Who made the copy has added its address to the immediate
 *	at trampoline_immediate.
 * Out:	64-bit mode, the other number of levels; %rbx, %rbp, %rsp and %r12 to
 *	%r15 as they were. %rax, %rcx, %rdx and the flags are not.
 */

	/* Selectors of the caller's GDT. */
	.set	CS32, 0x08
	.set	CS64, 0x10

	.set	CR0_PG_BIT, 31
	.set	CR4_LA57_BIT, 12
	.set	MSR_EFER, 0xc0000080
	.set	EFER_LME_BIT, 8

	.text
	.code64
trampoline:
	/* 32-bit code cuts registers to their lower halves, as far as is promised. */
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%rbp
	pushq	%rbx

	/* The upper half of %rsp waits in a lower half. */
	movq	%rsp, %rbx
	shrq	$32, %rbx

	pushq	$CS32
	leaq	trampoline_32(%rip), %rax
	pushq	%rax
trampoline_far_return:
	lretq

trampoline_return_part:
	shlq	$32, %rbx
rebuild_rsp:
	orq	%rbx, %rsp
trampoline_first_pop:
	popq	%rbx
	popq	%rbp
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
trampoline_ret:
	retq

	.code32
trampoline_32:
	movl	%cr0, %eax
	btrl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0

trampoline_cr3_load:
	movl	%edi, %cr3

	/* Set already where the caller was in long mode. */
	movl	$MSR_EFER, %ecx
	rdmsr
	btsl	$EFER_LME_BIT, %eax
	jc	1f
trampoline_efer_write:
	wrmsr
1:
	movl	%cr4, %eax
	btcl	$CR4_LA57_BIT, %eax
	movl	%eax, %cr4

	movl	%cr0, %eax
	btsl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0

	/* Where the copy is, only who made it knows. */
trampoline_far_jump:
	.byte	0xea
trampoline_immediate:
	.long	trampoline_return_part - trampoline
	.word	CS64
trampoline_offset_word:
	.word	trampoline_immediate - trampoline
trampoline_end:
