"""A mutant: one small change of a target's bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from verifier.semantics.instruction import decode

if TYPE_CHECKING:
    from verifier.loading import Image
    from verifier.machine.registers import Mode


class Kind(Enum):
    """What is changed; the value is how reports name it."""

    IMMEDIATE = "immediate"
    DISPLACEMENT = "displacement"
    REGISTER = "register"
    OPERATION = "operation"
    SIZE = "operand size"
    PREFIX = "prefix"
    CONTROL = "control register"
    DROPPED = "instruction dropped"
    SWAPPED = "instructions swapped"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Site:
    """An instruction of the image: its offset, bytes, and the mode in which it runs."""

    offset: int
    raw: bytes
    mode: Mode

    @property
    def end(self) -> int:
        """Give the offset after its last byte."""
        return self.offset + len(self.raw)


@dataclass(frozen=True, slots=True)
class Mutant:
    """As many other bytes in the place of those at ``offset``.

    ``mode`` is the one in which the original runs, None where it is data.
    """

    kind: Kind
    offset: int
    before: bytes
    after: bytes
    mode: Mode | None

    def put(self, image: Image) -> Image:
        """Give the image with the change made."""
        return image.patched(self.offset, self.after)

    @property
    def changed(self) -> range:
        """Give the offsets from the first byte that differs to the last."""
        differ = [at for at, byte in enumerate(self.after) if byte != self.before[at]]
        return range(self.offset + differ[0], self.offset + differ[-1] + 1)

    @property
    def original(self) -> str:
        """Give what the original's bytes are, in AT&T syntax."""
        return disassembled(self.before, self.mode)

    @property
    def text(self) -> str:
        """Give what the mutant's bytes are, in AT&T syntax."""
        return disassembled(self.after, self.mode)


def disassembled(code: bytes, mode: Mode | None) -> str:
    """Give the instructions that bytes hold, apart by ``;``, and what is none in hexadecimal."""
    told: list[str] = []
    rest = code
    while rest:
        instruction = None if mode is None else decode(rest, mode)
        if instruction is None:
            told.append(rest.hex(" "))
            break
        if not told or told[-1] != instruction.text or instruction.text != "nop":
            told.append(instruction.text)
        rest = rest[instruction.size :]
    return "; ".join(told)
