"""The gate speaks of promises alone, and keeps its files out of the commit."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_prove import BAD, BUG, DISAGREES, PROVED, SPEC, Proof
from tests.reporting import build
from verifier.cli import gate as gate_module
from verifier.cli.work import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Ran
    from tests.conftest import Needs


@pytest.fixture
def proof(here: Path, monkeypatch: pytest.MonkeyPatch, needs: Needs) -> Proof:
    """Give a stand-in for the work in a repository that tracks a spec."""
    (here / SPEC).mkdir(parents=True)
    (here / SPEC / "spec.toml").write_text("")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run([needs("git"), *command], cwd=here, check=True)
    stand_in = Proof()
    monkeypatch.setattr(gate_module, "judge_all", stand_in)
    return stand_in


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(PROVED, 0), (DISAGREES, 1), (BAD, 2), (BUG, 5), (Outcome(SPEC, (build.summary(),)), 4)],
)
def test_only_kept_promises_pass(
    outcome: Outcome, code: int, proof: Proof, run: Callable[..., Ran]
) -> None:
    """A commit passes when all is as recorded, and not when nothing was looked at."""
    proof.outcomes = (outcome,)
    assert run("gate").code == code


def test_broken_promise_is_shown_and_kept_aside(proof: Proof, run: Callable[..., Ran]) -> None:
    """Verdict and claim, load and source line are told; the file is in git's own folder."""
    proof.outcomes = (DISAGREES,)
    told = run("gate")
    assert re.search(r"REFUTED.*rsi-preserved", told.out)
    assert re.search(r"load\s*=\s*0x[0-9a-f]+", told.out)
    assert "code.S:7" in told.out
    assert Path(".git/verifier/switch.rsi-preserved.zeroing.json").is_file()
    assert not Path("counterexamples").exists()


@pytest.mark.usefixtures("here")
def test_nothing_to_prove_is_told(run: Callable[..., Ran]) -> None:
    """A folder outside git, and one that is not there, do not pass silently."""
    assert "is in no git repository" in run("gate").err
    assert run("gate").code == 2
    assert run("gate", "--root", "nowhere").code == 2
