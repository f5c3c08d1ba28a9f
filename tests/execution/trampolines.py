"""Random small trampolines: from 64-bit mode to 32-bit code and back, at times through paging.

Around the switches there are arithmetic, branches, a stack, stores and repetitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.execution.programs import DATA, Program, Writer, long

if TYPE_CHECKING:
    from collections.abc import Callable

GIVEN = (
    "aligned(load, 0x1000) and load < 1 << 31 and tables_base < 1 << 31",
    "cpu.LA57 == 1 and cs.selector & 7 == 0",
)
SHORT = ("ax", "bx", "dx", "cx")
"""Registers that 32-bit code computes with; it keeps esi, and ebp points at the targets."""
TABLES = """
	.balign	8
gdt:
	.quad	0, 0x00cf9a000000ffff, 0x00af9a000000ffff, 0x00cf92000000ffff
gdt_desc:
	.word	31
	.quad	0
targets:
	.long	0
	.word	16
	.word	0
	.long	0
	.balign	4096
table:
	.fill	512, 8, 0
"""
SELECTOR_32, SELECTOR_64, SELECTOR_DATA = 8, 16, 24
SMALL = ("%al", "%bl", "%dl", "%r8b")
PAGING = 31
HARMLESS = (2, 4, 6, 7, 9)
"""Bits of CR4 that change nothing here: TSD, PSE, MCE, PGE, OSFXSR."""


@dataclass(slots=True)
class Trampolines(Writer):
    """Writes one trampoline; ``deep`` where it turns on 5-level paging."""

    deep: bool = False

    def program(self) -> Program:
        """Give a trampoline that leaves at ``leave``."""
        self.deep = self.source.random() < 0.4
        self.emit("xorl %ebp, %ebp")
        self.wide_part()
        for _ in range(1 if self.deep else self.source.choice((1, 1, 2))):
            self.round()
            self.wide_part()
        self.lines.append("leave:\tjmp out")
        code = "\n".join([*self.lines, "out:\thlt", TABLES])
        return Program(code, windows=False, given=GIVEN)

    def wide_part(self) -> None:
        """Write some 64-bit code."""
        pieces: list[Callable[[int], None]] = [self.compute, self.load, self.store, self.flags]
        for _ in range(self.source.randint(1, 3)):
            self.source.choice([*pieces, self.branch, self.repeat])(2)

    def flags(self, _: int) -> None:
        """Keep the flags on the stack, or change one."""
        kept = "pushfq\n\tcld\n\tpopfq"
        self.emit(self.source.choice(("cmc", "stc", kept, f"setc {self.source.choice(SMALL)}")))

    def repeat(self, _: int) -> None:
        """Copy or fill some of the data, at times downwards."""
        count, wide = self.source.randint(0, 5), self.source.choice("bl")
        at = self.source.choice((0, 24, 36))
        self.emit("movq %rsi, %r13")
        self.emit(f"leaq {at}(%rsi), %rdi")
        self.emit(f"leaq {self.source.choice((0, 3, 20))}(%rsi), %rsi")
        self.emit(f"movl ${count}, %ecx")
        down = self.source.random() < 0.2 and at
        if down:
            self.emit("std")
            self.emit("addq $20, %rsi")
        self.emit(f"rep {self.source.choice(('movs', 'stos'))}{wide}")
        if down:
            self.emit("cld")
        self.emit("movq %r13, %rsi")

    def round(self) -> None:
        """Write the way to 32-bit code and back."""
        there, back = self.label(), self.label()
        self.descriptors(back)
        self.emit(f"pushq ${SELECTOR_32}")
        self.emit(f"leaq {there}(%rip), %rax")
        self.emit("pushq %rax")
        self.emit("lretq")
        self.lines += ["\t.code32", f"{there}:"]
        self.segments()
        self.short_part()
        if self.deep or self.source.random() < 0.6:
            self.unpaged()
            self.short_part()
        self.home()
        self.lines += ["\t.code64", f"{back}:"]

    def descriptors(self, back: str) -> None:
        """Load the GDT and lay out what the 32-bit part needs to know."""
        self.emit("leaq gdt(%rip), %rax")
        self.emit("movq %rax, gdt_desc + 2(%rip)")
        self.emit("lgdt gdt_desc(%rip)")
        self.emit("leaq targets(%rip), %rbp")
        self.emit(f"leaq {back}(%rip), %rax")
        self.emit("movl %eax, (%rbp)")
        if self.deep:
            self.emit("leaq table(%rip), %rcx")
            self.emit("movl %ecx, 8(%rbp)")
            self.emit("movq %cr3, %rax")
            self.emit("orq $7, %rax")
            self.emit("movq %rax, (%rcx)")

    def segments(self) -> None:
        """Load the segments that the 32-bit part needs."""
        self.emit(f"movl ${SELECTOR_DATA}, %eax")
        for name in self.source.sample(("ds", "es", "ss", "fs"), 4):
            self.emit(f"movl %eax, %{name}")

    def short_part(self) -> None:
        """Write some 32-bit code."""
        for _ in range(self.source.randint(0, 3)):
            one, other = (long(self.source.choice(SHORT)) for _ in range(2))
            at = self.source.choice((0, 4, 21, DATA - 4))
            by = self.source.choice((other, f"${self.source.choice((0, 1, 7, 20, -1))}"))
            operation = self.source.choice(("add", "sub", "xor", "and", "or", "mov", "adc", "imul"))
            past = self.label()
            self.emit(
                self.source.choice((f"{operation}l {by}, {one}",
                                    f"movl {one}, {at}(%esi)",
                                    f"addl {at}(%esi), {one}",
                                    f"pushl {one}\n\tpopl {other}",
                                    f"testl {one}, {one}\n\tjz {past}\n\tincl {other}\n{past}:",
                                    f"call {past}\n{past}:\tpopl {other}",
                                    f"shll $3, {one}"))
            )  # fmt: skip

    def unpaged(self) -> None:
        """Turn paging off, change what may then be changed, and turn it on."""
        register = long(self.source.choice(SHORT))
        self.emit(f"movl %cr0, {register}")
        self.emit(f"btrl ${PAGING}, {register}")
        self.emit(f"movl {register}, %cr0")
        self.short_part()
        self.emit("movl 8(%ebp), %eax" if self.deep else "movl %cr3, %eax")
        self.emit("movl %eax, %cr3")
        self.emit("movl %cr4, %eax")
        for bit in self.source.sample(HARMLESS, self.source.randint(0, 2)):
            self.emit(f"btcl ${bit}, %eax")
        if self.deep:
            self.emit("btsl $12, %eax")
        self.emit("movl %eax, %cr4")
        if self.source.random() < 0.5:
            self.emit("movl $0xc0000080, %ecx")
            self.emit("rdmsr")
            self.emit("btsl $8, %eax")
            self.emit("wrmsr")
        self.emit("movl %cr0, %eax")
        self.emit(f"btsl ${PAGING}, %eax")
        self.emit("movl %eax, %cr0")

    def home(self) -> None:
        """Go back to 64-bit mode, by a return or by a jump through memory."""
        if self.source.random() < 0.5:
            self.emit("ljmp *(%ebp)")
            return
        self.emit(f"pushl ${SELECTOR_64}")
        self.emit("movl (%ebp), %ecx")
        self.emit("pushl %ecx")
        self.emit("lret")
