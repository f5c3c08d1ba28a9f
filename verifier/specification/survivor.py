"""Which changes of a target's bytes its claims need not see, as a spec explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.registers import Flag, Gpr, Segment
from verifier.specification.bytes_edit import FORM_KEYS, read_forms
from verifier.specification.spec import Survivor

if TYPE_CHECKING:
    from verifier.specification.document import Table

FREE = {each.name.lower(): each.name.lower() for kind in (Gpr, Flag, Segment) for each in kind}
"""Registers and flags to which the effect of a change may be confined."""


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
