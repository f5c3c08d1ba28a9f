"""``prove`` prints, keeps, writes and exits as the verdicts say; nothing is proved here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.reporting import build
from verifier.cli import prove as prove_module
from verifier.cli.choose import Wish
from verifier.cli.work import Outcome
from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.proving.target import Choice, read_target
from verifier.reporting.document import SCHEMA_FILE
from verifier.reporting.recorded import Disagreement
from verifier.reporting.saved import read_saved
from verifier.reporting.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Ran

SPEC = Path("specs/switch")
PROVED = Outcome(SPEC, (build.summary(build.proved()),))
REFUTED = Outcome(SPEC, (build.summary(build.proved(), build.refuted()),))
UNKNOWN = Outcome(SPEC, (build.summary(build.undecided()),))
CONTRADICTED = Outcome(SPEC, (build.summary(replace(build.refuted(), contradicted=True)),))
BAD = Outcome(SPEC, bad=BadInput("there is no register 'rxx'", "specs/switch/spec.toml", 7, 3))
BUG = Outcome(SPEC, bug=("two solvers disagree", "Traceback: details"))
WRONG = Disagreement(
    "switch", "rsi-preserved", ModelName.ZEROING, (), "expected PROVED, is REFUTED", Status.REFUTED
)
DISAGREES = Outcome(SPEC, REFUTED.summaries, (WRONG,))


class Proof:
    """Stands in for the work: gives outcomes, remembers what was asked."""

    def __init__(self) -> None:
        """Nothing is proved unless a test says so."""
        self.outcomes: tuple[Outcome, ...] = ()
        self.asked: list[tuple[tuple[Path, ...], Wish, int]] = []

    def __call__(
        self, specs: tuple[Path, ...], wish: Wish, jobs: int, say: Callable[[str], None]
    ) -> Iterator[Outcome]:
        """Give the outcomes."""
        say("working")
        self.asked.append((specs, wish, jobs))
        return iter(self.outcomes)


@pytest.fixture
def proof(here: Path, monkeypatch: pytest.MonkeyPatch) -> Proof:
    """Give the stand-in, and a spec to name."""
    (here / SPEC).mkdir(parents=True)
    (here / SPEC / "spec.toml").write_text("")
    stand_in = Proof()
    monkeypatch.setattr(prove_module, "judge_all", stand_in)
    return stand_in


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((PROVED,), 0),
        ((PROVED, REFUTED), 1),
        ((REFUTED, BAD), 2),
        ((UNKNOWN, PROVED), 3),
        ((Outcome(SPEC, (build.summary(),)),), 4),
        ((CONTRADICTED,), 5),
        ((BAD, BUG), 5),
    ],
)
def test_exit_code_is_the_worst(
    outcomes: tuple[Outcome, ...], code: int, proof: Proof, run: Callable[..., Ran]
) -> None:
    """Over all specs the worst decides, and every spec has its say."""
    proof.outcomes = outcomes
    assert run("prove").code == code


def test_counterexample_is_printed_kept_and_replayable(
    proof: Proof, run: Callable[..., Ran]
) -> None:
    """The report ends a counterexample with the command that replays its file."""
    proof.outcomes = (REFUTED,)
    told = run("prove")
    path = "counterexamples/switch.rsi-preserved.zeroing.json"
    assert f"verifier replay {path}" in told.out
    assert read_saved(Path(path)).claim == "rsi-preserved"
    assert told.err == ""


def test_what_became_of_a_contract_is_told_at_the_end(
    proof: Proof, run: Callable[..., Ran]
) -> None:
    """After all verdicts a line says whether the spec behind a contract was judged, too."""
    summary = replace(PROVED.summaries[0], proved_by={"load-range": "elsewhere"})
    proof.outcomes = (Outcome(SPEC, (summary,)), PROVED)
    _, _, end = run("prove").out.partition("2 PROVED\n")
    assert end.startswith("the contract load-range of switch rests on elsewhere, which was not")


def test_bad_input_is_one_sentence_and_others_go_on(proof: Proof, run: Callable[..., Ran]) -> None:
    """A spec that cannot be read is told as compilers do; the next one is still proved."""
    proof.outcomes = (BAD, PROVED)
    told = run("prove")
    assert told.err == "specs/switch/spec.toml:7:3: there is no register 'rxx'\n"
    assert "PROVED   cr3-below-4g" in told.out
    assert told.code == 2


def test_bug_is_one_sentence_with_details_in_a_file(proof: Proof, run: Callable[..., Ran]) -> None:
    """Our own mistake is no traceback on the terminal, but a maintainer finds one."""
    proof.outcomes = (BUG,)
    told = run("prove")
    assert told.err.startswith("a bug of the verifier: two solvers disagree")
    assert Path("counterexamples/bug-switch.txt").read_text() == "Traceback: details"


def test_json_keeps_to_its_schema(proof: Proof, run: Callable[..., Ran]) -> None:
    """The file has results, errors, the exit code and where counterexamples are."""
    proof.outcomes = (REFUTED, BAD)
    assert run("prove", "--json", "report.json").code == 2
    report: dict[str, Any] = json.loads(Path("report.json").read_text())
    jsonschema.validate(report, json.loads(SCHEMA_FILE.read_text()))
    assert report["exit_code"] == 2
    assert report["errors"] == [str(BAD.bad)]
    assert report["tools"]["angr"]
    kept = report["results"][1]["counterexample"]["file"]
    assert Path(kept).is_file()


def test_limit_of_a_question_is_handed_on(proof: Proof, run: Callable[..., Ran]) -> None:
    """A limit of one's own goes with the wish; unless given, each spec has its own."""
    run("prove", "--solver-seconds", "7")
    run("prove")
    assert [wish.solver_seconds for _, wish, _ in proof.asked] == [7, None]


def test_json_needs_its_folder(proof: Proof, run: Callable[..., Ran]) -> None:
    """A folder that is not there is a typing mistake, told before anything is proved."""
    proof.outcomes = (REFUTED,)
    ran = run("prove", "--json", "nowhere/report.json")
    assert (ran.code, Path("nowhere").exists()) == (2, False)
    assert "there is no folder 'nowhere'" in ran.err


def test_json_to_standard_output_is_alone_there(proof: Proof, run: Callable[..., Ran]) -> None:
    """``--json -`` gives what a pipe can parse, and nothing else."""
    proof.outcomes = (REFUTED,)
    assert json.loads(run("prove", "--json", "-").out)["results"][1]["verdict"] == "REFUTED"


def test_options_become_the_wish(proof: Proof, run: Callable[..., Ran]) -> None:
    """What the command line says arrives where the work is done."""
    proof.outcomes = (PROVED,)
    named = ("--model", "retaining", "--claim", "a", "-c", "b", "--without", "x", "--explain")
    assert run("prove", "specs/switch", *named, "--jobs", "3").code == 0
    wish = Wish(models=("retaining",), claims=("a", "b"), without=("x",), explain=True)
    assert proof.asked == [((SPEC,), wish, 3)]


def test_recorded_agreement_is_success(proof: Proof, run: Callable[..., Ran]) -> None:
    """A refutation that the spec records is no failure, and leaves no file."""
    proof.outcomes = (REFUTED,)
    told = run("prove", "--recorded")
    assert told.code == 0
    assert "all 2 verdicts as recorded" in told.out
    assert not Path("counterexamples").exists()
    assert run("prove").code == 1


def test_recorded_disagreement_is_shown_in_full(proof: Proof, run: Callable[..., Ran]) -> None:
    """A verdict that is not the recorded one comes with its counterexample, kept in a file."""
    proof.outcomes = (DISAGREES,)
    told = run("prove", "--recorded", "--json", "r.json")
    assert told.code == 1
    assert "REFUTED !" in told.out
    assert "expected PROVED, is REFUTED" in told.out
    assert Path("counterexamples/switch.rsi-preserved.zeroing.json").is_file()
    assert json.loads(Path("r.json").read_text())["disagreements"][0]["claim"] == "rsi-preserved"


def test_folder_for_counterexamples_can_be_named(proof: Proof, run: Callable[..., Ran]) -> None:
    """``--cex`` names the folder; one that cannot be is a bad input."""
    proof.outcomes = (REFUTED,)
    run("prove", "--cex", "kept")
    assert Path("kept/switch.rsi-preserved.zeroing.json").is_file()
    Path("file").write_text("")
    told = run("prove", "--cex", "file")
    assert told.code == 2
    assert "cannot be written" in told.err


def test_default_folder_that_cannot_be_made_stops_nothing(
    proof: Proof, run: Callable[..., Ran]
) -> None:
    """Where no file can be kept, the verdict is still told."""
    Path("counterexamples").write_text("")
    proof.outcomes = (REFUTED,)
    told = run("prove")
    assert told.code == 1
    assert "the counterexample was not kept" in told.err
    assert "REFUTED" in told.out


def test_promises_alone_can_be_chosen_under_a_model(root: Path) -> None:
    """Naming a model judges every claim under it; what is not promised can be left out."""
    spec = read_target(root / "specs" / "la57-rfc").spec
    models = (ModelName.RETAINING,)
    ((_, whatever),) = Choice(models=models).pairs(spec)
    ((_, promised),) = Choice(models=models, promised=True).pairs(spec)
    assert {each.id for each in whatever} - {each.id for each in promised} == {"table-page-clean"}


def test_model_that_the_spec_does_not_use_is_bad_input(root: Path) -> None:
    """A model outside the spec's own list is told with the list, before anything is executed."""
    target = read_target(root / "specs" / "la57-rfc")
    spec = replace(target.spec, models=(ModelName.RETAINING,))
    with pytest.raises(BadInput, match="does not use the model 'zeroing'; it uses retaining"):
        Choice(models=(ModelName.ZEROING,)).pairs(spec)
