"""A candidate counterexample: a start that breaks a claim, as simple as it can be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import claripy

from verifier.machine.registers import Segment
from verifier.machine.words import symbol
from verifier.proving.concretise import representable, start_of
from verifier.proving.rehearsal import Broken, overrides_of, rehearse
from verifier.proving.result import InputValue
from verifier.solver import Contradictory, Fact, Satisfied

if TYPE_CHECKING:
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Context
    from verifier.machine.concrete import Start
    from verifier.machine.state import State
    from verifier.proving.obligation import Undecided
    from verifier.proving.prove import Failing
    from verifier.proving.rehearsal import Rehearsal, Stage
    from verifier.solver import Model
    from verifier.specification.spec import Claim

SIMPLE = (0, 1, 0x1000, 0x1_0000, 0x9_0000, 0x20_0000, 0x100_0000, 1 << 32, 1 << 33, 1 << 39)
"""Values tried for an input, simplest first."""
USUAL_STACK = 0x9_0000
SAMPLES = 24
"""Starts tried on a path that is not modelled to its end."""
FLAT_PARTS = {"base": 0, "limit": 0xFFFF_FFFF, "type": 3, "DPL": 0, "present": 1, "D": 1, "G": 1}


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A start, what the model says happens from it, and how that breaks the claim."""

    start: Start
    rehearsal: Rehearsal
    broken: Broken
    inputs: tuple[InputValue, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Finder:
    """Looks for candidates under the facts of one exploration."""

    stage: Stage
    context: Context
    entry: State
    load: BV | None

    def from_failing(self, claim: Claim, failing: tuple[Failing, ...]) -> Candidate | None:
        """Give the simplest start found among the obligations that fail, smallest load first."""
        loads = [(one, self._smallest_load(one)) for one in failing]
        possible = [(load, not _speaks_of_values(one), one) for one, load in loads if load is not None]
        for _, _, one in sorted(possible, key=lambda entry: entry[:2]):
            found = self._of_obligation(claim, one)
            if found is not None:
                return found
        return None

    def _conditions(self, failing: Failing) -> list[Bool]:
        facts = [fact.condition for fact in failing.obligation.knowledge.facts]
        broken = claripy.Not(failing.obligation.condition)
        return [*facts, broken, *self.bench_conditions]

    @property
    def bench_conditions(self) -> list[Bool]:
        """Give what a start must keep to so that it can be replayed."""
        return representable(self.entry, self.entry.memory.regions, self.stage.bench)

    def _smallest_load(self, failing: Failing) -> int | None:
        from verifier.proving.boundary import Search  # noqa: PLC0415

        if self.load is None:
            return 0
        search = Search(self.context, self.load)
        return search.smallest(claripy.And(*self._conditions(failing)))

    def _of_obligation(self, claim: Claim, failing: Failing) -> Candidate | None:
        conditions = self._conditions(failing)
        load = self._smallest_load(failing)
        if load is None:
            return None
        if self.load is not None:
            conditions.append(self.load == load)
        names = _variables(conditions)
        model, fixed = self._simplest(conditions, names)
        if model is None:
            return None
        candidate = self._tried(claim, model, names)
        if candidate is None:
            return None
        inputs = self._inputs(failing, model, names, fixed)
        return replace(candidate, inputs=inputs)

    def rehearsed(self, conditions: list[Bool]) -> Rehearsal | None:
        """Give the rehearsal of a simple start that satisfies the conditions."""
        names = _variables(conditions)
        model, _ = self._simplest(conditions, names)
        return None if model is None else self._rehearsal(model, names)

    def _rehearsal(self, model: Model, names: frozenset[str]) -> Rehearsal | None:
        start = start_of(self.entry, model, names)
        if start is None:
            return None
        inputs = {
            name: model.number(symbol(name)) for name in self.stage.words.spec.inputs
        }
        values = {name: model.number(leaf) for name, leaf in self._open(names)}
        rehearsal = rehearse(self.stage, start, inputs, values)
        imposed = overrides_of(rehearsal, self.stage.model)
        return replace(rehearsal, start=replace(start, overrides=imposed))

    def _tried(self, claim: Claim, model: Model, names: frozenset[str]) -> Candidate | None:
        rehearsal = self._rehearsal(model, names)
        if rehearsal is None:
            return None
        broken = rehearsal.breaks(claim)
        return None if broken is None else Candidate(rehearsal.start, rehearsal, broken, ())

    def _open(self, names: frozenset[str]) -> Iterator[tuple[str, BV]]:
        for name, leaf in self.leaves(names):
            if "@" in name or name.startswith("for all "):
                yield name, leaf

    def leaves(self, names: frozenset[str]) -> Iterator[tuple[str, BV]]:
        """Give the symbols of those names."""
        for name in sorted(names):
            leaf = _LEAVES.get(name)
            if leaf is not None:
                yield name, leaf

    def _simplest(
        self, conditions: list[Bool], names: frozenset[str]
    ) -> tuple[Model | None, frozenset[str]]:
        """Prefer simple values: all at once, then without those that contradict."""
        facts = list(self.context.assumptions)
        relevant = names | _variables([fact.condition for fact in facts])
        wishes = [
            Fact(name, leaf == _preferred(name))
            for name, leaf in self.leaves(relevant | self._segment_names)
            if not name.startswith("cpu.") and (self.load is None or name != self.load.args[0])
        ]
        dropped: list[str] = []
        while True:
            match self.context.solver.ask("simplify", [*facts, *wishes], *conditions):
                case Satisfied(model):
                    break
                case Contradictory(core):
                    bad = core & {wish.label for wish in wishes}
                    if not bad:
                        return None, frozenset()
                    dropped += sorted(bad)
                    wishes = [wish for wish in wishes if wish.label not in bad]
                case _:
                    return None, frozenset()
        for name in dropped:
            leaf = _LEAVES[name]
            simple = claripy.Or(*(leaf == _fitting(value, leaf) for value in SIMPLE))
            answer = self.context.solver.ask("simplify", [*facts, *wishes], *conditions, simple)
            if isinstance(answer, Satisfied):
                model = answer.model
                wishes.append(Fact(name, leaf == model.number(leaf)))
        return model, frozenset(dropped)

    @property
    def _segment_names(self) -> frozenset[str]:
        values = [
            part
            for register in self.entry.segments.values()
            for part in (
                register.selector,
                register.base,
                register.limit,
                register.type,
                register.present,
                register.big,
                register.granular,
            )
        ]
        _remember(values)
        return frozenset().union(*(value.variables for value in values))

    @property
    def _entry_names(self) -> frozenset[str]:
        state = self.entry
        values = [*state.gprs, *state.controls.values(), *state.flags.values(), state.iopl]
        for register in state.segments.values():
            values += [register.selector, register.base, register.limit, register.type]
            values += [register.dpl, register.present, register.big, register.granular]
        values += [state.gdtr.base, state.gdtr.limit, state.idtr.base, state.idtr.limit]
        _remember(values)
        return frozenset().union(*(value.variables for value in values))

    def _inputs(
        self, failing: Failing, model: Model, names: frozenset[str], fixed: frozenset[str]
    ) -> tuple[InputValue, ...]:
        del fixed
        used = _variables([
            claripy.Not(failing.obligation.condition),
            *(fact.condition for fact in failing.obligation.knowledge.facts),
        ])
        facts = [fact.condition for fact in failing.obligation.knowledge.facts]
        breaks = claripy.And(*facts, claripy.Not(failing.obligation.condition))
        inputs = []
        for name, leaf in self.leaves(names | self._entry_names):
            matters = name in used and self._matters(name, model, breaks, used)
            inputs.append(InputValue(name, model.number(leaf), leaf.length or 0, matters))
        return tuple(inputs)

    def _matters(self, name: str, model: Model, breaks: Bool, used: frozenset[str]) -> bool:
        others = [
            leaf == model.number(leaf) for other, leaf in self.leaves(used) if other != name
        ]
        answer = self.context.solver.ask(
            "matters", self.context.assumptions, *others, claripy.Not(breaks)
        )
        return not isinstance(answer, Contradictory)

    def from_gaps(self, claim: Claim, gaps: tuple[Undecided, ...]) -> Candidate | None:
        """Try concrete starts on paths that are not modelled to their end."""
        for gap in gaps:
            found = self._sample(claim, gap)
            if found is not None:
                return found
        return None

    def _sample(self, claim: Claim, gap: Undecided) -> Candidate | None:
        conditions = [fact.condition for fact in gap.knowledge.facts] + self.bench_conditions
        names = _variables(conditions)
        tried: list[Bool] = []
        for _ in range(SAMPLES if gap.around else 1):
            model, _ = self._simplest([*conditions, *tried], names)
            if model is None:
                return None
            candidate = self._tried(claim, model, names)
            if candidate is not None:
                inputs = tuple(
                    InputValue(name, model.number(leaf), leaf.length or 0, matters=True)
                    for name, leaf in self.leaves(names | self._entry_names)
                )
                return replace(candidate, inputs=inputs)
            tried += [value != model.number(value) for value in gap.around]
        return None


def _speaks_of_values(failing: Failing) -> bool:
    """Say whether a wrong value breaks the claim, rather than never arriving."""
    return not failing.obligation.condition.is_false()


_LEAVES: dict[str, BV] = {}


def _remember(values: list[BV] | list[Bool]) -> None:
    for value in values:
        for leaf in value.leaf_asts():
            if leaf.op == "BVS":
                _LEAVES[leaf.args[0]] = leaf


def _variables(conditions: list[Bool]) -> frozenset[str]:
    _remember(conditions)
    return frozenset().union(*(condition.variables for condition in conditions))


def _fitting(value: int, leaf: BV) -> int:
    return value & ((1 << (leaf.length or 0)) - 1)


def _preferred(name: str) -> int:
    if name == "rsp":
        return USUAL_STACK
    segment, _, part = name.partition(".")
    if segment.upper() in Segment.__members__:
        if part.startswith("selector"):
            return 0x18 >> (2 if "[" in part else 0)
        return FLAT_PARTS.get(part, 0)
    return 0

