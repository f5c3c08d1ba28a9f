"""A spec explains which changes of its target may go unseen; a wrong explanation is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.specification.build import SPEC, read_text
from verifier.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

START = SPEC.count("\n") + 1
WHY = 'why = "It is so."\n'
FORM = 'at = "start + 0x2"\nbytes = "90 ??"\nbecomes = "91 ??"\n'

BAD = [
    ("", 0, "[[survivor]] needs 'at' or 'within' and bytes, or 'differs'"),
    (FORM, 0, "[[survivor]] lacks the key 'why'"),
    (f'differs = ["rax"]\n{FORM}{WHY}', 2, "unknown key 'at' in [[survivor]]"),
    (f'differs = ["eflags"]\n{WHY}', 1, "'eflags' is not a value of 'differs'"),
    (f"differs = []\n{WHY}", 1, "'differs' is empty"),
    (f'differs = ["rax", "rax"]\n{WHY}', 1, "'differs' has 'rax' twice"),
    (f'at = "start"\nbytes = "90"\n{WHY}', 0, "[[survivor]] lacks the key 'becomes'"),
    (f'at = "start"\nbytes = "9"\nbecomes = "91"\n{WHY}', 2, "'9' is no byte"),
    (f'at = "start"\nbytes = "90"\nbecomes = "90"\n{WHY}', 3, "the edit changes nothing"),
    (f"{FORM}wy = 1\n{WHY}", 4, "unknown key 'wy' in [[survivor]]; did you mean 'why'?"),
]


def test_survivors_are_read(tmp_path: Path) -> None:
    """Registers by name, and bytes in one form or more, each with its reason and its line."""
    other = FORM.replace("91", "92")
    text = f'{SPEC}[[survivor]]\ndiffers = ["rax", "cf", "ss"]\n{WHY}'
    text += f"[[survivor]]\n{FORM}{WHY}[[survivor.or]]\n{other}"
    free, bytes_ = read_text(tmp_path, text).survivors
    assert (free.differs, free.forms, free.why) == (("rax", "cf", "ss"), (), "It is so.")
    assert [form.becomes for form in bytes_.forms] == [(0x91, None), (0x92, None)]
    assert (free.line, bytes_.line) == (START, START + 3)


@pytest.mark.parametrize(("text", "line", "message"), BAD)
def test_a_wrong_explanation_is_told_at_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    """Each mistake is one sentence with its line."""
    with pytest.raises(BadInput) as caught:
        read_text(tmp_path, f"{SPEC}[[survivor]]\n{text}")
    assert message in caught.value.message
    assert caught.value.line == START + line
