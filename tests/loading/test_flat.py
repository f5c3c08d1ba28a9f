"""A flat binary is its bytes, with labels given as addresses from its origin."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from verifier.errors import BadInput
from verifier.loading import ImageDescription, Kind, load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def flat(tmp_path: Path) -> ImageDescription:
    """Describe a file of four bytes linked at 0x7c00."""
    path = tmp_path / "boot.bin"
    path.write_bytes(b"\x90\x90\xeb\xfe")
    return ImageDescription(Kind.FLAT, path, origin=0x7C00, symbols={"loop": 0x7C02})


def test_bytes_and_labels(flat: ImageDescription) -> None:
    """A label's offset is its address less the origin."""
    image = load(flat)
    assert image.data == b"\x90\x90\xeb\xfe"
    assert image.digest == sha256(image.data).hexdigest()
    assert image.symbols == {"loop": 2}
    assert image.link_address == 0x7C00
    assert image.symbol_at(3) == "loop+0x1"
    assert image.line_at(0) is None


@pytest.mark.parametrize("address", [0x7BFF, 0x7C05, 2])
def test_a_label_outside_is_refused(flat: ImageDescription, address: int) -> None:
    """A label below the origin or past the end is the user's mistake."""
    with pytest.raises(BadInput, match=r"'stray' at .* lies outside the image"):
        load(replace(flat, symbols={"stray": address}))


def test_files_that_are_no_image(flat: ImageDescription, tmp_path: Path) -> None:
    """A missing, empty or oversized file is told in one sentence."""
    empty, big = tmp_path / "empty", tmp_path / "big"
    empty.write_bytes(b"")
    with big.open("wb") as file:
        file.truncate((64 << 20) + 1)
    for path, words in {
        tmp_path / "none": "does not exist",
        tmp_path: "is a directory",
        empty: "has no bytes",
        big: "the most is",
    }.items():
        with pytest.raises(BadInput, match=words):
            load(replace(flat, path=path))
    with pytest.raises(BadInput, match="has no 'segment'"):
        load(replace(flat, segment=1))
