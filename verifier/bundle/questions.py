"""What was asked of the solver on the way, and what each claim obliged one to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import claripy

from verifier.bundle.kinds import Kind
from verifier.bundle.smtlib import Applied
from verifier.bundle.stated import NOWHERE, Stated, Where, given, used, where
from verifier.errors import Bug
from verifier.execution.oracle import PathOracle
from verifier.execution.path import Path, Reached
from verifier.machine.oracle import About, Fault, Unmodelled
from verifier.machine.words import split
from verifier.proving.evaluate import Moment, looks_into_memory
from verifier.proving.obligation import relevant
from verifier.solver import SolverGaveUp
from verifier.specification import expression as e
from verifier.specification.vocabulary import Junction, Relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

    from verifier.execution.oracle import Shown
    from verifier.execution.path import Step
    from verifier.proving.evaluate import Evaluator
    from verifier.proving.obligation import MustHold
    from verifier.proving.prove import Proved
    from verifier.proving.session import Session
    from verifier.solver import Fact
    from verifier.specification.spec import Claim

KINDS = {
    About.INSTRUCTION: Kind.INSTRUCTION,
    About.ACCESS: Kind.ACCESS,
    About.TRANSLATION: Kind.TRANSLATION,
    About.CODE: Kind.CODE,
    About.LOOP: Kind.LOOP,
    About.BOUND: Kind.BOUND,
    About.CALL: Kind.CALL,
    About.CONTRACT: Kind.CONTRACT,
}
OPERATORS = {
    Relation.EQUAL: "__eq__",
    Relation.UNEQUAL: "__ne__",
    Relation.LESS: "ULT",
    Relation.LESS_OR_EQUAL: "ULE",
    Relation.GREATER: "UGT",
    Relation.GREATER_OR_EQUAL: "UGE",
}


class Places:
    """Finds the instruction that a question came from, by its step's number and address."""

    def __init__(self, session: Session) -> None:
        """Index the steps of all paths."""
        self._image = session.target.image
        self._regions = session.begin.state.memory.regions
        self._steps: dict[tuple[int, str], Step] = {
            (step.number, str(step.place)): step for path in session.paths for step in path.steps
        }

    def of(self, shown: Shown) -> Where:
        """Name the instruction at which a question was asked."""
        if shown.at is None:
            return NOWHERE
        place = self._place(shown.at)
        step = self._steps.get((shown.step, place))
        return Where(shown.step, place) if step is None else where(step, self._image)

    def of_step(self, step: Step) -> Where:
        """Name a step."""
        return where(step, self._image)

    def _place(self, at: BV) -> str:
        base, offset = split(at)
        for region in self._regions:
            origin, start = split(region.base)
            distance = offset - start & (1 << 64) - 1
            if origin is base and distance < region.size:
                return f"{region.name}{distance:+#x}" if distance else region.name
        return "an address that the code computed"


def explored(session: Session, places: Places) -> Iterator[Stated]:
    """State what the solver excluded while the paths were followed, each question once."""
    seen: set[tuple[int, ...]] = set()
    for shown in session.context.shown or ():
        key = (shown.condition.hash(), *(fact.condition.hash() for fact in shown.facts))
        if key in seen:
            continue
        seen.add(key)
        at = places.of(shown)
        states = "the last condition below holds nowhere where the others do"
        asserted = (*given(shown.facts), ("which never holds", claripy.Not(shown.condition)))
        yield Stated(KINDS[shown.about], states, asserted, at, assumptions=used(shown.facts))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A claim's obligation with its place in the tree: the number of its path."""

    stated: Stated
    path: int


def claimed(session: Session, claim: Claim, proof: Proved, places: Places) -> Iterator[Asked]:
    """State what a claim obliged one to show."""
    numbers = {id(path): number for number, path in enumerate(session.paths)}
    for one, facts in zip(proof.obligations, proof.facts, strict=True):
        step = one.occurrence.step if one.occurrence else _last(one.path)
        at = NOWHERE if step is None else places.of_step(step)
        condition: Any = one.condition
        told = "the claim does not hold"
        if one.condition.is_true():
            condition = _unfolded(session, claim, one)
            told += "; its two sides became the same expression before any solver was asked"
        text = " ".join(claim.holds.text.split())
        stated = Stated(
            Kind.CLAIM,
            f"{claim.id}: {text}",
            (*given(facts), (told, Applied("Not", (condition,)))),
            at,
            claim.id,
            used(facts),
        )
        yield Asked(stated, numbers[id(one.path)])


def met(session: Session, claim: Claim) -> Stated:
    """State that some start comes to what the claim speaks of."""
    for path in session.paths:
        if claim.event is None:
            if isinstance(path.ending, Reached):
                return _met(session, claim, path.facts, claripy.true())
            continue
        for occurrence in relevant(claim, path):
            try:
                for facts, when in session.judging.meetings(claim, path, occurrence):
                    return _met(session, claim, facts, when)
            except (Fault, Unmodelled, SolverGaveUp):
                continue
    raise Bug(f"{claim.id} is proved, and no path meets it")


def _met(session: Session, claim: Claim, facts: tuple[Fact, ...], when: Bool) -> Stated:
    known = (*session.context.assumptions, *facts)
    what = "the exit" if claim.event is None else "the claim's event"
    asserted = (*given(known), (f"{what} is met", when))
    states = f"{claim.id}: some start comes to {what}"
    return Stated(Kind.MET, states, asserted, NOWHERE, claim.id, used(known))


def _unfolded(session: Session, claim: Claim, one: MustHold) -> Any:  # noqa: ANN401  (what SMT-LIB text is made of)
    """Give a claim's condition as it was before its two sides were seen to be the same."""
    oracle = PathOracle(session.context, one.knowledge, (), -1)
    words = Unfolding(session.begin.evaluator, _moment(one, oracle))
    holds = claim.holds.node
    try:
        return words.of(holds if claim.when is None else e.Implies(claim.when.node, holds))
    except (Fault, Unmodelled, SolverGaveUp):
        return one.condition


def _moment(one: MustHold, oracle: PathOracle) -> Moment:
    if one.occurrence is not None:
        return Moment(one.occurrence.step.before, one.occurrence.event, oracle, one.bound)
    if isinstance(one.path.ending, Reached):
        return Moment(one.path.ending.state, None, oracle, one.bound)
    raise Bug("a claim holds at the exit of a path that does not reach it")


@dataclass(frozen=True, slots=True, eq=False)
class Unfolding:
    """Writes a truth down as it stands, with the words in it evaluated."""

    evaluator: Evaluator
    moment: Moment

    def of(self, node: e.Truth) -> Any:  # noqa: ANN401 - as above
        """Give the term of a truth."""
        match node:
            case e.Compare(relation, left, right):
                words = self.evaluator
                sides = words.word(left, self.moment), words.word(right, self.moment)
                return Applied(OPERATORS[relation], sides)
            case e.Not(truth):
                return Applied("Not", (self.of(truth),))
            case e.Logic(junction, terms):
                operator = "And" if junction is Junction.AND else "Or"
                return Applied(operator, tuple(self.of(each) for each in terms))
            case e.Implies(premise, conclusion):
                return self._implied(premise, conclusion)
            case _:
                return self.evaluator.truth(node, self.moment)

    def _implied(self, premise: e.Truth, conclusion: e.Truth) -> Any:  # noqa: ANN401 - as above
        given = self.evaluator.truth(premise, self.moment)
        if given.is_false():
            return claripy.true()
        if self.moment.oracle is not None and looks_into_memory(conclusion):
            # That the path excludes the premise, or its opposite, is an obligation by itself.
            return self.of(conclusion) if self.moment.oracle.decide(given) else claripy.true()
        return Applied("Or", (Applied("Not", (self.of(premise),)), self.of(conclusion)))


def _last(path: Path) -> Step | None:
    return path.steps[-1] if path.steps else None
