"""A saved counterexample comes back bit for bit, and a damaged file is told in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.reporting import build
from verifier.errors import BadInput
from verifier.machine.concrete import FaultSeen, Override
from verifier.machine.registers import Gpr, Vector
from verifier.proving.result import End
from verifier.reporting.saved import read_saved, save
from verifier.specification.verdict import Verdict

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Give the file of a counterexample."""
    result = build.refuted()
    path = save(build.summary(result), result, tmp_path / "kept")
    assert path is not None
    return path


def test_file_gives_back_all_that_is_replayed(saved: Path) -> None:
    """Start, path, differences and end are those that were saved; engines' words are not kept."""
    read = read_saved(saved)
    assert read.counterexample == replace(build.counterexample(), replays=())
    assert (read.target, read.claim, read.model) == ("switch", "rsi-preserved", "zeroing")
    assert read.digest == "ab" * 32
    assert saved.name == "switch.rsi-preserved.zeroing.json"


def test_random_starts_come_back(tmp_path: Path, rng: random.Random) -> None:
    """Every register, byte, override and fault survives the file, in all 64 bits."""
    for _ in range(50):
        shown = build.counterexample()
        start = replace(
            shown.start,
            gprs={each: rng.getrandbits(64) for each in Gpr},
            rip=rng.getrandbits(64),
            memory={rng.getrandbits(40): rng.randbytes(rng.randrange(64)) for _ in range(4)},
            overrides={
                rng.randrange(40): (Override(Gpr.RSP, rng.getrandbits(64), rng.getrandbits(64)),)
            },
            has_la57=rng.random() < 0.5,
        )
        error = rng.choice((None, 0, 0x18))
        fault = FaultSeen(rng.choice(list(Vector)), error, rng.getrandbits(64))
        end = End(rng.getrandbits(64), fault, written={rng.getrandbits(40): rng.getrandbits(8)})
        made = replace(shown, start=start, end=end, load=None, replays=())
        result = replace(build.refuted(), counterexample=made)
        path = save(build.summary(result), result, tmp_path)
        assert path is not None
        assert read_saved(path).counterexample == made


def test_a_file_from_before_tells_of_no_trial(saved: Path) -> None:
    """Whether a start was found by trial is kept; a file without a word on it says no."""
    content = json.loads(saved.read_text())
    assert content.pop("sampled") is False
    saved.write_text(json.dumps(content))
    assert read_saved(saved).counterexample.sampled is False
    saved.write_text(json.dumps({**content, "sampled": True}))
    assert read_saved(saved).counterexample.sampled is True


def test_dropped_assumption_gives_a_file_of_its_own(tmp_path: Path) -> None:
    """The counterexample without an assumption does not overwrite the one with it."""
    result = build.refuted()
    path = save(build.summary(result, dropped=("load-range",)), result, tmp_path)
    assert path is not None
    assert path.name == "switch.rsi-preserved.zeroing.without-load-range.json"


def test_result_without_counterexample_makes_no_file(tmp_path: Path) -> None:
    """A proof and an unknown have nothing to save."""
    for result in (build.proved(), build.undecided(Verdict.VACUOUS)):
        assert save(build.summary(result), result, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def _without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda values: values.pop(key)


def _with(value: object, *keys: str) -> Callable[[dict[str, Any]], object]:
    def change(values: dict[str, Any]) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_with("x", "format"), "is no counterexample"),
        (_with(99, "version"), "version 99"),
        (_without("start"), "'start' is missing"),
        (_with([], "start"), "'start' is no object"),
        (_with("17", "start", "rip"), "'start.rip' is no number 0x"),
        (_with(17, "start", "rip"), "'start.rip' is no text"),
        (_with(hex(1 << 64), "start", "rip"), "'start.rip' is no number"),
        (_with("0x10000", "start", "gdtr", "limit"), "does not fit 16 bits"),
        (_with("0x1", "start", "gprs", "raxx"), "names no register; did you mean 'rax'?"),
        (_with("zz", "start", "memory", "0x10"), "'start.memory.0x10' is not in hexadecimal"),
        (_with("00", "start", "memory", "10"), "'start.memory.10' is no number"),
        (_with({"rip": "0x1", "vector": 2}, "end", "fault"), "'end.fault.vector' is no exception"),
        (_with(-1, "steps"), "'steps' is negative"),
        (_with(10**7, "steps"), "'steps' is more than"),
        (_with([3], "trace"), "'trace[0]' is no object"),
        (_with(1, "start", "has_la57"), "'start.has_la57' is no true or false"),
    ],
)
def test_damage_is_told(
    change: Callable[[dict[str, Any]], object], sentence: str, saved: Path
) -> None:
    """The sentence names the file, the place in it and what is wrong there."""
    values = json.loads(saved.read_text())
    change(values)
    saved.write_text(json.dumps(values))
    with pytest.raises(BadInput) as caught:
        read_saved(saved)
    assert sentence in str(caught.value)
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "json:1:2: is not JSON"),
        (b"[]", "is no JSON object"),
        (b"\xff", "is not JSON in UTF-8"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_no_json_is_told(content: bytes, sentence: str, tmp_path: Path) -> None:
    """A file of something else is no traceback."""
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=sentence.replace(".", r"\.")):
        read_saved(path)


def test_missing_file_is_told(tmp_path: Path) -> None:
    """A name without a file, and a folder, are told as what they are."""
    with pytest.raises(BadInput, match="there is no such file"):
        read_saved(tmp_path / "none.json")
    with pytest.raises(BadInput, match="cannot be read: is a directory"):
        read_saved(tmp_path)
