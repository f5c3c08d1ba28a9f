"""A slice of ``make differential``: every row and every form, each in one of its modes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.differential.harness import ENTRIES, Tally, combinations, run
from tests.differential.judge import Judge
from tests.differential.report import lines, missing
from tests.semantics.encoding import Entry, modes_of, name_of
from verifier.machine.registers import Flag
from verifier.semantics import system, table
from verifier.semantics.forms import FORMS, Form
from verifier.semantics.table import SYSTEM_ROWS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

PARTS = 6
STATES = 8
INSTANCES = 12
"""Instances of an entry that may be needed until a state of one is compared."""


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """Give one Bochs for all batches."""
    with closing(Judge()) as shared:
        yield shared


def entry_of(form: str) -> Entry:
    """Give an entry by the manual's form."""
    return next(each for each in ENTRIES if name_of(each).startswith(f"{form} ["))


@pytest.mark.parametrize("part", range(PARTS))
def test_every_entry_agrees_with_bochs(part: int, rng: random.Random, judge: Judge) -> None:
    """No state differs, and none of the entries is without a comparison."""
    tally, alone = Tally(), ENTRIES[part::PARTS]
    for entry in alone:
        for _ in range(INSTANCES):
            run([(rng, entry, rng.choice(modes_of(entry)))], STATES, judge, tally)
            if any(name == name_of(entry) for name, _ in tally.states):
                break
        else:
            pytest.fail(f"no state of {name_of(entry)} was compared")
    assert not tally.divergences, "\n".join(str(each) for each in tally.divergences)


def test_all_of_both_tables_is_compared() -> None:
    """What the harness goes round is the tables: what is added there is compared here."""
    pairs = combinations()
    assert {id(entry) for entry, _ in pairs} == {id(entry) for entry in (*SYSTEM_ROWS, *FORMS)}
    assert len(missing(Tally())) == len(pairs)


def test_a_wrong_row_is_found(
    rng: random.Random, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STD that clears DF differs, and the report shows the state and both outcomes."""
    wrong = tuple(
        replace(row, meaning=system.cld) if row.form == "STD" else row for row in SYSTEM_ROWS
    )
    monkeypatch.setattr(table, "SYSTEM_ROWS", wrong)
    tally = Tally()
    entry = entry_of("STD")
    run([(rng, entry, modes_of(entry)[0])], STATES, judge, tally)
    assert len(tally.divergences) == STATES
    text = "\n".join(lines(tally))
    assert "rflags: ours" in text
    assert "state: rax=" in text


@pytest.mark.parametrize("undefined", [frozenset(), frozenset({Flag.AF, Flag.CF})])
def test_wrong_undefined_flags_are_found(
    undefined: frozenset[Flag], rng: random.Random, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that leaves open less or more than the manual differs, whatever Bochs does."""
    entry = entry_of("XOR r/m, r")
    assert isinstance(entry, Form)
    monkeypatch.setattr(Form, "undefined_flags", lambda *_: undefined)
    tally = Tally()
    run([(rng, entry, modes_of(entry)[0])], STATES, judge, tally)
    assert any("left open" in str(each) for each in tally.divergences)


def test_command_repeats_a_seed(root: Path) -> None:
    """The command prints its seed and the table, and compares the same states again."""
    command = [sys.executable, "-m", "tests.differential", "--seconds", "2", "--only", "BSWAP"]
    done = subprocess.run(
        [*command, "--seed", "7", "--states", "20"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed: 7\n")
    assert "BSWAP r [0F C8]" in done.stdout
    assert " 0 divergences" in done.stdout
