"""ELF objects, executables and shared objects become images; a broken file, one sentence."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.loading.build import SOURCE, run
from verifier.errors import BadInput
from verifier.loading import Image, ImageDescription, Kind, Relocation, load, load_source_text

if TYPE_CHECKING:
    from pathlib import Path


def elf(path: Path) -> ImageDescription:
    """Describe an ELF file with no options."""
    return ImageDescription(Kind.ELF, path)


def load_bytes(data: bytes, folder: Path) -> Image:
    """Load changed bytes of an ELF file."""
    path = folder / "changed"
    path.write_bytes(data)
    return load(elf(path))


def test_an_object_equals_its_source(built: Path) -> None:
    """An object's image is that of its source; the lines of its code come from DWARF."""
    image = load(elf(built / "small.o"))
    source = load_source_text(SOURCE, "small.s")
    assert image.data == source.data
    assert image.digest == source.digest
    assert image.symbols == {k: v for k, v in source.symbols.items() if not k.startswith(".L")}
    assert image.constants == source.constants
    line = image.line_at(7)
    assert line is not None
    assert (line.file, line.line, line.text) == ("small.s", 5, "mov     $SELECTOR, %eax")


def test_sections_can_be_chosen(built: Path) -> None:
    """A list of sections restricts an object; a wrong name gets the nearest."""
    image = load(replace(elf(built / "small.o"), sections=(".data",)))
    assert image.data == 0x1122334455667788.to_bytes(8, "little")
    assert image.symbols == {"table": 0}
    assert image.lines == ()
    with pytest.raises(BadInput, match=r"did you mean '\.data'"):
        load(replace(elf(built / "small.o"), sections=(".dota",)))
    with pytest.raises(BadInput, match="not part of the image"):
        load(replace(elf(built / "program.o"), sections=(".text",)))


def test_a_compiled_object_is_linked_in_place(built: Path) -> None:
    """The relocations of a compiler's object reach its data section by distance."""
    image = load(elf(built / "program.o"))
    assert image.producer.startswith("GCC")
    assert image.data[image.symbols["counter"]] == 7
    reached = {
        end + struct.unpack_from("<i", image.data, end - 4)[0]
        for end in range(4, image.symbols["counter"])
    }
    assert image.symbols["counter"] in reached


def test_an_i386_object_has_addends_in_place(built: Path) -> None:
    """The older relocation form adds to what the field holds, negative values included."""
    image = load(replace(elf(built / "small32.o"), link_address=0x2000))
    table = image.symbols["table"]
    assert struct.unpack_from("<I", image.data, 1) == (0x2000 + table,)
    assert struct.unpack_from("<I", image.data, table) == (0x2000 + table - 4,)
    assert Relocation(table, 4, signed=False, target_offset=table - 4) in image.relocations


@pytest.mark.parametrize("name", ["program", "program.so"])
def test_a_program_is_laid_out_from_its_lowest_address(built: Path, name: str) -> None:
    """A linked file's image spans its loaded segments, with labels relative to the lowest."""
    image = load(elf(built / name))
    assert image.data[image.symbols["counter"]] == 7
    start = image.line_at(image.symbols["step"])
    assert start is not None
    assert (start.file, start.line, start.text) == ("program.c", 4, "return counter += by;")
    assert image.link_address % 0x1000 == 0
    with pytest.raises(BadInput, match="linked already"):
        load(replace(elf(built / name), link_address=0x1000))


def test_one_segment_of_a_program(built: Path) -> None:
    """A segment can be taken alone, by its number."""
    whole = load(elf(built / "program"))
    part = load(replace(elf(built / "program"), segment=1))
    start = part.link_address - whole.link_address
    assert whole.data[start : start + len(part.data)] == part.data
    with pytest.raises(BadInput, match="there is no segment 9"):
        load(replace(elf(built / "program"), segment=9))
    with pytest.raises(BadInput, match="an object has no segments"):
        load(replace(elf(built / "small.o"), segment=0))


@pytest.mark.parametrize("name", ["small.o", "program", "program.so"])
def test_a_file_cut_anywhere_is_bad_input(built: Path, tmp_path: Path, name: str) -> None:
    """A file cut at any multiple of 64 bytes, or of its last byte, is one clear sentence."""
    data = (built / name).read_bytes()
    for end in [*range(0, len(data), 64), len(data) - 1]:
        with pytest.raises(BadInput) as caught:
            load_bytes(data[:end], tmp_path)
        assert "\n" not in str(caught.value)


def test_other_machines_are_refused(built: Path, tmp_path: Path) -> None:
    """Another processor, byte order or file type is named."""
    data = bytearray((built / "small.o").read_bytes())
    for place, value, words in [(18, 183, "machine 183"), (5, 2, "byte order 2"), (16, 4, "type 4"),
                                (4, 1, "class 1")]:  # fmt: skip
        changed = bytearray(data)
        changed[place] = value
        with pytest.raises(BadInput, match=words):
            load_bytes(bytes(changed), tmp_path)
    with pytest.raises(BadInput, match="not an ELF file"):
        load_bytes(b"MZ" + bytes(100), tmp_path)


def test_a_huge_section_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    """A header that asks for 2^60 bytes of zeros is bad input at once."""
    (tmp_path / "big.s").write_text("nop\n.bss\n.skip 16\n")
    run("as", "--64", "-o", tmp_path / "big.o", tmp_path / "big.s")
    data = bytearray((tmp_path / "big.o").read_bytes())
    table = struct.unpack_from("<Q", data, 40)[0]
    struct.pack_into("<Q", data, table + 3 * 64 + 32, 1 << 60)
    with pytest.raises(BadInput, match="and the most is 0x4000000"):
        load_bytes(bytes(data), tmp_path)


def test_two_local_labels_of_one_name_name_nothing(tmp_path: Path) -> None:
    """A name that two files give to two places is not a label, and a note says so."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.s").write_text(f"same: nop\n.globl {name}\n{name}: nop\n")
        run("as", "--64", "-o", tmp_path / f"{name}.o", tmp_path / f"{name}.s")
    run("ld", "-r", "-o", tmp_path / "both.o", tmp_path / "one.o", tmp_path / "two.o")
    image = load(elf(tmp_path / "both.o"))
    assert set(image.symbols) == {"one", "two"}
    assert image.notes == ("'same' is defined more than once and names nothing",)


def test_debug_information_shows_no_foreign_file(tmp_path: Path) -> None:
    """A file outside the image's folder that DWARF names is not read."""
    secret, folder = tmp_path / "secret.s", tmp_path / "spec"
    folder.mkdir()
    secret.write_text("hunter2: nop\n")
    run("as", "--64", "-g", "-o", folder / "made.o", secret)
    (line,) = load(elf(folder / "made.o")).lines
    assert line.line == 1
    assert line.text == ""


@pytest.mark.parametrize("name", ["small.o", "small32.o", "program"])
def test_corrupt_files_are_images_or_bad_input(built: Path, tmp_path: Path, name: str) -> None:
    """Any few changed bytes give an image or bad input, never another exception (fixed seed)."""
    data = (built / name).read_bytes()
    tables = struct.unpack_from("<Q", data, 40)[0] if name != "small32.o" else 0
    interesting = st.one_of(st.integers(0, 63), st.integers(tables, len(data) - 1))
    change = st.tuples(st.one_of(interesting, st.integers(0, len(data) - 1)), st.integers(0, 255))

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(st.lists(change, min_size=1, max_size=4))
    @example([(60, 0)])
    def check(changes: list[tuple[int, int]]) -> None:
        changed = bytearray(data)
        for place, value in changes:
            changed[place] = value
        with suppress(BadInput):
            assert load_bytes(bytes(changed), tmp_path).data

    check()
