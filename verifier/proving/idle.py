"""Premises of a proved claim that are never true: that part of the claim says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.specification import expression as e
from verifier.specification.render import render
from verifier.specification.vocabulary import Junction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.execution.path import Path
    from verifier.proving.obligation import Judging
    from verifier.specification.spec import Claim


def idle_premises(claim: Claim, paths: tuple[Path, ...], judging: Judging) -> tuple[str, ...]:
    """Give the left sides of the claim's implications that hold at no place it speaks of.

    What the model or the solver does not know counts as one that may hold.
    """
    given = () if claim.when is None else (claim.when.node,)
    return tuple(
        dict.fromkeys(
            render(premise)
            for outer, premise in _premises(claim.holds.node)
            if not judging.may_hold(claim, (*given, *outer, premise), paths)
        )
    )


def _premises(node: e.Truth) -> Iterator[tuple[tuple[e.Truth, ...], e.Truth]]:
    """Give each left side of an implication, with those that it stands behind."""
    match node:
        case e.Logic(Junction.AND, terms):
            for term in terms:
                yield from _premises(term)
        case e.Implies(premise, conclusion):
            yield (), premise
            for outer, inner in _premises(conclusion):
                yield (premise, *outer), inner
        case _:
            return
