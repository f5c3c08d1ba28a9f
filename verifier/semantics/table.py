"""Every instruction that has a meaning: the rows written here, then the allowed lifts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from verifier.machine.oracle import Unmodelled
from verifier.semantics import control, far, near, segments, strings, system
from verifier.semantics.forms import find_form

if TYPE_CHECKING:
    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction
    from verifier.semantics.rows import Row

SYSTEM_ROWS: tuple[Row, ...] = (
    *control.ROWS,
    *far.ROWS,
    *near.ROWS,
    *segments.ROWS,
    *strings.ROWS,
    *system.ROWS,
)
"""The table of system instructions."""


def find_row(instruction: Instruction) -> Row | None:
    """Give the row of a system instruction, None where it is not one."""
    for row in SYSTEM_ROWS:
        if row.matches(instruction):
            return row
    return None


@cache
def is_row(form: str) -> bool:
    """Say whether a form is one of a system instruction, whose meaning is written by hand."""
    return any(row.form == form for row in SYSTEM_ROWS)


def execute(cpu: Cpu, instruction: Instruction) -> str:
    """Execute one instruction and give the manual's form it has.

    Raises Fault and Halted as the processor does, Unmodelled for whatever no table lists.
    """
    row = find_row(instruction)
    if row is not None:
        row.meaning(cpu, instruction)
        return row.form
    form = find_form(instruction)
    if form is None:
        raise Unmodelled(f"`{instruction.text}` (bytes {instruction.raw.hex(' ')}) is not modelled")
    from verifier.semantics import lifted  # noqa: PLC0415  (angr takes over a second to import)

    lifted.execute(cpu, instruction, form)
    return form.name
