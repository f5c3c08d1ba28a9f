"""Values that say on which way a path came, where the path says it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import claripy

from verifier.machine.words import WORD, bits, concat, width_of

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.machine.oracle import Oracle


def settled(value: BV, oracle: Oracle) -> BV:
    """Give a word as what it is on the only way that the path can have come.

    So a pointer that only one way stored is seen to be one.
    """
    if width_of(value) > WORD:
        return value
    parts = cast("tuple[BV, ...]", value.args) if value.op == "Concat" else (value,)
    if not any(_is_open(part) for part in parts):
        return value
    return concat(*(_settled(part, oracle) for part in parts))


def _is_open(part: BV) -> bool:
    if part.op == "Extract":
        part = cast("BV", part.args[2])
    return part.op == "If"


def _settled(part: BV, oracle: Oracle) -> BV:
    if part.op == "Extract":
        high, low, whole = cast("tuple[int, int, BV]", part.args)
        return bits(_settled(whole, oracle), high, low)
    while part.op == "If":
        condition, then, otherwise = cast("tuple[Bool, BV, BV]", part.args)
        if oracle.holds(condition):
            part = then
        elif oracle.holds(claripy.Not(condition)):
            part = otherwise
        else:
            break
    return part
