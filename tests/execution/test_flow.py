"""Loops are found where an edge goes back to what dominates it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.execution.containment import begun_at
from verifier.execution.flow import Flow

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = {
    "one": ("top: incl %eax\n jnz top", {"top": 1}),
    "none": ("jz 1f\n incl %eax\n1: incl %ebx", {}),
    "nested": ("top: incl %eax\ninner: incl %ebx\n jnz inner\n jz top", {"top": 2, "inner": 1}),
    "two latches": ("top: incl %eax\n jz top\n incl %ebx\n jnz top", {"top": 2}),
    "entered in the middle": ("jz mid\ntop: incl %eax\nmid: incl %ebx\n jnz top", {}),
    "after a jump": ("jmp top\n.byte 0x0f, 0x0b\ntop: incl %eax\n loop top", {"top": 1}),
    "behind a return": ("jz 1f\n ret\n1:\ntop: incl %eax\n jnz top", {"top": 1}),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_heads_are_found(tmp_path: Path, name: str) -> None:
    """Each natural loop has its head, and the heads of the loops within it in its body."""
    code, heads = PROGRAMS[name]
    state, labels = begun_at(tmp_path, f"{code}\nleave: jmp out\nout: hlt")
    flow = Flow()
    assert flow.loop_at(state()) is None or "top" in heads
    offsets = {labels[head] for head in heads}
    found = {}
    for offset in range(max(labels.values())):
        loop = flow.loop_at(state(offset)) if offset in labels.values() else None
        if loop is not None:
            found[loop.head] = loop
    assert set(found) == offsets
    for head, inside in heads.items():
        body = found[labels[head]].body
        assert len([each for each in heads if labels[each] in body]) >= min(inside, len(heads))


def test_order_grows_along_the_code(tmp_path: Path) -> None:
    """Of two ways, what comes after their meeting point has the larger number."""
    code = "jz one\n incl %ebx\n jmp two\none: incl %eax\ntwo: incl %ecx\nleave: jmp out\nout: hlt"
    state, labels = begun_at(tmp_path, code)
    flow = Flow()
    orders = [flow.order(state(labels[name])) for name in ("entry", "one", "two", "leave")]
    assert orders == sorted(orders)
    assert len(set(orders)) == len(orders)
