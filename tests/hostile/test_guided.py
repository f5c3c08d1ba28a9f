"""A short search led by coverage breaks no reader, and finds a reader that is broken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hostile.confine import confined
from tests.hostile.formats import FORMATS, Format
from tests.hostile.guided import Search, Tally
from verifier.bundle.layout import require_replaceable

if TYPE_CHECKING:
    import random

STEPS = 60


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_no_input_breaks_a_reader(form: Format, rng: random.Random, tmp_path: Path) -> None:
    """Whatever is sent, a reader gives what it read or one sentence (seed printed above)."""

    def search() -> None:
        tally = Tally()
        led = Search(form, tmp_path, rng, tally)
        valid = tally.runs[form.name]
        assert tally.edges[form.name] > 10
        for _ in range(STEPS):
            led.step()
        assert not tally.broken, tally.broken
        assert tally.runs[form.name] == valid + STEPS

    assert confined(search) is None


def test_a_broken_reader_is_found(rng: random.Random, tmp_path: Path) -> None:
    """The search goes through lines of ours, keeps what leads further, and tells what breaks."""

    def read(data: bytes, folder: Path) -> None:
        require_replaceable(folder / data.hex()[:1] if data else folder)
        if len(data) > 5:
            raise KeyError(len(data))

    form = Format("broken", lambda: (b"ab",), read, (b"words",))
    tally = Tally()
    led = Search(form, tmp_path, rng, tally)
    for _ in range(200):
        led.step()
    assert any("KeyError" in words for words in tally.broken)
    assert tally.edges["broken"] > 3
