"""How a row of the table of system instructions is written and found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.machine.registers import Mode
from verifier.semantics.instruction import Prefix

if TYPE_CHECKING:
    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

ALL_MODES = frozenset(Mode)
MODES_32 = frozenset({Mode.COMPATIBILITY, Mode.PROTECTED_32})
REPEAT = frozenset({Prefix.REP})

Meaning = Callable[["Cpu", "Instruction"], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One hand-written instruction: the manual's form, its opcode line, its meaning.

    ``digit`` is the opcode's extension in ModRM.reg; ``register_operand`` restricts ModRM.rm
    to a register (True) or memory (False); ``prefixes`` are those that may stand before it,
    REX apart. ``open`` is the range of bytes, counted from the end, of an immediate that
    memory need not determine.
    """

    form: str
    opcode: bytes
    meaning: Meaning
    digit: int | None = None
    register_operand: bool | None = None
    modes: frozenset[Mode] = ALL_MODES
    prefixes: frozenset[Prefix] = frozenset()
    open: range = range(0)

    @property
    def line(self) -> str:
        """Give the opcode line, as in ``0F 01 /2``."""
        digit = "" if self.digit is None else f" /{self.digit}"
        return self.opcode.hex(" ").upper() + digit

    def matches(self, instruction: Instruction) -> bool:
        """Say whether an instruction has this form."""
        return (
            instruction.opcode == self.opcode
            and instruction.mode in self.modes
            and self.digit in {None, instruction.modrm.reg}
            and self.register_operand in {None, instruction.modrm.is_register}
            and instruction.prefixes <= self.prefixes
        )
