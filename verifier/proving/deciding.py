"""Which inputs of a counterexample matter: with another value of one, it would not fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import claripy

from verifier.machine.words import width_of
from verifier.solver import Contradictory

if TYPE_CHECKING:
    from claripy.ast import Base
    from claripy.ast.bool import Bool

    from verifier.proving.leaves import Leaves
    from verifier.solver import Model, Solver

SINGLY = 16
"""Up to how many inputs are asked about one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Deciding:
    """Asks which of ``leaves`` matter at the start that ``model`` gives."""

    solver: Solver
    model: Model
    leaves: Leaves

    def names(self, conditions: Sequence[Bool]) -> frozenset[str]:
        """Give each input another value of which, all else equal, meets the conditions."""
        return frozenset(self._among(sorted(self.leaves), conditions))

    def _among(self, names: Sequence[str], conditions: Sequence[Bool]) -> Iterator[str]:
        """Ask about many at once: where none of their values meets them, none matters."""
        asked = len(names) == 1 or len(names) > SINGLY
        if not names or (asked and not self._may_meet(conditions)):
            return
        if len(names) == 1:
            yield names[0]
            return
        half = len(names) // 2
        for part, rest in ((names[:half], names[half:]), (names[half:], names[:half])):
            yield from self._among(part, self._fixed(rest, conditions))

    def _may_meet(self, conditions: Iterable[Bool]) -> bool:
        return not isinstance(self.solver.ask("matters", (), *conditions), Contradictory)

    def _fixed(self, names: Iterable[str], conditions: Iterable[Bool]) -> list[Bool]:
        values: dict[int, Base] = {
            self.leaves[name].hash(): claripy.BVV(
                self.model.number(self.leaves[name]), width_of(self.leaves[name])
            )
            for name in names
        }
        return [cast("Bool", claripy.replace_dict(one, values)) for one in conditions]
