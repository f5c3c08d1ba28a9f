"""``specs/README.md`` documents every word of the format, and its examples are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verifier.loading import Image
from verifier.machine.models import ModelName
from verifier.machine.registers import Mode, Segment
from verifier.specification.contract import Abi
from verifier.specification.events import Event, EventField
from verifier.specification.functions import SIGNATURES
from verifier.specification.mistake import Broken, read_mistake
from verifier.specification.read import KEYS, read_spec
from verifier.specification.scope import CPU_MEMBERS, REGION_MEMBERS, Symbols
from verifier.specification.spec import Content, EveryLoad, ImageKind, Limits, SegmentState
from verifier.specification.verdict import Verdict
from verifier.specification.vocabulary import SegmentPart

ROOT = Path(__file__).parents[2]
README = (ROOT / "specs" / "README.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)

WORDS = [
    *(member.value for kind in (ModelName, Event, EventField, Verdict) for member in kind),
    *(member.value for kind in (Content, ImageKind, SegmentState, EveryLoad) for member in kind),
    *(mode.name for mode in Mode),
    *(segment.name.lower() for segment in Segment),
    *(abi.value for abi in Abi),
    *(part.value for part in SegmentPart),
    *(f"{name}(" for name in SIGNATURES),
    *(f"cpu.{name}" for name in CPU_MEMBERS),
    *(f"low.{name}" for name in REGION_MEMBERS),
]


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_is_documented(word: str) -> None:
    """Each event, field, function, model and verdict stands in a code span or an example."""
    spans = re.findall(r"`([^`]+)`", README.replace("```", ""))
    assert any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", span) for span in spans) or (
        word.endswith("(") and any(word in span for span in spans)
    )


def test_every_key_is_documented() -> None:
    """Each key that a reader allows stands in the README as code."""
    keys = set(KEYS)
    for path in sorted((ROOT / "verifier" / "specification").glob("*.py")):
        for call in re.findall(r"\.allow\(([^)]*)\)", path.read_text()):
            keys |= set(re.findall(r'"(\w+)"', call))
    assert len(keys) >= 40
    forms = ("`{}`", "{} =", "[{}]", "[{}.")
    assert {key for key in keys if not any(form.format(key) in README for form in forms)} == set()


def test_limits_are_documented_as_they_are() -> None:
    """The table of limits has what holds unless a spec says otherwise."""
    usual = Limits()
    for name in ("instructions", "paths", "solver_seconds"):
        assert f"| `{name}` | {getattr(usual, name)} |" in README


def test_the_worked_example_is_read(tmp_path: Path) -> None:
    """The example of an unknown object file is a spec without a mistake."""
    (tmp_path / "switch.o").write_bytes(b"")
    path = tmp_path / "switch.toml"
    path.write_text(EXAMPLES[0])
    spec = read_spec(path, Symbols({"go_long": 0, "go_long.jump": 0x40}, {}, 0x47))
    assert spec.name == "switch"
    assert [claim.id for claim in spec.claims] == ["arrives", "tables-are-the-callers", "frame"]


def test_the_example_of_a_mistake_is_read(tmp_path: Path) -> None:
    """The example of a mistake is one, and fits a source that has its text once."""
    path = tmp_path / "rsi.toml"
    path.write_text(EXAMPLES[1])
    mistake = read_mistake(path)
    assert isinstance(mistake.outcome, Broken)
    assert mistake.apply("\tmovq\t%r8, %rsi\n") == ""


def test_the_example_of_edits_of_bytes_is_read(tmp_path: Path) -> None:
    """The example of edits of bytes is one, and fits an image in either form."""
    path = tmp_path / "bytes.toml"
    path.write_text(f'mistake = "bytes"\nequivalent = "why"\n{EXAMPLES[2]}')
    labels = {"trampoline_32": 0, "site_copy": 7, "site_patch": 8, "site_call": 12}
    for form in ("011402", "010c01"):
        data = bytes.fromhex(f"909090 0fbaf01f 90 {form} 90")
        changed = read_mistake(path).patch(Image("x", data, labels, {}, (), "", ""))
        assert changed.data == b"\x90" * len(data)
