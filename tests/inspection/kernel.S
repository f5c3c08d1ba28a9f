/*
 * What inspection looks for in a decompressor, and little else: a GDT, switches
 * both ways, the paging-mode trampoline and the two forms of who calls it. The
 * payload holds a second trampoline, which is not code of this image.
 */

	.macro	TRAMPOLINE name
\name:
	pushq	%rbx
	movq	%rsp, %rbx
	shrq	$32, %rbx
	pushq	$0x08
	leaq	\name\()_32(%rip), %rax
	pushq	%rax
\name\()_far_return:
	lretq
\name\()_return_part:
	shlq	$32, %rbx
	orq	%rbx, %rsp
\name\()_first_pop:
	popq	%rbx
\name\()_ret:
	retq
	.code32
\name\()_32:
	movl	%cr0, %eax
	btrl	$31, %eax
	movl	%eax, %cr0
\name\()_cr3_load:
	movl	%edi, %cr3
	movl	%cr4, %eax
	btcl	$12, %eax
	movl	%eax, %cr4
	movl	%cr0, %eax
	btsl	$31, %eax
	movl	%eax, %cr0
\name\()_far_jump:
	ljmpl	$0x10, $\name\()_return_part - \name
\name\()_end:
\name\()_offset_word:
	.word	\name\()_far_jump + 1 - \name
	.code64
	.endm

	.macro	SITE name
	leaq	\name(%rip), %rsi
	movzwl	\name\()_offset_word(%rip), %eax
	movl	$20, %ecx
	movq	%rdx, %rdi
	rep	movsq
	addl	%edx, (%rdx, %rax)
	callq	*%rdx
	.endm

	.text
	.code32
startup_32:
	pushl	$0x10
	pushl	%eax
	movl	$0x80000001, %eax
	movl	%eax, %cr0
low_return:
	lretl

	.org	0x200
	.code64
startup_64:
	cli
	leaq	gdt64(%rip), %rax
	addq	%rax, 2(%rax)
	lgdt	(%rax)
	pushq	$0x10
	leaq	1f(%rip), %rax
	pushq	%rax
	lretq
1:	subl	$(image_end - startup_32), %ebx
	leaq	(stack_end - startup_32)(%rbx), %rsp
	leaq	(final_table - startup_32)(%rbx), %rsi
site_caller:
	callq	site_function
	callq	efi_setup_function
	callq	efi_switch_function
	hlt

	.balign	16
payload:
	TRAMPOLINE fake
	SITE	fake
	SITE	trampoline
	.balign	16
payload_end:

	.balign	16
find_option:
	xorl	%eax, %eax
	retq
memcpy:
	movq	%rdi, %rax
	movq	%rdx, %rcx
	rep	movsb
	retq

	.balign	16
site_function:
	pushq	%rbp
	movq	%rsi, %rbp
	leaq	option(%rip), %rdi
	callq	find_option
	testl	%eax, %eax
	jne	2f
	leaq	save_area(%rip), %r12
	movq	%rdx, %rsi
	movq	%rdx, page_variable(%rip)
	movl	$0x400, %ecx
	movq	%r12, %rdi
	rep	movsq
	leaq	0x1000(%rdx), %rdx
site_reference:
	leaq	trampoline(%rip), %rsi
	movzwl	trampoline_offset_word(%rip), %eax
	movl	$20, %ecx
	movq	%rdx, %rdi
site_copy:
	rep	movsq
site_patch:
	addl	%edx, (%rdx, %rax)
site_call:
	callq	*%rdx
site_continuation:
	movq	page_variable(%rip), %rsi
	movq	%rbp, %cr3
2:	popq	%rbp
site_ret:
	retq

efi_allocate:
	movq	efi_system_table(%rip), %rax
	retq
efi_print:
	xorl	%eax, %eax
efi_print_ret:
	retq
efi_protect:
	movq	efi_memory_attributes(%rip), %rsi
	testq	%rsi, %rsi
	je	3f
	callq	*8(%rsi)
	leaq	efi_second_message(%rip), %rdi
	testq	%rax, %rax
	jne	2f
	leaq	efi_first_message(%rip), %rdi
2:	callq	efi_print
	jmp	4f
3:	cmpq	$0, efi_dxe_services(%rip)
	leaq	efi_range_message(%rip), %rdi
	callq	efi_print
4:	retq
efi_setup_function:
	pushq	%rbx
	callq	efi_allocate
	leaq	trampoline(%rip), %rsi
	movl	$(trampoline_end - trampoline), %edx
efi_copy:
	callq	memcpy
	movq	%rax, efi_function_pointer(%rip)
	movzwl	trampoline_offset_word(%rip), %edx
efi_patch:
	addl	%eax, (%rax, %rdx)
	callq	efi_protect
	popq	%rbx
efi_setup_ret:
	retq
efi_switch_function:
	movb	efi_no5lvl(%rip), %al
	testq	%rdi, %rdi
	je	efi_switch_early_ret
	movq	%rsi, %rdi
efi_call:
	callq	*efi_function_pointer(%rip)
efi_continuation:
efi_switch_ret:
	retq
efi_switch_early_ret:
	retq

	.balign	16
	TRAMPOLINE trampoline

option:
	.asciz	"no5lvl"
efi_first_message:
	.asciz	"\0014WARNING"
efi_second_message:
	.asciz	"\0014WARNING: no"
efi_range_message:
	.asciz	"\0014WARNING: %08lx"
	.balign	8
gdt64:
	.word	gdt_end - gdt - 1
	.quad	gdt - gdt64
	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00af9a000000ffff
	.quad	0x00cf92000000ffff
	.quad	0x0080890000000000
	.quad	0
gdt_end:
page_variable:
	.quad	0
efi_function_pointer:
	.quad	0
efi_system_table:
	.quad	0
efi_memory_attributes:
	.quad	0
efi_dxe_services:
	.quad	0
efi_no5lvl:
	.quad	0
save_area:
	.fill	0x20
stack_end:
final_table:
	.fill	0x20
image_end:
