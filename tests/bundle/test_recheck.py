"""What other solvers say of a bundle, and what becomes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema
import pytest

from tests.bundle.conftest import PART, certified, reseal
from tests.soundness.build import Small, write
from verifier.bundle.audit import audit
from verifier.bundle.kinds import Answer, Kind
from verifier.bundle.layout import INDEX, MANIFEST, SUMS
from verifier.bundle.read import read_bundle
from verifier.bundle.recheck import Plan, Standing, recheck, status_of
from verifier.bundle.report import SCHEMA_FILE, Rechecked, document, dumped, recheck_lines
from verifier.bundle.solvers import SolverName
from verifier.cli import main
from verifier.reporting.status import Status
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.bundle.part import Bundle, Obligation
    from verifier.bundle.recheck import Checked

ONE = (SolverName.BITWUZLA,)
EMPTY = "leave:\tjmp out\nout:\thlt\n"
HARD = """\
(set-info :status unsat)
(set-logic QF_BV)
(declare-const |p| (_ BitVec 128))
(declare-const |q| (_ BitVec 128))
(assert (= (bvmul |p| |q|) #x00000000000000013b7f2c5e3d1a9b8f4c6e2d7a1f3b5c89))
(assert (bvult |p| #x00000000000000000001000000000000))
(assert (bvult |q| #x00000000000000000001000000000000))
(assert (bvugt |p| #x00000000000000000000000000000001))
(assert (bvugt |q| #x00000000000000000000000000000001))
(check-sat)
"""


def with_text(bundle: Bundle, kind: Kind, text: str) -> Bundle:
    """Give a bundle of one obligation, of that kind, whose script is ``text``."""
    (part,) = bundle.parts
    one = replace(first(bundle, kind), text=text)
    return replace(bundle, parts=(replace(part, obligations=(one,)),))


def first(bundle: Bundle, kind: Kind) -> Obligation:
    """Give the first obligation of a kind."""
    return next(each for each in bundle.parts[0].obligations if each.kind is kind)


def asked(bundle: Bundle, plan: Plan) -> list[Checked]:
    """Give what the solvers say of a bundle."""
    return list(recheck(bundle, plan))


def test_three_solvers_confirm_every_obligation(made: Path) -> None:
    """A program with forks, a join and a cut loop is confirmed in all it rests on."""
    bundle = read_bundle(made)
    audit(bundle.parts[0])
    checked = asked(bundle, Plan(seconds=120, jobs=2))
    wrong = [
        (each.obligation.name, each.replies)
        for each in checked
        if each.standing is not Standing.CONFIRMED
    ]
    assert not wrong
    kinds = Counter(each.obligation.kind for each in checked)
    rare = {Kind.EXCLUDED, Kind.CASES, Kind.CODE, Kind.CALL, Kind.CONTRACT}
    assert set(kinds) == set(Kind) - rare
    assert {each.root for each in bundle.parts[0].segments} == {"start", "joined", "head", "swept"}
    assert status_of(bundle, checked) is Status.PROVED
    assert {reply.solver for each in checked for reply in each.replies} == set(SolverName)


def test_the_report_says_what_was_asked_and_what_remains(made: Path) -> None:
    """Verdicts, kinds, solvers, the seal and what is believed still are all told."""
    bundle = read_bundle(made)
    checked = asked(bundle, Plan(ONE, 60, 2))
    found = Rechecked(bundle, checked, ONE, Status.PROVED)
    text = "\n".join(each.plain for each in recheck_lines(found))
    assert re.search(r"PROVED +claim-0 +confirmed, \d+ obligations? of its own", text)
    assert re.search(r"(REFUTED|UNKNOWN) +claim-4 +not certified", text)
    for told in (bundle.seal, "bitwuzla 0.9.1", "SOUNDNESS.md", Kind.COVER.words):
        assert told in text
    values = document(found)
    assert values["seal"] == bundle.seal
    assert len(values["parts"][0]["obligations"]) == len(checked)
    jsonschema.validate(json.loads(dumped(found)), json.loads(SCHEMA_FILE.read_text()))


def test_the_limits_that_were_used_are_told(made: Path) -> None:
    """A bundle says what bounds its verdicts were found within."""
    limits = json.loads((made / PART / MANIFEST).read_text())["limits"]
    assert set(limits) == {"instructions", "paths", "solver_seconds"}
    assert all(limits.values())


def test_a_weakened_obligation_is_contradicted(copy: Path) -> None:
    """Without the assertion that excludes it, a question has an answer: our bug, exit code 5."""
    name = first(read_bundle(copy), Kind.CLAIM).name.split("/")[1]
    path = copy / PART / name
    lines = path.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("(assert")]
    path.write_text("\n".join([*kept, ""]))
    reseal(copy)
    bundle = read_bundle(copy)
    weak = next(each for each in bundle.parts[0].obligations if each.name.endswith(name))
    checked = asked(with_text(bundle, weak.kind, weak.text), Plan(seconds=60))
    assert [reply.answer for reply in checked[0].replies] == [Answer.SAT] * 3
    assert status_of(bundle, checked) is Status.BUG


def test_a_solver_that_does_not_answer_leaves_it_unknown(made: Path) -> None:
    """Each solver keeps to its time, and what it did not answer is not confirmed."""
    bundle = with_text(read_bundle(made), Kind.CLAIM, HARD)
    checked = asked(bundle, Plan(seconds=0.3))
    assert {reply.answer for reply in checked[0].replies} == {Answer.UNKNOWN}
    assert all(reply.problem for reply in checked[0].replies)
    assert status_of(bundle, checked) is Status.UNKNOWN


def test_a_bundle_without_a_proof_shows_nothing(made: Path) -> None:
    """Silence is not success: where no claim is proved, the exit code says so."""
    bundle = read_bundle(made)
    (part,) = bundle.parts
    bundle = replace(bundle, parts=(replace(part, claims=part.claims[-1:], obligations=()),))
    assert status_of(bundle, asked(bundle, Plan(ONE))) is Status.VACUOUS


@pytest.mark.parametrize("assumed", ["rdi <= 4", "rdi <= 6"])
def test_cases_of_the_start_are_covered_and_each_has_one_or_none(
    tmp_path: Path, assumed: str
) -> None:
    """A split gives an obligation that the cases cover; a case without a start is one too."""
    spec = write(tmp_path / "spec", Small(EMPTY, ("rdi <= 6",), (assumed,)))
    text = (spec / "spec.toml").read_text().replace("[exit]", 'split = "rdi == 5"\n[exit]')
    (spec / "spec.toml").write_text(text)
    assert certified(spec, tmp_path / "made") == [Verdict.PROVED]
    bundle = read_bundle(tmp_path / "made")
    audit(bundle.parts[0])
    kinds = Counter(each.kind for each in bundle.parts[0].obligations)
    empty = assumed == "rdi <= 4"
    assert (kinds[Kind.CASES], kinds[Kind.START], kinds[Kind.EXCLUDED]) == (1, 2 - empty, empty)
    checked = asked(bundle, Plan(ONE))
    assert status_of(bundle, checked) is Status.PROVED


def test_assumptions_that_no_start_satisfies_prove_nothing(tmp_path: Path) -> None:
    """A vacuous target has a bundle that says so, and is confirmed to have no start."""
    small = Small(EMPTY, ("rdi == 1",), ("rdi < 1 and rdi > 1",))
    assert certified(write(tmp_path / "spec", small), tmp_path / "made") == [Verdict.VACUOUS]
    bundle = read_bundle(tmp_path / "made")
    audit(bundle.parts[0])
    checked = asked(bundle, Plan(ONE))
    assert [each.obligation.kind for each in checked] == [Kind.EXCLUDED]
    assert checked[0].standing is Standing.CONFIRMED
    assert status_of(bundle, checked) is Status.VACUOUS


def test_two_specs_of_one_name_are_not_mixed(tmp_path: Path) -> None:
    """A part is never written over another."""
    small = Small(EMPTY, ("true",))
    write(tmp_path / "spec", small)
    (tmp_path / "other").mkdir()
    shutil.copytree(tmp_path / "spec", tmp_path / "other" / "spec")
    specs = [str(tmp_path / "spec"), str(tmp_path / "other" / "spec")]
    order = ["prove", *specs, "--jobs", "1", "-m", "retaining"]
    assert main([*order, "--certify", str(tmp_path / "b")]) == Status.BAD_INPUT
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("why", "standing"), [(None, Standing.CONFIRMED), ("step 3 is none", Standing.REJECTED)]
)
def test_a_certificate_beside_an_obligation_is_checked(
    made: Path, why: str | None, standing: Standing
) -> None:
    """A rejected certificate does not confirm, whatever the solvers say: exit code 5."""
    bundle = read_bundle(made)
    (part,) = bundle.parts
    one = first(bundle, Kind.CLAIM)
    bundle = replace(bundle, parts=(replace(part, obligations=(one,)),))
    seen = []

    def check(script: str, proof: str) -> str | None:
        seen.append((script, proof))
        return why

    (checked,) = asked(bundle, Plan(ONE, certificates=check))
    assert checked.standing is standing
    assert seen == [(one.text, one.certificate)]
    assert (status_of(bundle, [checked]) is Status.BUG) == (why is not None)


def test_recheck_uses_nothing_of_what_made_the_bundle(made: Path) -> None:
    """Neither lifter nor execution nor our own expressions are imported, nor any solver here."""
    program = (
        "import sys; from verifier.cli import main\n"
        "if __name__ == '__main__':\n"
        "    code = main(sys.argv[1:])\n"
        "    print('LOADED', code, *sorted(sys.modules))"
    )
    script = made.with_name("run.py")
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, str(script), "recheck", str(made), "--solver", "bitwuzla"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"},
    )
    code, *loaded = done.stdout.rpartition("LOADED")[2].split()
    assert code == "0", done.stdout
    tops = {name.split(".")[0] for name in loaded}
    assert not tops & {
        "angr",
        "claripy",
        "pyvex",
        "archinfo",
        "bochscpu",
        "z3",
        "capstone",
        "pysolvers",
    }
    rooms = {name.split(".")[1] for name in loaded if name.startswith("verifier.")}
    assert not rooms & {"solver", "machine", "semantics", "execution", "proving", "loading"}


def test_the_commands_write_and_check_a_bundle(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``prove --certify`` and ``recheck`` agree; a bundle is replaced, another folder is not."""
    monkeypatch.chdir(tmp_path)
    spec = str(root / "specs" / "la57-rfc")
    order = ["prove", spec, "-m", "retaining", "-c", "returns-to-lvl5", "--certify"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert main([*order, "mine"]) == Status.BAD_INPUT
    assert "is no proof bundle" in capsys.readouterr().err
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    for _ in range(2):
        assert main([*order, "bundle"]) == Status.PROVED
        told = capsys.readouterr().out
        assert "bundle in bundle: 1 part, seal SHA-256 " in told
    assert "a bundle with 1 part was in bundle and is replaced" in told
    other = ["prove", str(root / "specs" / "la57-prepatch"), *order[2:4], "--certify", "bundle"]
    assert main(other) == Status.BAD_INPUT
    assert "holds a bundle with la57-rfc.retaining, which is not" in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {"mine", "bundle"}
    assert {INDEX, SUMS} <= {each.name for each in (tmp_path / "bundle").iterdir()}
    report = tmp_path / "report.json"
    asking = ["recheck", "bundle", "--solver", "bitwuzla", "--json", str(report)]
    assert main(asking) == Status.PROVED
    said = capsys.readouterr().out
    assert told.rpartition("SHA-256 ")[2].strip() in said
    assert json.loads(report.read_text())["exit_code"] == 0
    shutil.rmtree(tmp_path / "bundle" / "la57-rfc.retaining")
    assert main(["recheck", "bundle"]) == Status.BAD_INPUT
    assert "listed and missing" in capsys.readouterr().err


def test_a_bundle_is_not_written_where_a_spec_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad input leaves no bundle and nothing half-written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_text("title = 1\n")
    assert main(["prove", "spec.toml", "--certify", "bundle"]) == Status.BAD_INPUT
    assert "no bundle was written" in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {"spec.toml"}
