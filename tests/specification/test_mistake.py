"""A mistake is a set of edits that fit the source, and what must come of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.specification.build import read_text
from verifier.errors import BadInput
from verifier.machine.models import ModelName
from verifier.specification.mistake import Broken, Equivalent, read_mistake
from verifier.specification.spec import Expectation
from verifier.specification.verdict import Verdict

TEXT = """\
mistake = "rsi is not restored"

[[edit]]
find = "movq %r8, %rsi\\n"
replace = ""

[[edit]]
find = "nop"
replace = "hlt"

[expect]
claim = "rsi-preserved"
model = "retaining"
verdict = "REFUTED"
reason = "rsi"
"""

SOURCE = "start: movq %r8, %rsi\nnop\n"
SPECS = Path(__file__).parents[2] / "specs"


def write(folder: Path, text: str) -> Path:
    """Write a mistake's file."""
    path = folder / "rsi-lost.toml"
    path.write_text(text)
    return path


def test_a_mistake_is_read_and_made(tmp_path: Path) -> None:
    """The edits are made in order, and the expected verdict is with its reason."""
    mistake = read_mistake(write(tmp_path, TEXT), read_text(tmp_path))
    assert (mistake.name, mistake.text) == ("rsi-lost", "rsi is not restored")
    assert mistake.apply(SOURCE) == "start: hlt\n"
    expectation = Expectation(Verdict.REFUTED, "rsi")
    assert mistake.outcome == Broken("rsi-preserved", ModelName.RETAINING, expectation)


def test_a_mistake_may_be_equal_in_effect(tmp_path: Path) -> None:
    """An equivalent mistake says why it is one."""
    text = TEXT[: TEXT.index("[expect]")].replace("\n\n", '\nequivalent = "it is 0"\n\n', 1)
    assert read_mistake(write(tmp_path, text)).outcome == Equivalent("it is 0")


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("nop", 3, "the text to find does not occur in the source; it must occur once"),
        (SOURCE + "nop", 7, "the text to find occurs 2 times in the source"),
    ],
)
def test_an_edit_must_fit_once(tmp_path: Path, source: str, line: int, message: str) -> None:
    """A text to find that is not there, or there twice, is a mistake in the mistake."""
    mistake = read_mistake(write(tmp_path, TEXT))
    with pytest.raises(BadInput, match=message) as caught:
        mistake.apply(source)
    assert (caught.value.where, caught.value.line) == (mistake.path, line)


BAD = [
    ("mistake =", "mistakes =", 1, "unknown key 'mistakes' in the top of the file; did you mean"),
    ('replace = "hlt"', 'replace = "nop"', 9, "the edit changes nothing"),
    ('find = "nop"', 'find = ""', 8, "'find' is empty"),
    ('find = "nop"', "", 7, "[[edit]] lacks the key 'find'"),
    ("[expect]", "[other]", 11, "unknown key 'other'"),
    ("[expect]", "equivalent = 'x'\n[expect]", 11, "unknown key 'equivalent' in [[edit]]"),
    ("[[edit]]", "equivalent = 'x'\n[[edit]]", 3, "needs exactly one of 'expect', 'equivalent'"),
    ('"REFUTED"', '"PROVED"', 15, "a claim that is PROVED has no 'reason'"),
    ('"REFUTED"\nreason = "rsi"', '"PROVED"', 14, "a mistake that is proved is equal in effect"),
    ('"rsi-preserved"', '"rsi"', 12, "'rsi' is not a value of 'claim'; did you mean 'rsi-pre"),
    ('"retaining"', '"architectural"', 13, "'architectural' is not a value of 'model'"),
    ('reason = "rsi"', 'raison = "rsi"', 15, "unknown key 'raison' in [expect]; did you mean 'r"),
]


@pytest.mark.parametrize(
    ("find", "put", "line", "message"), BAD, ids=[put[:30] for _, put, _, _ in BAD]
)
def test_a_wrong_file_is_told_at_its_line(
    tmp_path: Path, find: str, put: str, line: int, message: str
) -> None:
    """Each mistake in the file is one sentence with the line it is in."""
    assert find in TEXT
    path = write(tmp_path, TEXT.replace(find, put, 1))
    with pytest.raises(BadInput) as caught:
        read_mistake(path, read_text(tmp_path))
    assert message in caught.value.message
    assert (caught.value.where, caught.value.line) == (path, line)


def test_a_mistake_edits_something(tmp_path: Path) -> None:
    """A mistake without an edit is none."""
    with pytest.raises(BadInput, match="the mistake edits nothing"):
        read_mistake(write(tmp_path, 'mistake = "none"\n'))


def test_every_mistake_of_the_house_fits_its_source() -> None:
    """Each file under ``specs`` is read, and each of its edits fits the target's source."""
    paths = sorted(SPECS.glob("*/broken/*.toml"))
    assert len(paths) >= 30
    for path in paths:
        source = (path.parents[1] / "trampoline.S").read_text()
        assert read_mistake(path).apply(source) != source
