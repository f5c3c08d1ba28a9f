"""An object that says the same thing many times over is refused before it is read so often."""

from __future__ import annotations

import struct
from functools import partial
from pathlib import Path

import pytest

from tests.hostile.confine import confined
from verifier.loading.load import ImageDescription, Kind, load, load_source_text

HEADER, SECTION, SYMBOL, RELA = "<16sHHIQQQIHHHHHH", "<IIQQQQIIQQ", "<IBBHQQ", "<QQq"


def many(symbols: int, tables: int, relocations: int, name: int) -> bytes:
    """Give an object whose symbols share a name that long, and whose tables are one."""
    parts = [
        b"\x90" * 64,
        bytes(24) + struct.pack(SYMBOL, 1, 0x10, 0, 1, 0, 0) * symbols,
        b"\0" + b"n" * name + b"\0",
        struct.pack(RELA, 0, 1 << 32, 0) * relocations,
    ]
    starts = [64 + sum(map(len, parts[:index])) for index in range(len(parts))]
    rows = [
        (0,) * 10,
        (1, 1, 6, 0, starts[0], len(parts[0]), 0, 0, 1, 0),
        (1, 2, 0, 0, starts[1], len(parts[1]), 3, 0, 8, 24),
        (1, 3, 0, 0, starts[2], len(parts[2]), 0, 0, 1, 0),
        *[(1, 4, 0, 0, starts[3], len(parts[3]), 2, 1, 8, 24)] * tables,
    ]
    end = 64 + sum(map(len, parts))
    ident = b"\x7fELF\x02\x01\x01"
    header = struct.pack(HEADER, ident, 1, 62, 1, 0, 0, end, 0, 64, 0, 0, 64, len(rows), 3)
    return header + b"".join(parts) + b"".join(struct.pack(SECTION, *each) for each in rows)


@pytest.mark.parametrize("shape", [(900, 0, 1, 4000), (1, 50, 3000, 3)])
def test_what_is_said_again_and_again_is_refused(
    shape: tuple[int, int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long names of many symbols, and tables that are the same bytes, are counted together."""
    path = tmp_path / "many.o"
    path.write_bytes(many(1, 1, 1, shape[-1]))
    reader = partial(load, ImageDescription(Kind.ELF, path))
    assert confined(reader) is None
    monkeypatch.setattr("verifier.loading.elf.MOST_ENTRIES", 100_000)
    path.write_bytes(many(*shape))
    assert "has more than 100000 symbols" in str(confined(reader))


def test_a_source_of_many_sections_is_read(tmp_path: Path) -> None:
    """Each row of a listing is looked for in its own section, not in thousands."""
    source = "".join(f'.section .a{number},"ax"\nnop\n' for number in range(6000))
    image = partial(load_source_text, source, "code.S", tmp_path)
    assert confined(image) is None
