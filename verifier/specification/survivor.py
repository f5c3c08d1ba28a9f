"""Which changes of a target's bytes its claims need not see, as a spec explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.machine.registers import Flag, Gpr, Segment
from verifier.specification.bytes_edit import FORM_KEYS, read_forms

if TYPE_CHECKING:
    from verifier.specification.bytes_edit import Form
    from verifier.specification.document import Table

FREE = {each.name.lower(): each.name.lower() for kind in (Gpr, Flag, Segment) for each in kind}
"""Registers and flags to which the effect of a change may be confined."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """Why changes of the target's bytes may go unseen: these ones, or all of one effect.

    ``forms`` are changes of bytes; ``differs`` names registers and flags at the exit, to which
    the effect of a change must be confined.
    """

    why: str
    line: int
    forms: tuple[Form, ...] = ()
    differs: tuple[str, ...] = ()


def read_survivors(top: Table) -> tuple[Survivor, ...]:
    """Read every ``[[survivor]]``: bytes that may change, or registers that may differ."""
    made: list[Survivor] = []
    for table in top.tables("survivor"):
        if table.has("differs"):
            table.allow("differs", "why")
            differs = table.choices("differs", FREE)
            made.append(Survivor(table.text("why"), table.line(), differs=differs))
        else:
            if not any(table.has(key) for key in ("at", "within")):
                message = "[[survivor]] needs 'at' or 'within' and bytes, or 'differs'"
                raise table.mistake(message)
            table.allow(*FORM_KEYS, "why")
            made.append(Survivor(table.text("why"), table.line(), forms=read_forms(table)))
    return tuple(made)
