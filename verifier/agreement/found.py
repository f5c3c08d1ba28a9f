"""What came of comparing the two lifters' meanings of one ordinary instruction."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """A value that P-code is known to get wrong in some forms, and what the manual says of it.

    ``encodings`` is a pattern of the whole instruction in hexadecimal, where not all are wrong.
    """

    forms: frozenset[str]
    value: str
    reason: str
    encodings: str = ".*"

    def concerns(self, form: str, raw: bytes) -> bool:
        """Say whether P-code gets an instruction wrong."""
        return form in self.forms and re.fullmatch(self.encodings, raw.hex()) is not None


MISTAKES = (
    Mistake(
        frozenset({"SHR r/m8, 1", "SHR r/m, 1"}),
        "OF",
        'SDM vol. 2, "SAL/SAR/SHL/SHR": of SHR by 1, OF is the most-significant bit of the '
        "original operand; P-code has 0",
    ),
    Mistake(
        frozenset({"NOP"}),
        "rax",
        'SDM vol. 2, "XCHG": 90 is NOP regardless of prefixes; after a REX without W, P-code '
        "extends eax with zeros",
        "4[0246]90",
    ),
)
"""What is not compared though both lifters say something; a test shows that each still differs."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Both meanings are equal from every start; ``form`` is the manual's.

    ``apart`` are mistakes of P-code's, the values of which were not compared.
    """

    form: str
    apart: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class Unequal:
    """A value that is ``vex`` by the one meaning and ``pcode`` by the other, from one start."""

    name: str
    vex: str
    pcode: str


@dataclass(frozen=True, slots=True)
class Disagreed:
    """From the start told, the meanings differ; ``vex`` and ``pcode`` are both, line by line."""

    form: str
    text: str
    raw: bytes
    unequal: tuple[Unequal, ...]
    start: tuple[str, ...]
    vex: tuple[str, ...]
    pcode: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Say what differs."""
        told = "; ".join(
            f"{each.name} is {each.vex} by VEX, {each.pcode} by P-code" for each in self.unequal
        )
        start = f", from {', '.join(self.start)}" if self.start else ""
        return f"two lifters disagree on `{self.text}` (bytes {self.raw.hex(' ')}): {told}{start}"


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Nobody knows whether the meanings agree, for this reason."""

    form: str
    text: str
    raw: bytes
    reason: str

    @property
    def sentence(self) -> str:
        """Say what was not compared, and why."""
        return f"`{self.text}` (bytes {self.raw.hex(' ')}): {self.reason}"


Agreement = Agreed | Disagreed | NotCompared


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing every ordinary instruction that paths executed, by its bytes.

    ``forms`` are the manual's forms of which every instruction executed agrees, ``compared``
    counts the instructions that do.
    """

    forms: tuple[str, ...] = ()
    compared: int = 0
    apart: tuple[tuple[str, Mistake], ...] = ()
    disagreed: tuple[Disagreed, ...] = ()
    uncompared: tuple[NotCompared, ...] = ()


def comparison(found: tuple[Agreement, ...]) -> Comparison:
    """Put together what was found of each instruction."""
    agreed = [each for each in found if isinstance(each, Agreed)]
    others = {each.form for each in found if not isinstance(each, Agreed)}
    apart = [(each.form, mistake) for each in agreed for mistake in each.apart]
    return Comparison(
        forms=tuple(sorted({each.form for each in agreed} - others)),
        compared=len(agreed),
        apart=tuple(dict.fromkeys(apart)),
        disagreed=tuple(each for each in found if isinstance(each, Disagreed)),
        uncompared=tuple(each for each in found if isinstance(each, NotCompared)),
    )
