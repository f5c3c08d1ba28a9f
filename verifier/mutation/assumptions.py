"""Assumptions turned into their opposite, one by one: what each of them keeps away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from verifier.proving.session import Session
from verifier.replay.judging import bench, confirmed
from verifier.solver import Solver
from verifier.specification.build import negation
from verifier.specification.spec import Formula
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from verifier.machine.models import ModelName
    from verifier.proving.target import Choice, Target
    from verifier.replay.replayer import Replayer


class Keeps(Enum):
    """What an assumption keeps away; the value is how reports say it."""

    FAILURE = "a failure"
    UNKNOWN = "what is not modelled"
    NOTHING = "nothing: it is unneeded"
    IMPLIED = "nothing: the others imply it"


@dataclass(frozen=True, slots=True)
class Negated:
    """What came of the opposite of one assumption, all others made.

    ``claim`` and ``model`` are those that it breaks, None where it breaks none; ``reason`` is
    one sentence, empty where every claim is still proved.
    """

    assumption: str
    keeps: Keeps
    claim: str | None = None
    model: ModelName | None = None
    reason: str = ""


def negated(
    target: Target, choice: Choice, replayer: Replayer, say: Callable[[str], None]
) -> Iterator[Negated]:
    """Judge the promised claims under the opposite of each assumption in turn."""
    for assumption in target.spec.assumptions:
        say(f"{target.spec.name}: without {assumption.id}, its opposite")
        yield opposite(target, assumption.id, choice, replayer)


def opposite(target: Target, name: str, choice: Choice, replayer: Replayer) -> Negated:
    """Judge the promised claims under the opposite of one assumption, up to a refutation."""
    told = Negated(name, Keeps.IMPLIED)
    turned = _turned(target, name)
    for model, claims in choice.pairs(target.spec):
        session = Session(turned, model, bench(), Solver(target.spec.limits.solver_seconds))
        if not session.paths:
            others = (each for each in session.contradiction if each != name)
            reason = f"its opposite contradicts {', '.join(others) or 'itself'}"
            told = replace(told, reason=told.reason or reason)
            continue
        if told.keeps is Keeps.IMPLIED:
            told = Negated(name, Keeps.NOTHING)
        for claim in claims:
            result = confirmed(session.judge(claim), replayer)
            if result.verdict is Verdict.REFUTED:
                return Negated(name, Keeps.FAILURE, claim.id, model, result.reason)
            if result.verdict is not Verdict.PROVED and told.keeps is not Keeps.UNKNOWN:
                told = Negated(name, Keeps.UNKNOWN, claim.id, model, result.reason)
    return told


def _turned(target: Target, name: str) -> Target:
    """Give the target with the opposite of one assumption in its place."""
    made = tuple(
        replace(
            each, holds=Formula(f"not ({each.holds.text})", negation(each.holds.node), each.line)
        )
        if each.id == name
        else each
        for each in target.spec.assumptions
    )
    return replace(target, spec=replace(target.spec, assumptions=made))
