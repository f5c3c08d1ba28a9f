"""Mutants and false claims of the specs that come with the verifier, by sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.specs.found import SPEC_FILES, SPECS, name_of, target_at
from verifier.machine.models import ModelName
from verifier.mutation.assumptions import Keeps, opposite
from verifier.mutation.fate import Killed, Surviving
from verifier.mutation.judge import Wish, strength
from verifier.proving.target import Choice
from verifier.specification.events import Event
from verifier.specification.expression import Constant
from verifier.specification.spec import Claim, Formula
from verifier.specification.verdict import Verdict
from verifier.verify import Options, verify_target

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from verifier.replay.replayer import Replayer

TOGGLE = SPECS / "linux-la57toggle" / "spec.toml"
QUICK = SPECS / "la57-rfc" / "spec.toml"
SAMPLE = 6
OPPOSITES = 2


@pytest.mark.parametrize("path", SPEC_FILES, ids=name_of)
def test_false_is_refuted(path: Path, replayer: Replayer) -> None:
    """No spec proves a claim of false, neither at the exit nor at its instructions."""
    target = target_at(path)
    model = target.spec.models[0]
    claims = tuple(
        Claim(
            name,
            "False.",
            event,
            None,
            None,
            Formula("false", Constant(value=False), 1),
            (),
            (),
            {},
            1,
        )
        for name, event in (("false-at-exit", None), ("false-at-event", Event.INSTRUCTION))
    )
    target = replace(target, spec=replace(target.spec, claims=claims))
    report = verify_target(target, Options(Choice((model,)), samples=0), replayer, lambda _: None)
    assert [result.verdict for result in report.results] == [Verdict.REFUTED] * 2


def test_sampled_mutants_are_seen(rng: random.Random, replayer: Replayer) -> None:
    """Of mutants drawn at random none survives that the spec does not explain."""
    wish = Wish(Choice((ModelName.RETAINING,)), seed=rng.getrandbits(32), limit=SAMPLE)
    found = strength(target_at(TOGGLE), wish, replayer, lambda _: None)
    assert len(found.ended) == SAMPLE
    assert found.unexplained == ()
    assert all(
        each.fate.samples
        for each in found.ended
        if not isinstance(each.fate, Killed) and isinstance(each.fate, Surviving)
    )


def test_sampled_assumptions_keep_something_away(rng: random.Random, replayer: Replayer) -> None:
    """An assumption that no opposite refutes is one that ends the model or is told as unneeded."""
    target = target_at(QUICK)
    choice = Choice((ModelName.RETAINING,))
    for name in rng.sample([each.id for each in target.spec.assumptions], OPPOSITES):
        told = opposite(target, name, choice, replayer)
        assert told.keeps in {Keeps.NOTHING, Keeps.IMPLIED} or told.reason
