"""Help is complete, its examples are commands that parse, and it answers at once."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from verifier.bundle.solvers import SolverName
from verifier.cli.options import EngineName, Model, SolverChoice
from verifier.machine.models import ModelName
from verifier.replay.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

COMMANDS = ("prove", "recheck", "replay", "show", "inspect", "gate", "mutate")
SOLVERS = {"z3", "bitwuzla", "cvc5"}
SLOW = SOLVERS | {
    *("angr", "claripy", "pyvex", "pypcode", "capstone", "bochscpu", "elftools", "rich")
}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples_that_parse(
    command: str, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command's help shows examples, and each example reaches its command."""
    told = run(*filter(None, [command]), "--help")
    examples = re.findall(r"^ +verifier (.+?)(?:  .*)?$", told.out, re.MULTILINE)
    assert told.code == 0
    assert len(examples) >= 2
    for name in COMMANDS:
        __import__(f"verifier.cli.{name}")
        done = _reached(name)
        monkeypatch.setattr(sys.modules[f"verifier.cli.{name}"], name, done)
    for example in examples:
        assert run(*shlex.split(example)).code == 42, example


def test_commands_are_summed_up_in_whole_sentences(run: Callable[..., Ran]) -> None:
    """No summary is cut in its middle."""
    listed = run("--help").out.partition("Commands:\n")[2].splitlines()
    assert len(listed) == len(COMMANDS)
    assert all(each.endswith(".") and not each.endswith("..") for each in listed)


def _reached(name: str) -> Callable[..., int]:
    def stand_in(*arguments: Any, **options: Any) -> int:  # noqa: ANN401 - those of any command
        assert name
        assert arguments or options
        return 42

    return stand_in


@pytest.mark.parametrize("option", ["--model", "--claim", "--without", "--explain", "--json"])
def test_prove_offers_each_option(option: str, run: Callable[..., Ran]) -> None:
    """The options of the command line are those that were asked for."""
    assert option in run("prove", "--help").out


def test_choices_are_the_ones_there_are() -> None:
    """The names that help offers, written down apart for speed, are the real ones."""
    assert {each.value for each in Model} == {each.value for each in ModelName}
    assert {each.value for each in EngineName} == {each.value for each in Engine}
    assert {each.value for each in SolverChoice} == {each.value for each in SolverName}


@pytest.mark.parametrize("arguments", [["--help"], ["prove", "--modle", "x"], ["prove", "-m", "y"]])
def test_help_and_usage_errors_import_nothing_slow(arguments: list[str]) -> None:
    """What proves, replays or draws is not even imported."""
    program = (
        "import sys; from verifier.cli import main; code = main(sys.argv[1:]);"
        "print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert loaded
    assert not loaded & SLOW


def test_version_names_all_that_a_verdict_depends_on(run: Callable[..., Ran]) -> None:
    """Solver, lifter, decoder, engines with the CPU model, assembler and interpreter."""
    told = run("--version")
    names = ("verifier", "Python", "angr", "claripy", "pyvex", "pypcode", "z3-solver", "capstone")
    assert told.code == 0
    for name in (*names, "Bochs", "Bochs CPU", "QEMU", "as"):
        assert re.search(rf"^{name} \S", told.out, re.MULTILINE), name
    assert "bochscpu-python 0.3.1" in told.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prove", "--modle", "x"], "No such option: --modle"),
        (["prove", "--model", "retaning"], "'retaining'"),
        (["proof"], "No such command 'proof'"),
        (["replay"], "Missing argument"),
        (["replay", "x.json", "--engine", "bosch"], "no engine 'bosch'; did you mean 'bochs'?"),
        (["prove", "--jobs", "-1"], "--jobs is '-1'; it must be a whole number from 0 to"),
        (["prove", "--solver-seconds", "1.5"], "--solver-seconds is '1.5'"),
        (["mutate", "x", "--sample", "0"], "--sample is '0'; it must be a whole number from 1"),
        (["mutate", "x", "--time", "nan"], "--time is 'nan'; it must be a number from 0"),
        (["show", "x", "--model", "retaning"], "no model 'retaning'; did you mean 'retaining'?"),
        (["gate", "--on-disk", "--commit", "HEAD"], "--on-disk judges no commit"),
        (["prove", "--recorded", "--without", "a"], "--recorded drops"),
        (["prove", "--recorded", "--certify", "b"], "--recorded compares"),
        (["recheck", "b", "--solver", "yices"], "'yices'"),
    ],
)
def test_usage_errors_are_bad_input(
    arguments: list[str], sentence: str, run: Callable[..., Ran]
) -> None:
    """A wrong command line exits 2 with a sentence on standard error."""
    told = run(*arguments)
    assert told.code == 2
    assert sentence in told.err
    assert "Traceback" not in told.err
    assert "Value error" not in told.err
    assert told.out == ""


def test_completion_is_offered_for_specs_and_ids(here: Path) -> None:
    """A shell is offered the folders of specs, and the ids that their files hold."""
    folder = here / "specs" / "one"
    folder.mkdir(parents=True)
    (folder / "spec.toml").write_text('[[claim]]\nid = "abc"\n[[assume]]\nid = "xyz"\n')
    assert _completed("verifier prove sp") == ["specs/one"]
    assert _completed("verifier prove specs/one --claim ") == ["abc"]
    assert _completed("verifier prove --without x") == ["xyz"]
    (folder / "spec.toml").write_text("not TOML")
    assert _completed("verifier prove --claim ") == []


def _completed(words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "verifier"],
        env={
            "_VERIFIER_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
            "PYTHONPATH": ":".join(sys.path),
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split()
