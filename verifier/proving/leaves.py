"""The symbols in expressions, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.solver import Model

Leaves = dict[str, "BV"]
"""Symbols by name."""


def leaves_of(expressions: Iterable[Bool | BV]) -> Leaves:
    """Give every bit-vector symbol that occurs in the expressions."""
    found: Leaves = {}
    for expression in expressions:
        if expression.variables <= found.keys():
            continue
        for leaf in expression.leaf_asts():
            if leaf.op == "BVS":
                found[cast("str", leaf.args[0])] = cast("BV", leaf)
    return found


def chosen_open(leaves: Mapping[str, BV]) -> Leaves:
    """Give those that stand for what the manuals leave open, or for a claim's bound words."""
    return {
        name: leaf for name, leaf in leaves.items() if "@" in name or name.startswith("for all ")
    }


def values_of(model: Model, leaves: Leaves) -> dict[str, int]:
    """Give what ``model`` chooses for that which is left open.

    What is asked once on a path goes by its name alone too: where trails were joined, its
    step is numbered otherwise than in a concrete run.
    """
    values = {name: model.number(leaf) for name, leaf in chosen_open(leaves).items()}
    bare: dict[str, list[int]] = {}
    for name, value in values.items():
        bare.setdefault(name.split("@")[0], []).append(value)
    alone = {name: found[0] for name, found in bare.items() if len(found) == 1}
    return {**{n: v for n, v in alone.items() if not n.startswith("rflags.")}, **values}
