"""A bundle that is not as it was written is refused, in one sentence and without a traceback."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bundle.conftest import PART, altered, relist, reseal
from verifier.bundle.audit import audit
from verifier.bundle.commands import require_harmless
from verifier.bundle.kinds import Kind
from verifier.bundle.layout import INDEX, MANIFEST, SPEC, SUMS, files_in
from verifier.bundle.read import read_bundle
from verifier.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bundle.conftest import Change

Values = dict[str, Any]
ENOUGH = 300
"""Bytes flipped in one run of the tests."""


def checked(folder: Path) -> None:
    """Read and audit a bundle."""
    for part in read_bundle(folder).parts:
        audit(part)


def test_the_bundle_as_written_is_accepted(made: Path) -> None:
    """What the tests below change was right before."""
    checked(made)


@settings(max_examples=ENOUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_flipped_byte_is_accepted(made: Path, data: st.DataObject) -> None:
    """Whatever single byte of whatever file differs, the bundle is refused."""
    files = files_in(made)
    kinds = st.sampled_from([INDEX, SUMS, f"{PART}/{MANIFEST}", f"{PART}/{SPEC}", ""])
    name = data.draw(kinds) or data.draw(st.sampled_from(sorted(files)))
    path, content = files[name], files[name].read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    value = data.draw(st.integers(1, 255))
    try:
        path.write_bytes(content[:at] + bytes([content[at] ^ value]) + content[at + 1 :])
        with pytest.raises(BadInput):
            checked(made)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("name", [INDEX, SUMS, MANIFEST, SPEC, ".smt2", ".lrat"])
def test_a_file_that_is_cut_longer_or_gone_is_missed(copy: Path, name: str) -> None:
    """Each kind of file is missed, and seen to have lost or gained a byte."""
    path = next(path for key, path in files_in(copy).items() if key.endswith(name))
    content = path.read_bytes()
    for changed in (content[:-1], content + b"\n", b""):
        path.write_bytes(changed)
        with pytest.raises(BadInput):
            checked(copy)
    path.unlink()
    with pytest.raises(BadInput):
        checked(copy)


def test_what_is_added_is_refused(copy: Path) -> None:
    """A file that is not listed, and a link, belong to no bundle."""
    extra = copy / PART / "99999-claim.smt2"
    extra.write_text("(check-sat)\n")
    with pytest.raises(BadInput, match="not listed"):
        checked(copy)
    relist(copy)
    with pytest.raises(BadInput, match="belongs to no part"):
        checked(copy)
    extra.unlink()
    (copy / "link").symlink_to(copy / INDEX)
    with pytest.raises(BadInput, match="is a link"):
        checked(copy)


def test_a_folder_that_is_no_bundle_is_not_walked(tmp_path: Path, copy: Path) -> None:
    """It is told for what the folder lacks, whatever lies in it: a link is not come upon."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=f"is no proof bundle: it has no {SUMS}$"):
        read_bundle(tmp_path)
    (tmp_path / SUMS).write_bytes((copy / SUMS).read_bytes())
    with pytest.raises(BadInput, match=f"is no proof bundle: it has no {INDEX}$"):
        read_bundle(tmp_path)


def test_exchanged_files_are_refused(copy: Path) -> None:
    """Two obligations under each other's names are not what the manifest names."""
    one, two = sorted((copy / PART).glob("*.smt2"))[:2]
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    relist(copy)
    with pytest.raises(BadInput, match="digest differs"):
        checked(copy)


def of_kind(values: Values, kind: Kind) -> int:
    """Give the number of the first obligation of a kind."""
    return next(n for n, each in enumerate(values["obligations"]) if each["kind"] == kind.value)


def _without_claims_obligation(values: Values) -> None:
    values["claims"][0]["obligations"].pop()


def _without_guard(values: Values) -> None:
    values["claims"][0]["met"] = None


def _proved_all_the_same(values: Values) -> None:
    claim = values["claims"][-1]
    claim["verdict"] = "PROVED"


def _without_cover(values: Values) -> None:
    next(each for each in values["segments"] if each["cover"] is not None)["cover"] = None


def _without_path(values: Values) -> None:
    values["paths"].pop()


def _without_one_of_several(values: Values) -> None:
    by_segment: dict[int, list[int]] = {}
    for number, path in enumerate(values["paths"]):
        by_segment.setdefault(path["segment"], []).append(number)
    segment, paths = next(each for each in by_segment.items() if len(each[1]) > 1)
    other = next(each for each in by_segment if each != segment)
    values["paths"][paths[-1]]["segment"] = other
    values["paths"][paths[-1]]["conditions"] = 99


def _out_of_model(values: Values) -> None:
    next(each for each in values["paths"] if each["ending"] == "reached")["ending"] = "out-of-model"


def _ends_nowhere(values: Values) -> None:
    next(each for each in values["paths"] if each["ending"] == "subsumed")["into"] = None


def _goes_elsewhere(values: Values) -> None:
    path = next(each for each in values["paths"] if each["ending"] == "subsumed")
    path["into"] = next(n for n, each in enumerate(values["segments"]) if each["root"] == "start")


def _no_case(values: Values) -> None:
    values["cases"] = []


def _case_without_start(values: Values) -> None:
    values["cases"][0]["obligation"] = of_kind(values, Kind.CLAIM)


def _another_kind(values: Values) -> None:
    values["obligations"][of_kind(values, Kind.COVER)]["kind"] = Kind.JOIN.value


def _sat_is_expected(values: Values) -> None:
    values["obligations"][of_kind(values, Kind.CLAIM)]["expected"] = "sat"


def _unknown_assumption(values: Values) -> None:
    values["obligations"][of_kind(values, Kind.CLAIM)]["assumptions"] = ["luck"]


def _dropped_assumption(values: Values) -> None:
    values["dropped"] = ["load-low"]


def _unused_obligation(values: Values) -> None:
    values["explored"].pop()


def _twice_used(values: Values) -> None:
    values["explored"].append(values["explored"][0])


def _no_such_obligation(values: Values) -> None:
    values["explored"][0] = 10**6


def _no_such_segment(values: Values) -> None:
    values["paths"][0]["segment"] = 77


def _no_such_path(values: Values) -> None:
    values["claims"][0]["obligations"][0]["path"] = 77


def _lost_loop(values: Values) -> None:
    values["entries"] = []


CHANGES: dict[Change, str] = {
    _without_claims_obligation: "nothing shows 'claim-0'",
    _without_guard: "nothing shows 'claim-0'",
    _proved_all_the_same: "nothing shows 'claim-4'",
    _without_cover: "nothing says that the paths of segment . cover it",
    _without_path: "nothing leads out of segment|ways out",
    _without_one_of_several: "ways out",
    _out_of_model: "'claim-0' is not proved: path",
    _ends_nowhere: "nothing goes on from there",
    _goes_elsewhere: "goes on where it cannot, in segment 0",
    _no_case: "no case of the start",
    _case_without_start: "not of the kind 'start'",
    _another_kind: "not of the kind 'cover'",
    _sat_is_expected: "expected' is not what a solver must answer",
    _unknown_assumption: "assumes 'luck'",
    _dropped_assumption: "assumes 'load-low'",
    _unused_obligation: "nothing rests on obligation",
    _twice_used: "more than one thing rests on obligation",
    _no_such_obligation: "no obligation 1000000",
    _no_such_segment: "no segment 77",
    _no_such_path: "no path 77",
    _lost_loop: "nothing leads out of segment 0",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__.strip("_"))
def test_a_manifest_from_which_the_verdicts_do_not_follow_is_refused(
    copy: Path, change: Change
) -> None:
    """With every digest made right again, a gap in the argument is still seen."""
    altered(copy, change)
    with pytest.raises(BadInput, match=CHANGES[change]):
        checked(copy)


HARMFUL = (
    '(set-option :regular-output-channel "out")',
    "(echo |x|)",
    "(assert true) (exit)",
    "(assert true)\r(exit)",
    "(assert (= |a| |a|)",
    "(assert true))",
    "assert true",
    "(define-fun-rec f ((x Bool)) Bool (f x))",
    "(check-sat)",
    "(reset)",
    "(assert true) ; (exit)",
    '(assert (= "a" "a"))',
)


@pytest.mark.parametrize("command", HARMFUL)
def test_an_obligation_with_another_command_is_refused(copy: Path, command: str) -> None:
    """What a solver is fed declares, defines and asserts; nothing in it can write a file."""
    path = next((copy / PART).glob("*-claim.smt2"))
    path.write_bytes(path.read_bytes().replace(b"(check-sat)", f"{command}\n(check-sat)".encode()))
    reseal(copy)
    with pytest.raises(BadInput) as refused:
        checked(copy)
    assert refused.value.where == path


def test_every_obligation_written_is_harmless(made: Path) -> None:
    """What the writer writes is what the reader lets pass."""
    texts = [path.read_text() for path in (made / PART).glob("*.smt2")]
    assert len(texts) > 20
    for path in (made / PART).glob("*.smt2"):
        expected = "sat" if ":status sat" in path.read_text() else "unsat"
        require_harmless(path.read_text(), expected, path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=8) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_manifest_makes_a_traceback(
    made: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any value in the place of any other is accepted or told in one sentence."""
    copy = shutil.copytree(made, tmp_path_factory.mktemp("hostile") / "copy")
    path = copy / PART / MANIFEST
    values = json.loads(path.read_text())
    place: Any = values
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = inner
    path.write_text(json.dumps(values))
    relist(copy)
    try:
        checked(copy)
    except BadInput as mistake:
        assert "\n" not in str(mistake)  # noqa: PT017 - it may as well be accepted
    shutil.rmtree(copy.parent)
