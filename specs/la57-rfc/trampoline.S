/*
 * From 4-level to 5-level paging through low memory.
 *
 * CR4.LA57 may change only while long mode is inactive, and 32-bit code can
 * load CR3 with an address below 4G only. So the part that runs with paging
 * off is copied to a fixed low address, beside a fixed low top-level table.
 *
 * In:	64-bit mode, 4-level paging, interrupts off, load address page-aligned,
 *	%rsp in a stack below 4G.
 * Out:	at lvl5 in 64-bit mode, 5-level paging, every translation below
 *	2^47 as before. %rsi, %rbx, %rbp, %rsp and %r9 to %r15 are as they were;
 *	%rax, %rcx, %rdi and %r8 are not; GDT and segments are the image's.
 */

	/* Where the 32-bit part is copied to: the end of the table's own page. */
	.set	TRAMPOLINE_DST, 0x7c00
	/* The new top-level table. Only its entry 0 is written. */
	.set	PGTABLE, 0x7000

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
entry:
	/* The GDT's address is known only now; it may be above 4G. */
	leaq	gdt(%rip), %rax
	movq	%rax, gdt_desc + 2(%rip)
load_gdt:
	lgdt	gdt_desc(%rip)

	/*
	 * Copy the 32-bit part from where the image was loaded to low memory.
	 * The copy needs %rsi, which the code at lvl5 needs too: it waits
	 * in %r8, which the code at lvl5 does not need.
	 */
	movq	%rsi, %r8
	leaq	trampoline_src(%rip), %rsi
	movl	$TRAMPOLINE_DST, %edi
	movl	$(trampoline_src_end - trampoline_src), %ecx
copy:
	rep movsb
	movq	%r8, %rsi

	/* Entry 0 covers the first 256 TiB: it is the whole old hierarchy. */
build_table:
	movq	%cr3, %rax
	addq	$TABLE_FLAGS, %rax
	movq	%rax, PGTABLE

	/*
	 * The return address is the copy's only tie to the image. It goes in
	 * %rdi, in all 64 bits: 32-bit code that leaves %edi alone also leaves
	 * its upper half alone, on the processors that are known.
	 */
	leaq	lvl5(%rip), %rdi

	pushq	$CS32
	pushq	$TRAMPOLINE_DST
to_32bit:
	lretq

lvl5:
	hlt
	jmp	lvl5

	/* From here to trampoline_src_end: runs at TRAMPOLINE_DST. */
	.code32
trampoline_src:
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
	movl	$PGTABLE, %eax
	movl	%eax, %cr3

set_la57:
	movl	%cr4, %eax
	orl	$(CR4_PAE | CR4_LA57), %eax
	movl	%eax, %cr4

	/*
	 * The last part's address is that of its copy: the start of the copy
	 * plus its distance from the start of the source.
	 */
	pushl	$CS64
	pushl	$(TRAMPOLINE_DST + (last_part - trampoline_src))

paging_on:
	movl	%cr0, %eax
	btsl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0
to_64bit:
	lret

	.code64
last_part:
exit_jump:
	jmp	*%rdi
trampoline_src_end:

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
image_end:
