/*
 * From 4-level to 5-level paging in place.
 *
 * The 32-bit part runs where the image was loaded and the new top-level table
 * lies in the image, so all of this is right only when the image lies below 4G:
 * a far return to 32-bit code, a load of CR3 in 32-bit code and a return address
 * computed in 32 bits reach no further.
 *
 * In:	64-bit mode, 4-level paging, interrupts off, load address page-aligned
 *	and in %rbx, %rsp in a stack below 4G.
 * Out:	at lvl5 in 64-bit mode, 5-level paging, every translation below
 *	2^47 as before. %rsi, %rbx, %rbp, %rsp and %r8 to %r15 are as they were;
 *	%rax and %rdi are not.
 */

	/* Selectors of the GDT below. */
	.set	CS32, 0x08
	.set	CS64, 0x10
	.set	DS32, 0x18

	.set	CR0_PG_BIT, 31
	.set	CR4_PAE, 1 << 5
	.set	CR4_LA57, 1 << 12

	/* Present, writable, user: the levels below go on deciding the rights. */
	.set	TABLE_FLAGS, 0x7

	.text
	.code64
image_start:
entry:
	leaq	gdt(%rip), %rax
	movq	%rax, gdt_desc + 2(%rip)
load_gdt:
	lgdt	gdt_desc(%rip)

	/* Entry 0 covers the first 256 TiB: it is the whole old hierarchy. */
build_table:
	movq	%cr3, %rax
	addq	$TABLE_FLAGS, %rax
	movq	%rax, (pgtable - image_start)(%rbx)

	pushq	$CS32
	leaq	compatible_mode(%rip), %rax
	pushq	%rax
to_32bit:
	lretq

	.code32
compatible_mode:
	/* The far return replaced %cs only; a push needs a valid %ss. */
	movl	$DS32, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss

paging_off:
	movl	%cr0, %eax
	btrl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0

load_cr3:
	leal	(pgtable - image_start)(%ebx), %eax
	movl	%eax, %cr3

set_la57:
	movl	%cr4, %eax
	orl	$(CR4_PAE | CR4_LA57), %eax
	movl	%eax, %cr4

	/* 32-bit code has no %eip-relative lea: a call tells where it runs. */
	call	here
here:
	popl	%edi
	leal	(lvl5 - here)(%edi), %eax
	pushl	$CS64
	pushl	%eax

paging_on:
	movl	%cr0, %eax
	btsl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0
exit_return:
	lret

	.code64
lvl5:
	hlt
	jmp	lvl5

	.balign	8
gdt:
	.quad	0x0000000000000000	/* null */
	.quad	0x00cf9a000000ffff	/* CS32: 32-bit code, 4 GiB */
	.quad	0x00af9a000000ffff	/* CS64: 64-bit code */
	.quad	0x00cf92000000ffff	/* DS32: data, 4 GiB */
gdt_end:

gdt_desc:
	.word	gdt_end - gdt - 1
	.quad	0			/* load + gdt, stored by entry */

	/* The new top-level table; all but entry 0 stays zero. */
	.balign	4096
pgtable:
	.fill	512, 8, 0
image_end:
