"""A concrete start, executed by this very model: what a replay must then show.

The same semantics run on numbers, with flat memory and real page tables, so that nothing
the symbolic path approximated is left: overlaps, overwritten code and odd tables are exact.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.execution.concrete import state_of
from verifier.execution.exits import ExitAfterBit, ExitAtInstruction, ExitLeavesRanges
from verifier.execution.oracle import ConcreteOracle, Knowledge
from verifier.execution.path import (
    Occurrence,
    OutOfFuel,
    Path,
    Reached,
)
from verifier.execution.step import take
from verifier.machine.concrete import Override
from verifier.machine.events import Access, Execution, Transfer
from verifier.machine.models import Upper
from verifier.machine.oracle import Fault, Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import LEGACY_GPRS, Flag, Gpr
from verifier.machine.state import Features
from verifier.machine.words import constant, known
from verifier.proving.evaluate import Evaluator, Moment
from verifier.proving.exits import exit_rule
from verifier.proving.obligation import arrival_failure, relevant
from verifier.semantics.far import RELEASE
from verifier.specification import expression as e
from verifier.specification.render import render
from verifier.specification.vocabulary import Junction, Relation, When

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.execution.exits import ExitRule
    from verifier.execution.explore import Fuel
    from verifier.execution.oracle import Choice
    from verifier.execution.path import Ending, Step
    from verifier.execution.step import Taken
    from verifier.machine.concrete import Start
    from verifier.machine.models import ProcessorModel
    from verifier.machine.state import State
    from verifier.proving.concretise import Bench
    from verifier.specification.spec import Claim

UPPER_MASK = 0xFFFF_FFFF_0000_0000
ALL_BITS = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Broken:
    """How a claim is broken: one sentence, and each compared value that differs."""

    sentence: str
    values: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """A concrete run by the model, and the words of the spec at that start."""

    start: Start
    path: Path
    after: tuple[State, ...]
    choices: tuple[Choice, ...]
    evaluator: Evaluator
    bound: Mapping[str, BV]

    @property
    def completed(self) -> int:
        """Give how many instructions completed."""
        return len(self.after)

    @property
    def is_stale(self) -> bool:
        """Say whether the run changed page tables in use, so that another CPU may differ."""
        return any(state.stale for state in (*self.after, self.path.ending.state))

    def is_allowed(self, assumed: Container[str]) -> bool:
        """Say whether memory and CPUID are as the spec's patches and assumptions say.

        Memory may not be where regions overlap; ``assumed`` are the ids that count.
        """
        words, moment = self.evaluator, Moment(self.evaluator.entry, oracle=ConcreteOracle({}, -1))
        patched = all(
            _number(words.word(e.Memory(patch.at.node, patch.size, When.ENTRY), moment))
            == _number(words.word(patch.value.node, moment)) & (1 << 8 * patch.size) - 1
            for region in words.spec.regions
            for patch in region.patches
        )
        return patched and all(
            ConcreteOracle({}, -1).holds(words.truth(each.holds.node, moment))
            for each in words.spec.assumptions
            if each.id in assumed
            and any(isinstance(node, e.Memory | e.Cpuid) for node in e.walk(each.holds.node))
        )

    def breaks(self, claim: Claim) -> Broken | None:
        """Say how this run breaks ``claim``, None where it does not or cannot tell."""
        if claim.event is None:
            ending = self.path.ending
            if isinstance(ending, Reached):
                return self._broken(claim, Moment(ending.state), "at the exit")
            failure = arrival_failure(self.path, self._last())
            return None if failure is None else Broken(failure)
        for occurrence in relevant(claim, self.path):
            broken = self._broken_at(claim, occurrence)
            if broken is not None:
                return broken
        return None

    def breaking(self, claim: Claim) -> Step | None:
        """Give the step at which this run breaks a claim on events, None where there is none."""
        found = (each for each in relevant(claim, self.path) if self._broken_at(claim, each))
        occurrence = next(found, None) if claim.event is not None else None
        return None if occurrence is None else occurrence.step

    def place_after(self, step: Step) -> str:
        """Name a point of the run by the instruction before it: ``after `or` at low+0x7```."""
        at = self.path.steps.index(step) - 1
        if at < 0:
            return "at the entry"
        before = self.path.steps[at]
        where = self.place_of(known(before.before.rip) or 0)
        return f"after `{before.instruction.text}` at {where}"

    def _broken_at(self, claim: Claim, occurrence: Occurrence) -> Broken | None:
        moment = Moment(occurrence.step.before, occurrence.event)
        return self._broken(claim, moment, self._event_at(occurrence))

    def _event_at(self, occurrence: Occurrence) -> str:
        where = f"at {self.place_of(known(occurrence.step.before.rip) or 0)}"
        event = occurrence.event
        if isinstance(event, Execution):
            return f"{where}, {self.place_after(occurrence.step)}"
        if not isinstance(event, Access):
            return where
        done = "written" if event.intent is Intent.WRITE else "read"
        target = self.place_of(known(event.physical) or 0)
        return f"{where}, where {event.size} bytes at {target} are {done}"

    def place_of(self, address: int) -> str:
        """Name an address by the region of the spec that it lies in, else by its number."""
        words = self.evaluator
        for region in words.spec.regions:
            base = known(words.word(region.base.node, Moment(words.entry)))
            if base is not None and 0 <= address - base < region.size:
                return f"{region.name}+{address - base:#x}"
        return f"{address:#x}"

    def _last(self) -> str:
        ending = self.path.ending
        where = self.place_of(known(ending.state.rip) or 0)
        if not self.path.steps or self.path.steps[-1].before is not ending.state:
            return where
        return f"{where} (`{self.path.steps[-1].instruction.text}`)"

    def _broken(self, claim: Claim, moment: Moment, where: str) -> Broken | None:
        oracle = ConcreteOracle({}, -1)
        here = Moment(moment.state, moment.event, oracle, self.bound)
        try:
            if claim.when is not None and not oracle.holds(
                self.evaluator.truth(claim.when.node, here)
            ):
                return None
            holds = self.evaluator.truth(claim.holds.node, here)
        except Fault as fault:
            return Broken(f"{where}: {fault.why}")
        except Unmodelled:
            return None
        if oracle.holds(holds):
            return None
        failing = tuple(self._failing(claim.holds.node, here))
        return Broken(_sentence(failing, claim, where), failing)

    def _failing(self, node: e.Truth, moment: Moment) -> Iterator[tuple[str, int, int]]:
        match node:
            case e.Logic(Junction.AND, terms):
                for term in terms:
                    yield from self._failing(term, moment)
            case e.Implies(premise, conclusion):
                if ConcreteOracle({}, -1).holds(self.evaluator.truth(premise, moment)):
                    yield from self._failing(conclusion, moment)
            case e.Compare(Relation.EQUAL, left, right):
                actual = _number(self.evaluator.word(left, moment))
                expected = _number(self.evaluator.word(right, moment))
                if actual != expected:
                    yield render(left), actual, expected
            case _:
                return


def _number(value: BV) -> int:
    number = ConcreteOracle({}, -1).value(value)
    return 0 if number is None else number


def _sentence(failing: tuple[tuple[str, int, int], ...], claim: Claim, where: str) -> str:
    if failing:
        name, actual, expected = failing[0]
        return f"{name} is {actual:#x} {where}, not {expected:#x}"
    return f"`{' '.join(claim.holds.text.split())}` is false {where}"


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What every rehearsal of one exploration shares."""

    words: Evaluator
    model: ProcessorModel
    fuel: Fuel
    bench: Bench


def rehearse(
    stage: Stage, start: Start, inputs: Mapping[str, int], values: Mapping[str, int]
) -> Rehearsal:
    """Run ``start`` to wherever it ends; ``values`` are what the manuals leave open."""
    cpuid = stage.bench.cpuid[start.has_la57]
    features = Features(
        physical_limit=constant(1 << stage.bench.physical_bits),
        cr4=constant(stage.bench.cr4 if start.has_la57 else stage.bench.cr4 & ~(1 << 12)),
        efer=constant(stage.bench.efer),
        cpuid=cpuid,
    )
    entry = state_of(start, stage.model, features)
    numbers = {name: constant(value) for name, value in inputs.items()}
    words = Evaluator(stage.words.spec, stage.words.image, entry, numbers)
    path, after, choices = _run(entry, exit_rule(words), stage.fuel, values)
    bound = {
        name.removeprefix("for all "): constant(value)
        for name, value in values.items()
        if name.startswith("for all ")
    }
    return Rehearsal(start, path, after, choices, words, bound)


def _run(
    state: State, rule: ExitRule, fuel: Fuel, values: Mapping[str, int]
) -> tuple[Path, tuple[State, ...], tuple[Choice, ...]]:
    steps: list[Step] = []
    occurrences: list[Occurrence] = []
    after: list[State] = []
    choices: list[Choice] = []
    ending: Ending | None = None
    while ending is None:
        if len(after) >= fuel.instructions:
            ending = OutOfFuel(state, f"the limit of {fuel.instructions} instructions")
            break
        oracle = ConcreteOracle(values, len(after))
        taken = take(state, oracle, len(after), 0)
        choices += oracle.asked
        if taken.step is not None:
            steps.append(taken.step)
            occurrences += [Occurrence(event, taken.step, 0) for event in taken.events]
        ending = taken.ending
        if ending is None:
            after.append(taken.state)
            if _at_exit(state, taken, rule):
                ending = Reached(taken.state)
            state = taken.state
    knowledge = Knowledge((), (), {}, frozenset())
    path = Path(tuple(steps), tuple(occurrences), ending, knowledge)
    return path, tuple(after), tuple(choices)


def _at_exit(before: State, taken: Taken, rule: ExitRule) -> bool:
    if not any(isinstance(event, Transfer) for event in taken.events):
        return False
    match rule:
        case ExitAtInstruction(addresses):
            return any(_number(before.rip) == _number(address) for address in addresses)
        case ExitAfterBit() | ExitLeavesRanges():
            return ConcreteOracle({}, -1).holds(rule.reached(taken.state))


def overrides_of(rehearsal: Rehearsal, model: ProcessorModel) -> dict[int, tuple[Override, ...]]:
    """Give what a replay must impose where the manuals leave the processor a choice."""
    imposed: dict[int, list[Override]] = {}
    for choice in rehearsal.choices:
        if choice.name.startswith("rflags.") and choice.step < rehearsal.completed:
            flag = Flag[choice.name.removeprefix("rflags.")]
            override = Override(None, 1 << flag, choice.value << flag)
            imposed.setdefault(choice.step + 1, []).append(override)
        if choice.name == RELEASE and choice.step < rehearsal.completed:
            moved = _number(rehearsal.after[choice.step].gprs[Gpr.RSP])
            imposed.setdefault(choice.step + 1, []).append(Override(Gpr.RSP, ALL_BITS, moved))
    for occurrence in rehearsal.path.occurrences:
        event, number = occurrence.event, occurrence.step.number
        if isinstance(event, Transfer) and number < rehearsal.completed:
            after = rehearsal.after[number]
            for override in _at_switch(event, after, model):
                imposed.setdefault(number + 1, []).append(override)
    return {number: tuple(overrides) for number, overrides in imposed.items()}


def _at_switch(event: Transfer, after: State, model: ProcessorModel) -> Iterator[Override]:
    if event.before.is_64 and not event.after.is_64:
        if model.on_leaving is not Upper.KEPT:
            yield from _uppers(after)
        elif model.may_cut_rsp:
            yield Override(Gpr.RSP, UPPER_MASK, _number(after.gprs[Gpr.RSP]))
    if not event.after.is_64 or event.before.is_64:
        return
    if model.may_cut_rsp and _number(after.gprs[Gpr.RSP]) & UPPER_MASK:
        yield Override(Gpr.RSP, UPPER_MASK, _number(after.gprs[Gpr.RSP]))
    if model.on_entering is not Upper.KEPT:
        yield from _uppers(after)
        if model.extended is not Upper.KEPT:
            for number in range(len(LEGACY_GPRS), len(after.gprs)):
                yield Override(Gpr(number), ALL_BITS, _number(after.gprs[number]))


def _uppers(after: State) -> Iterator[Override]:
    for register in LEGACY_GPRS:
        yield Override(register, UPPER_MASK, _number(after.gprs[register]))
