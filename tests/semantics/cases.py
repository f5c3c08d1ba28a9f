"""One random case of a table entry: an instance of the instruction and a start that meets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.semantics.encoding import Entry, name_of
from tests.semantics.manual import undefined_flags
from tests.semantics.scenes import form_of, lay_scene, shaped_instance
from tests.semantics.starts import setting
from verifier.machine.registers import Flag, Mode, Segment

if TYPE_CHECKING:
    import random

    from verifier.machine.concrete import Start

SIDT_64, SIDT_32 = bytes.fromhex("0f010c25 00203000"), bytes.fromhex("0f010d 00203000")


@dataclass(frozen=True, slots=True)
class Case:
    """A start whose first instruction is an instance of an entry, and how many to execute.

    ``undefined`` are the flags that the manual leaves undefined after it; None after several
    instructions, where those that were left open are left out.
    """

    name: str
    mode: Mode
    raw: bytes
    start: Start
    steps: int
    undefined: frozenset[Flag] | None = None

    def __str__(self) -> str:
        """Give the entry, the mode and the bytes."""
        return f"{self.name} in {self.mode.value}: {self.raw.hex(' ')}"


def random_case(source: random.Random, entry: Entry, mode: Mode) -> Case:
    """Give a case of ``entry`` in ``mode``."""
    made = setting(source, mode)
    instance = shaped_instance(made, entry)
    lay_scene(made, entry, instance)
    after = b""
    if instance.opcode == b"\x0f\x01" and entry.digit == 3:
        after, made.steps = (SIDT_64 if mode.is_64 else SIDT_32), 2
    linear = made.rip + (0 if mode.is_64 else made.segments[Segment.CS].base)
    made.put(linear, instance.raw + after)
    undefined = undefined_flags(form_of(entry), instance)
    return Case(name_of(entry), mode, instance.raw, made.start(), made.steps, undefined)
