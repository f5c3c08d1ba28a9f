"""Random small programs: arithmetic, branches that meet, loops over data, calls, a stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

WORK = ("ax", "bx", "dx", "8", "9", "10")
"""Registers that a program computes with; it keeps rsi and rdi, and loops with the rest."""
DATA = 64
"""Bytes of the data region that rsi points at."""
MOST = 12
"""The largest rdi: how often loops go round."""
CONDITIONS = ("e", "ne", "b", "ae", "l", "ge", "s", "be", "a", "o", "g")
DEEPEST = 2


def quad(register: str) -> str:
    """Name all 64 bits of a register."""
    return f"%r{register}"


def long(register: str) -> str:
    """Name the low 32 bits."""
    return f"%r{register}d" if register.isdigit() else f"%e{register}"


@dataclass(frozen=True, slots=True)
class Program:
    """Assembler source that leaves at ``leave``, and what is given of its starts.

    ``windows`` says whether the data region is reached through windows.
    """

    code: str
    windows: bool
    given: tuple[str, ...] = ()


@dataclass(slots=True)
class Writer:
    """Writes one program; every choice is drawn from ``source``."""

    source: random.Random
    lines: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    labels: int = 0

    def program(self) -> Program:
        """Give a program."""
        self.emit("xorl %ebp, %ebp")
        self.block(self.source.randint(2, 4), 0)
        self.lines.append("leave:\tjmp out")
        code = "\n".join([*self.lines, *self.functions, "out:\thlt"])
        return Program(code, windows=self.source.random() < 0.7)

    def emit(self, text: str) -> None:
        """Write an instruction."""
        self.lines.append(f"\t{text}")

    def label(self) -> str:
        """Give a label that is not taken."""
        self.labels += 1
        return f"at{self.labels}"

    def block(self, count: int, depth: int) -> None:
        """Write some pieces, one after the other."""
        pieces: list[Callable[[int], None]] = [self.compute, self.compute, self.load, self.store]
        if depth < DEEPEST:
            pieces += [self.branch, self.choice, self.down, self.along, self.call]
        for _ in range(count):
            self.source.choice(pieces)(depth)

    def compute(self, _: int) -> None:
        """Write one or two instructions of arithmetic."""
        for _ in range(self.source.randint(1, 2)):
            name = self.source.choice((quad, long))
            suffix = "q" if name is quad else "l"
            one, other = name(self.source.choice(WORK)), name(self.source.choice(WORK))
            by = self.source.choice((other, f"${self.source.choice((0, 1, 2, 7, 20, -1))}"))
            operation = self.source.choice(("add", "sub", "xor", "and", "or", "mov", "mov"))
            self.emit(f"{operation}{suffix} {by}, {one}")

    def load(self, _: int) -> None:
        """Read data at a fixed offset."""
        register = self.source.choice(WORK)
        at = self.source.choice((0, 4, 6, 20, 40, 56))
        self.emit(
            self.source.choice((f"movl {at}(%rsi), {long(register)}",
                                f"movzbl {at}(%rsi), {long(register)}",
                                f"movq {at}(%rsi), {quad(register)}"))
        )  # fmt: skip

    def store(self, _: int) -> None:
        """Write data at a fixed offset, or keep a register on the stack for a moment."""
        register, at = self.source.choice(WORK), self.source.choice((0, 4, 20, 41, 56))
        if self.source.random() < 0.3:
            self.emit(f"pushq {quad(register)}")
            self.compute(0)
            self.emit(f"popq {quad(self.source.choice(WORK))}")
            return
        suffix, name = self.source.choice((("l", long), ("q", quad)))
        self.emit(f"mov{suffix} {name(register)}, {at}(%rsi)")

    def compare(self) -> str:
        """Write a comparison; give a condition of it."""
        register = self.source.choice(WORK)
        self.emit(
            self.source.choice((f"cmpl ${self.source.choice((0, 1, 7))}, {long(register)}",
                                f"testq ${self.source.choice((1, 8))}, {quad(register)}",
                                f"cmpq {quad(self.source.choice(WORK))}, {quad(register)}",
                                f"cmpb $7, {self.source.choice((0, 20, 41))}(%rsi)"))
        )  # fmt: skip
        return self.source.choice(CONDITIONS)

    def branch(self, depth: int) -> None:
        """Write an if without an else."""
        past = self.label()
        self.emit(f"j{self.compare()} {past}")
        self.block(self.source.randint(1, 2), depth + 1)
        self.lines.append(f"{past}:")

    def choice(self, depth: int) -> None:
        """Write an if with an else."""
        other, past = self.label(), self.label()
        self.emit(f"j{self.compare()} {other}")
        self.block(1, depth + 1)
        self.emit(f"jmp {past}")
        self.lines.append(f"{other}:")
        self.block(1, depth + 1)
        self.lines.append(f"{past}:")

    def down(self, depth: int) -> None:
        """Write a loop that counts down, at times with a way out in its middle."""
        count = "%rcx" if depth == 0 else "%r14"
        top, past = self.label(), self.label()
        self.emit(f"movq %rdi, {count}")
        self.lines.append(f"{top}:")
        self.block(self.source.randint(0, 2), depth + 1)
        if self.source.random() < 0.3:
            self.emit(f"j{self.compare()} {past}")
        step = self.source.choice((1, 1, 1, 2))
        if step == 1 and self.source.random() < 0.5:
            self.emit(f"decq {count}")
            self.emit(f"jnz {top}")
        else:
            self.emit(f"subq ${step}, {count}")
            self.emit(f"cmpq %rbp, {count}")
            self.emit(f"j{self.source.choice(('ne', 'g'))} {top}")
        self.lines.append(f"{past}:")

    def along(self, depth: int) -> None:
        """Write a loop with a cursor through the data."""
        cursor, end = ("%r11", "%r12") if depth == 0 else ("%r13", "%r15")
        top, past = self.label(), self.label()
        step = self.source.choice((1, 4, 4))
        self.emit(f"movq %rsi, {cursor}")
        self.emit(f"leaq (%rsi,%rdi,{step}), {end}")
        self.lines.append(f"{top}:")
        register = self.source.choice(WORK)
        if self.source.random() < 0.8:
            self.emit(f"movzbl ({cursor}), {long(register)}")
        elif self.source.random() < 0.5:
            self.emit(f"movb %al, ({cursor})")
        if self.source.random() < 0.5:
            after = self.label()
            self.emit(f"cmpl $7, {long(register)}")
            self.emit(f"j{self.source.choice(CONDITIONS)} {self.source.choice((after, past))}")
            self.block(1, depth + 1)
            self.lines.append(f"{after}:")
        self.emit(f"addq ${step}, {cursor}")
        self.emit(f"cmpq {end}, {cursor}")
        self.emit(f"j{self.source.choice(('ne', 'b', 'b'))} {top}")
        self.lines.append(f"{past}:")

    def call(self, depth: int) -> None:
        """Write a function and call it, once or twice."""
        name = self.label()
        outer, self.lines = self.lines, []
        self.lines.append(f"{name}:")
        self.block(self.source.randint(1, 2), max(depth, 1))
        self.emit("ret")
        self.functions += self.lines
        self.lines = outer
        for _ in range(self.source.randint(1, 2)):
            self.emit(f"call {name}")
