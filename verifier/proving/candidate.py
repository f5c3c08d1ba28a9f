"""A candidate counterexample: a start that breaks a claim, as simple as it can be made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import claripy

from verifier.machine.words import symbol, width_of
from verifier.proving.boundary import Search
from verifier.proving.concretise import (
    NARROW_MARGIN,
    WIDE_MARGIN,
    answered,
    representable,
    start_of,
)
from verifier.proving.contracts import kept, stubs
from verifier.proving.deciding import Deciding
from verifier.proving.leaves import leaves_of, values_of
from verifier.proving.rehearsal import Broken, overrides_of, rehearse
from verifier.proving.result import InputValue
from verifier.proving.simplest import Wishes, usual

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context
    from verifier.execution.path import Path
    from verifier.machine.concrete import Start
    from verifier.machine.memory import Region
    from verifier.machine.state import State
    from verifier.proving.leaves import Leaves
    from verifier.proving.obligation import Undecided
    from verifier.proving.prove import Failing
    from verifier.proving.rehearsal import Rehearsal, Stage
    from verifier.solver import Model
    from verifier.specification.spec import Claim

LOW_LOADS = (0x10_0000, 0x1_0000_0000)
"""Load addresses up to which a start of a path that is not modelled is looked for first."""
BEYOND = 100
"""Instructions that a concrete run may take beyond the end of the path that it is to follow."""
SAMPLES = 8
"""Starts tried on a path that is not modelled to its end."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A start, what the model says happens from it, and how that breaks the claim.

    One that was ``sampled`` was tried, not solved for.
    """

    start: Start
    rehearsal: Rehearsal
    broken: Broken
    inputs: tuple[InputValue, ...]
    sampled: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Values that make a start; ``leaves`` are the symbols that were asked for."""

    model: Model
    leaves: Leaves


@dataclass(frozen=True, slots=True, eq=False)
class Finder:
    """Looks for candidates under the facts of one exploration."""

    stage: Stage
    context: Context
    entry: State
    load: BV | None
    margin: int = WIDE_MARGIN
    sampled: dict[tuple[int, int], list[tuple[Model, Rehearsal]]] = field(default_factory=dict)

    def from_failing(
        self, claim: Claim, failing: tuple[Failing, ...], hint: int | None
    ) -> Candidate | None:
        """Give the simplest start found among the obligations that fail.

        The smallest load that can be replayed comes first, ``hint`` where it can, and at one
        load a wrong value before a start that never arrives.
        """
        ordered = sorted(failing, key=lambda one: one.obligation.condition.is_false())
        narrow = replace(self, margin=NARROW_MARGIN)
        for load in narrow.loads(ordered, hint):
            for finder in (self, narrow):
                for one in ordered:
                    found = finder.of_obligation(claim, one, load)
                    if found is not None:
                        return found
        return None

    def loads(self, failing: Sequence[Failing], hint: int | None) -> Iterator[int]:
        """Give loads to try, the smallest at which some start fails first."""
        if self.load is None:
            yield 0
            return
        if hint is not None:
            yield hint
        either = claripy.Or(
            *(claripy.And(*_broken(one), *self._answered(_broken(one))) for one in failing)
        )
        search = Search(self.context, self.load)
        smallest = search.smallest(claripy.And(either, *self.bench_conditions))
        if smallest is not None and smallest != hint:
            yield smallest

    def from_gaps(self, claim: Claim, gaps: Sequence[Undecided]) -> Iterator[Candidate]:
        """Give concrete starts that fail on paths that are not modelled to their end."""
        for gap in gaps:
            yield from self._sample(claim, gap)

    def rehearsed(self, conditions: Sequence[Bool]) -> Rehearsal | None:
        """Give the rehearsal of a simple start that satisfies the conditions."""
        found = self.found(conditions)
        return None if found is None else self.rehearsed_from(found)

    def found(self, conditions: Sequence[Bool]) -> Found | None:
        """Give a simple start that satisfies the conditions, as values of its symbols."""
        model = self._wishes(frozenset()).simplest(conditions)
        return None if model is None else Found(model, leaves_of(conditions))

    def rehearsed_from(self, found: Found) -> Rehearsal | None:
        """Give the rehearsal of a start, found here or for other bytes of the same spec."""
        return self._rehearsal(found.model, found.leaves)

    @property
    def bench_conditions(self) -> list[Bool]:
        """Give what a start must keep to so that it can be replayed."""
        usual = representable(self.entry, self.stage.bench, self.margin)
        return [*usual, *self._answered(fact.condition for fact in self.context.assumptions)]

    def _answered(self, conditions: Iterable[Bool]) -> list[Bool]:
        return answered(self.entry, self.stage.bench, leaves_of(conditions))

    def _wishes(self, fixed: frozenset[str]) -> Wishes:
        return Wishes(self.context, self.entry, fixed)

    def _conditions(self, failing: Failing) -> list[Bool]:
        broken = _broken(failing)
        return [*broken, *self._answered(broken), *self.bench_conditions]

    def of_obligation(self, claim: Claim, failing: Failing, load: int) -> Candidate | None:
        """Give a start at ``load`` that breaks one obligation."""
        conditions = self._conditions(failing)
        fixed: frozenset[str] = frozenset()
        if self.load is not None:
            conditions.append(self.load == load)
            fixed = self.load.variables
        model = self._wishes(fixed).simplest(conditions)
        if model is None:
            return None
        candidate = self._tried(claim, model, leaves_of(conditions), failing.obligation.path)
        if candidate is None:
            return None
        return replace(candidate, inputs=self._inputs(failing, model))

    def _rehearsal(
        self, model: Model, leaves: Leaves, path: Path | None = None
    ) -> Rehearsal | None:
        stage = self.stage
        strays: tuple[Region, ...] = ()
        if path is not None:
            strays = path.ending.state.memory.strays
            fuel = replace(stage.fuel, instructions=self._longest(path))
            stage = replace(stage, fuel=fuel)
        assumed = leaves_of(fact.condition for fact in self.context.assumptions)
        start = start_of(self.entry, model, leaves | assumed, strays)
        callees = None if start is None else stubs(self.context.applied, model, start.memory)
        if start is None or callees is None:
            return None
        start = replace(start, memory={**start.memory, **callees})
        inputs = {name: model.number(symbol(name)) for name in self.stage.words.spec.inputs}
        values = values_of(model, leaves)
        rehearsal = rehearse(stage, start, inputs, values)
        labels = {fact.label for fact in self.context.assumptions}
        if not rehearsal.is_allowed(labels) or not kept(rehearsal, self.context.contracts):
            return None
        imposed = overrides_of(rehearsal, self.stage.model)
        return replace(rehearsal, start=replace(start, overrides=imposed))

    def _longest(self, path: Path) -> int:
        """Give how many instructions a run along a path may take, and some beyond its end.

        Where a loop was cut or a contract stood for a callee, a step may stand for any number
        of them, and the limit of the spec alone bounds the run.
        """
        limit = self.stage.fuel.instructions
        if self.context.cuts or self.context.applied:
            return limit
        last = path.steps[-1].number if path.steps else 0
        return min(limit, last + BEYOND)

    def _tried(self, claim: Claim, model: Model, leaves: Leaves, path: Path) -> Candidate | None:
        rehearsal = self._rehearsal(model, leaves, path)
        if rehearsal is None:
            return None
        broken = rehearsal.breaks(claim)
        return None if broken is None else Candidate(rehearsal.start, rehearsal, broken, ())

    def _inputs(self, failing: Failing, model: Model) -> tuple[InputValue, ...]:
        broken = _broken(failing)
        used = leaves_of(broken)
        allowed = [fact.condition for fact in self.context.assumptions]
        holds = claripy.Not(claripy.And(*broken))
        deciding = Deciding(self.context.solver, model, used).names([*allowed, holds])
        return tuple(
            InputValue(name, model.number(leaf), width_of(leaf), name in deciding)
            for name, leaf in sorted((leaves_of(_entry_values(self.entry)) | used).items())
        )

    def _sample(self, claim: Claim, gap: Undecided) -> Iterator[Candidate]:
        for model, rehearsal in sorted(self._rehearsals(gap), key=lambda each: each[1].is_stale):
            broken = rehearsal.breaks(claim)
            if broken is not None:
                inputs = self._unusual(claim, gap, model)
                yield Candidate(rehearsal.start, rehearsal, broken, inputs, sampled=True)

    def _unusual(self, claim: Claim, gap: Undecided, model: Model) -> tuple[InputValue, ...]:
        """Tell the inputs of a start that no condition describes: those not as usual matter.

        What the processor can do counts only where the path asked for it, or the claim does.
        """
        read = leaves_of(fact.condition for fact in gap.knowledge.facts)
        known = leaves_of(_entry_values(self.entry)) | leaves_of(self._gap_conditions(gap))
        values = {name: model.number(leaf) for name, leaf in known.items()}

        def matters(name: str) -> bool:
            idle = name.startswith("cpu.") and name not in read and name not in claim.holds.text
            return values[name] != usual(name) and not idle

        return tuple(
            InputValue(name, values[name], width_of(leaf), matters(name))
            for name, leaf in sorted(known.items())
        )

    def _gap_conditions(self, gap: Undecided) -> list[Bool]:
        facts = [fact.condition for fact in gap.knowledge.facts]
        return [*facts, *self._answered(facts), *self.bench_conditions]

    def _rehearsals(self, gap: Undecided) -> list[tuple[Model, Rehearsal]]:
        """Give concrete runs of a path that is not modelled to its end, once for all claims."""
        key = id(gap.path), len(gap.knowledge.facts)
        if key not in self.sampled:
            self.sampled[key] = list(self._sampling(gap))
        return self.sampled[key]

    def _sampling(self, gap: Undecided) -> Iterator[tuple[Model, Rehearsal]]:
        """Give starts at a low load address where there are any, and elsewhere if not."""
        conditions = self._gap_conditions(gap)
        leaves = leaves_of(conditions)
        count = SAMPLES if gap.around else 1
        found = False
        for low in self._low_loads():
            for model in self._wishes(frozenset()).others([*conditions, *low], gap.around, count):
                rehearsal = self._rehearsal(model, leaves, gap.path)
                if rehearsal is not None:
                    found = True
                    yield model, rehearsal
            if found:
                return

    def _low_loads(self) -> Iterator[list[Bool]]:
        if self.load is not None:
            yield from ([claripy.ULE(self.load, limit)] for limit in LOW_LOADS)
        yield []


def _broken(failing: Failing) -> list[Bool]:
    obligation = failing.obligation
    facts = [fact.condition for fact in obligation.knowledge.facts]
    return [*facts, claripy.Not(obligation.condition)]


def _entry_values(entry: State) -> list[BV]:
    tables = (entry.gdtr, entry.idtr)
    return [
        *entry.gprs,
        *entry.controls.values(),
        *entry.flags.values(),
        entry.iopl,
        *(register.selector for register in entry.segments.values()),
        *(part for table in tables for part in (table.base, table.limit)),
    ]
