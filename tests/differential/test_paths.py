"""One lift evaluated on many states is the very meaning that a proof executes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.differential.harness import combinations, drawn
from tests.differential.paths import Meaning, fault_of
from tests.differential.states import Scenery
from tests.differential.vector import SLOTS, At, state_over
from tests.semantics.compare import bochs_features
from verifier.execution.concrete import run, state_of
from verifier.execution.path import Faulted, OutOfModel
from verifier.machine.models import MODELS, ModelName
from verifier.machine.registers import Gpr, Mode
from verifier.machine.words import known

if TYPE_CHECKING:
    import random

    from tests.differential.harness import Drawn
    from tests.differential.states import State

ENTRIES_TRIED = 12
STATES = 6


@pytest.mark.parametrize("part", range(4))
def test_states_end_as_on_numbers(part: int, rng: random.Random) -> None:
    """The same state, executed on numbers with real page tables, ends alike."""
    agreed = 0
    for entry, mode in rng.sample(combinations(), ENTRIES_TRIED):
        made = drawn(rng, entry, mode, STATES)
        agreed += sum(_ends_alike(made, state) for state in made.states)
    assert agreed > ENTRIES_TRIED, part


def _ends_alike(made: Drawn, state: State) -> bool:
    byte = made.scenery.reader(state)
    path, results = made.meaning.outcome(state.vector, byte, {})
    before = state_of(made.scenery.start(state), MODELS[ModelName.RETAINING], bochs_features())
    there = run(before, 1, {})
    if path.unmodelled is not None or isinstance(there.ending, OutOfModel):
        return False
    if isinstance(there.ending, Faulted):
        assert fault_of(path) == (there.ending.vector, there.ending.error or 0)
        return True
    assert fault_of(path) is None
    after = list(state.vector)
    for at, number in zip(path.changed, results, strict=False):
        after[at] = number
    values = [*(there.state.gpr(register) for register in Gpr), there.state.rip]
    assert after[At.GPRS : At.RFLAGS] == [known(value) for value in values], made.scenery
    flags = after[SLOTS["rflags"]]
    for flag, bit in zip(path.flags, results[len(path.changed) :], strict=False):
        flags = flags & ~(1 << flag) | bit << flag
    assert flags == known(there.state.rflags), made.scenery
    return True


def test_wrap_at_4g_is_unmodelled_whatever_the_limit_is_made_of(rng: random.Random) -> None:
    """Processors may fault or wrap there, also where the limit is no number but is 4 GiB."""
    mode = Mode.PROTECTED_32
    scenery = Scenery(rng, combinations()[0][0], mode, odd=False)
    vector = scenery.state().vector
    vector[Gpr.RBX] = 0xFFFF_FFFE
    for varied in ({"rip"}, {"rip", "rbx", "ds.limit"}):
        load = Meaning(state_over(vector, mode, bytes.fromhex("8b03"), varied))
        path, _ = load.outcome(vector, scenery.ram.__getitem__, {})
        assert path.unmodelled == "an access that wraps around 4G"


def test_another_answer_is_another_path(rng: random.Random) -> None:
    """A branch taken and one not taken are two paths, each found once."""
    entry, mode = next(each for each in combinations() if "JE rel8" in str(each[0]))
    made = drawn(rng, entry, mode, 64)
    for _ in range(2):
        for state in made.states:
            made.meaning.outcome(state.vector, made.scenery.reader(state), {})
        assert made.meaning.count == 2
