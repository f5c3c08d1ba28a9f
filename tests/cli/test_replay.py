"""``replay`` runs a saved file on real engines and says whether they do as it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reporting import build
from verifier.reporting.saved import save

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran


@pytest.fixture
def saved(here: Path) -> str:
    """Give the name of a saved counterexample that is true."""
    result = build.refuted()
    path = save(build.summary(result), result, here)
    assert path is not None
    return path.name


def test_engines_confirm_what_is_true(saved: str, run: Callable[..., Ran]) -> None:
    """Every engine there is does as the file says: exit code 0."""
    told = run("replay", saved)
    assert told.code == 0, told
    assert "Bochs confirms: the same 3 instructions, the same values at the end" in told.out


def test_trace_shows_each_instruction(saved: str, run: Callable[..., Ran]) -> None:
    """With ``--trace`` each instruction the engine executed has a line."""
    told = run("replay", saved, "--engine", "bochs", "--trace")
    assert "0x100007  64-bit mode  movq %rax, %rsi" in told.out
    assert "QEMU" not in told.out


def test_engine_that_contradicts_is_our_bug(saved: str, run: Callable[..., Ran]) -> None:
    """A file that says what no processor does exits 5."""
    values = json.loads(Path(saved).read_text())
    values["end"]["gprs"]["rsi"] = "0x8"
    Path(saved).write_text(json.dumps(values))
    told = run("replay", saved, "--engine", "bochs")
    assert told.code == 5
    assert "Bochs contradicts: rsi is 0x7, not 0x8" in told.out


def test_start_beyond_an_engine_is_unknown(saved: str, run: Callable[..., Ran]) -> None:
    """A start that no engine can hold proves nothing: exit code 3."""
    values = json.loads(Path(saved).read_text())
    values["start"]["memory"]["0x20000000000"] = "90"
    Path(saved).write_text(json.dumps(values))
    told = run("replay", saved, "--engine", "bochs")
    assert told.code == 3
    assert "Bochs cannot represent it" in told.out


def test_damaged_file_is_bad_input(run: Callable[..., Ran]) -> None:
    """What cannot be read is told in one sentence."""
    Path("x.json").write_text("{}")
    told = run("replay", "x.json")
    assert told.code == 2
    assert (
        told.err == "x.json: is no counterexample: its 'format' is not 'verifier-counterexample'\n"
    )
