/*
 * From 4-level to 5-level paging with nothing live in a register.
 *
 * The manuals leave undefined, once 32-bit code ran, the upper halves of the
 * registers it can name and, once paging was off, %r8 to %r15 whole. So no
 * register carries anything across: 64-bit code saves all sixteen in the
 * image, and 64-bit code in the image reloads them. The one thing that
 * the copy in low memory must know of the image, where to return to, lies
 * in the copy itself, at a fixed address.
 *
 * Nothing is pushed on the caller's stack, which may lie anywhere: the far
 * return to 32-bit code goes through a stack in the copy's page, the far jump
 * back through none. Low memory is put back as it was; the top-level table
 * that stays in use lies in the image, where only 64-bit code can load it,
 * since it may be above 4G.
 *
 * In:	64-bit mode, 4-level paging, interrupts off, load address page-aligned.
 * Out:	at lvl5 in 64-bit mode, 5-level paging, every translation below
 *	2^47 as before, all sixteen general registers as they were, the
 *	direction flag clear, %ds, %es, %ss and the GDT those of the image.
 */

	/* A page for the top-level table that 32-bit code loads, and no more. */
	.set	LOW_TABLE, 0x7000
	/* The next page: the copy from its start, the stack from its end. */
	.set	LOW_CODE, 0x8000
	.set	LOW_STACK_TOP, 0x9000
	.set	LOW_QUADS, 2 * 512

	/* Selectors of the GDT below. */
	.set	CS32, 0x08
	.set	CS64, 0x10
	.set	DS32, 0x18

	.set	CR0_PG_BIT, 31
	.set	CR4_PAE, 1 << 5
	.set	CR4_LA57, 1 << 12

	/*
	 * What the new entry 0 takes from CR3: the address of the old top-level
	 * table, and how it is cached (PWT, PCD), which mean the same in both.
	 * The other bits of CR3 are ignored there and are rights in an entry.
	 */
	.set	CR3_KEPT, 0x000ffffffffff018
	/* Present, writable, user: the levels below go on deciding the rights. */
	.set	TABLE_FLAGS, 0x7

	.text
	.code64
entry:
	movq	%rax, saved_rax(%rip)
	movq	%rcx, saved_rcx(%rip)
	movq	%rdx, saved_rdx(%rip)
	movq	%rbx, saved_rbx(%rip)
	movq	%rsp, saved_rsp(%rip)
	movq	%rbp, saved_rbp(%rip)
	movq	%rsi, saved_rsi(%rip)
	movq	%rdi, saved_rdi(%rip)
	movq	%r8, saved_r8(%rip)
	movq	%r9, saved_r9(%rip)
	movq	%r10, saved_r10(%rip)
	movq	%r11, saved_r11(%rip)
	movq	%r12, saved_r12(%rip)
	movq	%r13, saved_r13(%rip)
	movq	%r14, saved_r14(%rip)
	movq	%r15, saved_r15(%rip)

	/* Every rep below, those in resume included, counts upwards. */
	cld

	/*
	 * The GDT stays in the image, possibly above 4G. Its base is 64 bits
	 * wide in compatibility mode too, and no selector is loaded while
	 * paging is off, when it would be read at a 32-bit address.
	 */
	leaq	gdt(%rip), %rax
	movq	%rax, gdt_desc + 2(%rip)
load_gdt:
	lgdt	gdt_desc(%rip)

	/* Keep the two low pages. */
	movl	$LOW_TABLE, %esi
	leaq	low_backup(%rip), %rdi
	movl	$LOW_QUADS, %ecx
keep_low:
	rep movsq

	/* The low table: zero, since the processor may walk all of it ahead. */
	xorl	%eax, %eax
	movl	$LOW_TABLE, %edi
	movl	$512, %ecx
clear_table:
	rep stosq

	/* Entry 0 covers the first 256 TiB: it is the whole old hierarchy. */
build_tables:
	movq	%cr3, %rax
	movabsq	$CR3_KEPT, %rcx
	andq	%rcx, %rax
	orq	$TABLE_FLAGS, %rax
	movq	%rax, LOW_TABLE
	movq	%rax, final_table(%rip)

	/* Copy the 32-bit part, then tell the copy where the image is. */
	leaq	low_src(%rip), %rsi
	movl	$LOW_CODE, %edi
	movl	$(low_src_end - low_src), %ecx
copy:
	rep movsb
	leaq	resume(%rip), %rax
	movq	%rax, LOW_CODE + (resume_address - low_src)

	/* From here on the stack is ours and below 4G. */
switch_stack:
	movl	$LOW_STACK_TOP, %esp
	pushq	$CS32
	pushq	$LOW_CODE
to_32bit:
	lretq

	/* From here to low_src_end: runs at LOW_CODE. */
	.code32
low_src:
	/* While paging is still on: see the GDT above. */
	movl	$DS32, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss

paging_off:
	movl	%cr0, %eax
	btrl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0

load_low_table:
	movl	$LOW_TABLE, %eax
	movl	%eax, %cr3

set_la57:
	movl	%cr4, %eax
	orl	$(CR4_PAE | CR4_LA57), %eax
	movl	%eax, %cr4

paging_on:
	movl	%cr0, %eax
	btsl	$CR0_PG_BIT, %eax
	movl	%eax, %cr0

	/* The copy's address is a constant, so the jump needs no stack. */
to_64bit:
	ljmp	$CS64, $(LOW_CODE + (low_64 - low_src))

	/* No register is used before it is loaded, %rsp included. */
	.code64
low_64:
	jmp	*resume_address(%rip)

resume_address:
	.quad	0			/* load + resume, stored in the copy */
low_src_end:

	/* Back in the image, in 64-bit code: everything is %rip-relative. */
resume:
	/* The low table is in use until here: leave it, then restore it. */
	leaq	final_table(%rip), %rax
load_final_table:
	movq	%rax, %cr3

	leaq	low_backup(%rip), %rsi
	movl	$LOW_TABLE, %edi
	movl	$LOW_QUADS, %ecx
restore_low:
	rep movsq

	movq	saved_rax(%rip), %rax
	movq	saved_rcx(%rip), %rcx
	movq	saved_rdx(%rip), %rdx
	movq	saved_rbx(%rip), %rbx
	movq	saved_rsp(%rip), %rsp
	movq	saved_rbp(%rip), %rbp
	movq	saved_rsi(%rip), %rsi
	movq	saved_rdi(%rip), %rdi
	movq	saved_r8(%rip), %r8
	movq	saved_r9(%rip), %r9
	movq	saved_r10(%rip), %r10
	movq	saved_r11(%rip), %r11
	movq	saved_r12(%rip), %r12
	movq	saved_r13(%rip), %r13
	movq	saved_r14(%rip), %r14
	movq	saved_r15(%rip), %r15
exit_jump:
	jmp	lvl5

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

	.balign	8
save_area:
saved_rax:	.quad	0
saved_rcx:	.quad	0
saved_rdx:	.quad	0
saved_rbx:	.quad	0
saved_rsp:	.quad	0
saved_rbp:	.quad	0
saved_rsi:	.quad	0
saved_rdi:	.quad	0
saved_r8:	.quad	0
saved_r9:	.quad	0
saved_r10:	.quad	0
saved_r11:	.quad	0
saved_r12:	.quad	0
saved_r13:	.quad	0
saved_r14:	.quad	0
saved_r15:	.quad	0
save_area_end:

	/* The top-level table that stays; all but entry 0 stays zero. */
	.balign	4096
final_table:
	.fill	512, 8, 0

	/* What the two low pages held. */
low_backup:
	.fill	LOW_QUADS, 8, 0
image_end:
