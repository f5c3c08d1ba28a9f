"""Fates that a run kept are taken by the next one, where they are of the same question."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, write
from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.mutation.fate import Surviving
from verifier.mutation.judge import Wish, strength
from verifier.mutation.kept import Keep, kept
from verifier.proving.target import Choice, read_target

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.mutation.fate import Fate, Strength
    from verifier.replay.replayer import Replayer

CODE = "\tmovl $4, %eax\n\tmovl $5, %ecx\nleave:\tjmp out\nout:\thlt\n"
FREE_CX = '[[survivor]]\ndiffers = ["rcx"]\nwhy = "Nobody looks at it."\n'
FEW = 4
KILLED = {
    "offset": 0,
    "bytes": "b8 04 00 00 00",
    "becomes": "b8 05 00 00 00",
    "fate": "killed",
    "claim": "claim-0",
    "model": "retaining",
    "verdict": "REFUTED",
    "reason": "",
    "replayed": False,
}


def wish_of(file: Path, **tools: str) -> Wish:
    """Give a wish whose fates are kept in a file."""
    return Wish(Choice((ModelName.RETAINING,)), samples=0, keep=Keep(file, tools))


def judged(folder: Path, wish: Wish, replayer: Replayer, more: str = "") -> Strength:
    """Judge the mutants of the small code."""
    path = write(folder, Small(CODE, ("rax == 4",), more=more))
    return strength(read_target(path), wish, replayer, lambda _: None)


def differs(fate: Fate) -> tuple[str, ...]:
    """Give the parts of the end in which a survivor may differ."""
    return fate.differs if isinstance(fate, Surviving) else ()


def test_interrupted_run_goes_on(tmp_path: Path, replayer: Replayer) -> None:
    """What is kept is not judged again, and all fates are those of one whole run."""
    wish = wish_of(tmp_path / "fates.json")
    few = judged(tmp_path, replace(wish, seed=1, limit=FEW), replayer)
    assert (len(few.ended), few.resumed) == (FEW, 0)
    whole = judged(tmp_path, wish, replayer)
    assert whole.resumed == FEW
    assert len(whole.ended) == whole.total
    anew = judged(tmp_path, replace(wish, keep=None), replayer)
    assert [each.fate for each in whole.ended] == [each.fate for each in anew.ended]
    again = judged(tmp_path, replace(wish, seconds=0.0), replayer)
    assert again.resumed == again.total
    assert [each.fate for each in again.ended] == [each.fate for each in anew.ended]


def test_reason_of_a_survivor_is_looked_up_anew(tmp_path: Path, replayer: Replayer) -> None:
    """An explanation that the spec gained meanwhile counts, and no fate is lost for it."""
    wish = wish_of(tmp_path / "fates.json")
    before = judged(tmp_path, wish, replayer)
    after = judged(tmp_path, wish, replayer, FREE_CX)
    in_cx = [each for each in before.unexplained if differs(each.fate) == ("rcx",)]
    assert in_cx
    assert len(after.unexplained) == len(before.unexplained) - len(in_cx)
    assert after.resumed == after.total
    assert all(differs(each.fate) != ("rcx",) for each in after.unexplained)


def test_fates_of_another_question_are_refused(tmp_path: Path, replayer: Replayer) -> None:
    """Other bytes, claims, wishes or tools make other fates, and are named."""
    file = tmp_path / "fates.json"
    wish = wish_of(file, lifter="9.2")
    judged(tmp_path, replace(wish, limit=1), replayer)
    refused = {
        "lifter": wish_of(file, lifter="9.3"),
        "starts": replace(wish, samples=1),
        "replay": replace(wish, replay=True),
        "models": replace(wish, choice=Choice((ModelName.ZEROING,))),
    }
    for name, other in refused.items():
        with pytest.raises(BadInput, match=f"was kept of {name} ") as caught:
            judged(tmp_path, other, replayer)
        assert caught.value.where == file
    for name, code, claim in (
        ("spec", CODE, "rax == 4 and true"),
        ("image", CODE.replace("$5", "$6"), "rax == 4"),
    ):
        target = read_target(write(tmp_path, Small(code, (claim,))))
        with pytest.raises(BadInput, match=f"was kept of {name} "):
            strength(target, wish, replayer, lambda _: None)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("schema", "verifier-mutants", "its 'schema' is not 'verifier-mutants-kept'"),
        ("fates", [{"offset": -1}], r"'fates\[0\].offset' is negative"),
        ("fates", [3], r"'fates\[0\]' is no object"),
        ("fate", "lost", "is no fate of a mutant"),
        ("model", "best", "is of no model or verdict"),
        ("becomes", "xy", "is not in hexadecimal"),
        ("about", {}, "'about.target' is missing"),
    ],
)
def test_what_is_no_file_of_fates_is_refused(
    tmp_path: Path, key: str, value: object, told: str
) -> None:
    """A file of something else, or one that was changed by hand, is told in a sentence."""
    file = tmp_path / "fates.json"
    path = write(tmp_path, Small(CODE, ("rax == 4",)))
    keep, target = Keep(file, {}), read_target(path)
    kept(keep, target, {})
    held = json.loads(file.read_text())
    held["fates"] = [dict(KILLED)]
    file.write_text(json.dumps(held))
    assert len(kept(keep, target, {}).fates) == 1
    (held if key in held else held["fates"][0])[key] = value
    file.write_text(json.dumps(held))
    with pytest.raises(BadInput, match=told):
        kept(keep, target, {})
