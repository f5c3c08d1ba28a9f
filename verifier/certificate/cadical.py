"""CaDiCaL, which searches for refutations and logs them as LRAT; the only door to it.

Nothing it says is believed: what it logs is cut down to the steps that matter and checked.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pysolvers

from verifier.errors import Bug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verifier.certificate.lrat import Clause

_Step = tuple[list[int], list[int]]


@dataclass(frozen=True, slots=True)
class Model:
    """An assignment that satisfies the clauses: the variables that are true."""

    true: frozenset[int]


def search(clauses: Sequence[Clause], most_conflicts: int) -> str | Model | None:
    """Give an LRAT proof, or a model, or None where the conflicts did not suffice.

    The last clause is the only one that may be a unit: CaDiCaL numbers the clauses that it is
    given as they come only while it has learned none.
    """
    solver = pysolvers.cadical195_new()
    with tempfile.TemporaryFile() as file:
        for name, value in (("lrat", 1), ("binary", 0)):
            pysolvers.cadical195_set(solver, name, value)
        log = pysolvers.cadical195_tracepr(solver, file)
        try:
            for clause in clauses:
                pysolvers.cadical195_add_cl(solver, list(clause))
            pysolvers.cadical195_cbudget(solver, most_conflicts)
            outcome = pysolvers.cadical195_solve_lim(solver, [], 0)
            if outcome > 0:
                found = pysolvers.cadical195_model(solver) or []
                return Model(frozenset(literal for literal in found if literal > 0))
        finally:
            pysolvers.cadical195_del(solver, file)
            # The log's buffer outlives the solver; it must be empty before its file goes.
            pysolvers.flushpr(log)
        if outcome == 0:
            return None
        file.seek(0)
        return _trimmed(_steps(file.read().decode()), len(clauses))


def _steps(text: str) -> dict[int, _Step]:
    """Read the log: the name of each added clause, its literals and its hints."""
    steps: dict[int, _Step] = {}
    for line in text.splitlines():
        name, *words = line.split()
        if words[0] == "d":
            continue
        numbers = [int(word) for word in words]
        end = numbers.index(0)
        steps[int(name)] = numbers[:end], numbers[end + 1 : -1]
        if end == 0:
            return steps
    raise Bug("CaDiCaL claims a refutation and logs none")


def _trimmed(steps: dict[int, _Step], given: int) -> str:
    """Leave out what the empty clause does not need, and number the rest after the formula's."""
    needed = {max(steps)}
    for name in sorted(steps, reverse=True):
        if name in needed:
            needed.update(hint for hint in steps[name][1] if hint > given)
    names = {name: given + place for place, name in enumerate(sorted(needed), 1)}
    lines = []
    for name, new in names.items():
        literals, hints = steps[name]
        renamed = [names.get(hint, hint) for hint in hints]
        lines.append(" ".join(map(str, [new, *literals, 0, *renamed, 0])))
    return "\n".join(lines) + "\n"
