"""``verifier mutate`` tells what no claim sees, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.soundness.build import Small, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ran

CODE = "\tmovl $4, %eax\n\tmovl $5, %ecx\nleave:\tjmp out\nout:\thlt\n"
USUAL = ("--model", "retaining", "--starts", "0")
FREE = '[[survivor]]\ndiffers = ["rcx"]\nwhy = "Nobody looks at it."\n'
SEES_ALL = (
    "rax == 4",
    "rcx == 5",
    "rip == out",
    "rdx == entry.rdx and rbx == entry.rbx and rbp == entry.rbp and rsp == entry.rsp",
)


def test_survivor_is_listed_and_fails_the_run(run: Callable[..., Ran], here: Path) -> None:
    """A change that no claim sees is shown with its bytes and both instructions; exit code 1."""
    write(here / "small", Small(CODE, ("rax == 4",)))
    told = run("mutate", "small", *USUAL)
    assert told.code == 1
    assert "movl $5, %ecx  ->  movl $6, %ecx" in told.out
    assert "b9 05 00 00 00  becomes  b9 06 00 00 00" in told.out
    assert "may differ: rcx" in told.out
    assert "that no claim sees and the spec does not explain" in told.out


def test_explained_survivors_pass(run: Callable[..., Ran], here: Path) -> None:
    """Where claims see the rest and the spec frees a register, the run is good; JSON says all."""
    claims = tuple(each for each in SEES_ALL if "rcx" not in each)
    spec = write(here / "small", Small(CODE, claims, more=FREE))
    told = run("mutate", str(spec), *USUAL, "--json", "-")
    report = json.loads(told.out)
    assert told.code == 0
    assert report["schema"] == "verifier-mutants"
    assert report["judged"] == report["mutants"] == len(report["fates"])
    assert report["unexplained"] == 0 < report["surviving"]
    fates = [each["fate"] for each in report["fates"]]
    assert fates.count("killed") == report["killed"]
    assert {each["why"] for each in report["fates"] if each["fate"] == "surviving"} == {
        "Nobody looks at it."
    }


def test_sample_prints_its_seed(run: Callable[..., Ran], here: Path) -> None:
    """A sample without a seed draws one and says which, so that it can be repeated."""
    write(here / "small", Small(CODE, SEES_ALL))
    told = run("mutate", "small", *USUAL, "--sample", "3", "--json", "report.json")
    report = json.loads((here / "report.json").read_text())
    assert f"drawn with seed {report['seed']}" in told.out
    assert told.out.splitlines()[-1] == "no mutant of the 3 judged survives unexplained"
    again = run("mutate", "small", *USUAL, "--sample", "3", "--seed", str(report["seed"]))
    assert [line for line in again.out.splitlines() if "killed" in line]
    assert report["judged"] == 3


def test_interrupted_run_is_resumed(run: Callable[..., Ran], here: Path) -> None:
    """Runs that keep their fates in one file judge each mutant once between them."""
    write(here / "small", Small(CODE, SEES_ALL))
    kept = ("--resume", "fates.json", "--json", "report.json")
    run("mutate", "small", *USUAL, *kept, "--sample", "3", "--seed", "1")
    told = run("mutate", "small", *USUAL, *kept)
    report = json.loads((here / "report.json").read_text())
    assert "3 of them by an earlier run" in told.out
    assert report["resumed"] == 3
    assert report["judged"] == report["mutants"]
    assert told.out.splitlines()[-1] == "no mutant survives unexplained"
    other = run("mutate", "small", *USUAL, "--replay", "--resume", "fates.json")
    assert other.code == 2
    assert "was kept of replay" in other.err


def test_opposites_of_assumptions(run: Callable[..., Ran], here: Path) -> None:
    """Each assumption is told with what it keeps away."""
    write(here / "small", Small(CODE, ("rax == 4",), ("rbx == 3",)))
    told = run("mutate", "small", "--model", "retaining", "--assumptions", "--json", "-")
    report = json.loads(told.out)
    assert told.code == 0
    keeps = {each["id"]: each["keeps"] for each in report["assumptions"]}
    assert keeps["given-0"] == "nothing"


def test_mistakes_of_the_user_are_told(run: Callable[..., Ran], here: Path) -> None:
    """A target that is not proved as it is, a folder that is not there: one sentence, code 2."""
    write(here / "small", Small(CODE, ("rax == 5",)))
    refuted = run("mutate", "small", *USUAL)
    nowhere = run("mutate", "small", "--json", "no/such/report.json")
    missing = run("mutate", "smal")
    mixed = run("mutate", "small", "--assumptions", "--resume", "fates.json")
    assert (refuted.code, nowhere.code, missing.code, mixed.code) == (2, 2, 2, 2)
    assert "'--resume' is of mutants" in mixed.err
    assert "claim-0 is REFUTED under retaining of the target as it is" in refuted.err
    assert "there is no folder 'no/such'" in nowhere.err
    assert "did you mean" in missing.err or "expected one of" in missing.err
