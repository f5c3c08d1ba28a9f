"""A listing has every byte of the image once, executed ones in their mode."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from tests.reporting import build
from verifier.machine.memory import Place, Region
from verifier.machine.registers import Mode
from verifier.machine.words import constant
from verifier.reporting.listing import LONGEST_RUN, NOT_EXECUTED, ROW_BYTES, listing_lines, rows
from verifier.semantics.instruction import decode

if TYPE_CHECKING:
    from verifier.execution.path import Path

IMAGE = build.image()
HOME = Region("image", constant(0), len(IMAGE.data), content=IMAGE.data)
AWAY = Region("low", constant(0), 0x1000)


def path(region: Region, at: int, begin: int, end: int) -> Path:
    """Give a path that executes the image's bytes from ``begin`` to ``end`` at a place."""
    steps = []
    while begin < end:
        instruction = decode(IMAGE.data[begin:end], Mode.LONG_64)
        assert instruction is not None
        before = SimpleNamespace(mode=Mode.LONG_64)
        place = Place(region, at)
        steps.append(SimpleNamespace(place=place, instruction=instruction, before=before))
        begin, at = begin + instruction.size, at + instruction.size
    return cast("Path", SimpleNamespace(steps=steps))


def test_every_byte_is_listed_once() -> None:
    """Rows follow each other without a gap, whatever was executed."""
    for paths in ([], [path(HOME, 0, 0, 11)], [path(AWAY, 0x100, 7, 11)]):
        found = list(rows(IMAGE, paths))
        assert b"".join(row.raw for row in found) == IMAGE.data
        offsets = [sum(len(row.raw) for row in found[:index]) for index in range(len(found))]
        assert [row.offset for row in found] == offsets


def test_copied_code_is_found_by_its_bytes() -> None:
    """Code that runs elsewhere is listed where the image has it, with where it runs."""
    found = {row.offset: row for row in rows(IMAGE, [path(AWAY, 0x100, 7, 11)])}
    assert found[7].place == "low+0x100"
    assert found[7].mode == "64-bit mode"
    assert found[0].mode == NOT_EXECUTED


def test_text_has_labels_modes_and_lines() -> None:
    """The text names labels, modes and source lines; data is bytes."""
    text = "\n".join(each.plain for each in listing_lines(IMAGE, [path(HOME, 0, 0, 11)], None))
    assert "    entry:\n" in text
    assert "movq $7, %rax" in text
    assert "code.S:7" in text
    assert text.index("64-bit mode") < text.index(NOT_EXECUTED) < text.index("data:")


def test_many_bytes_that_nothing_executes_are_one_line() -> None:
    """The payload of a kernel is told by its size, with what lies behind a label apart."""
    behind = len(IMAGE.data) + LONGEST_RUN
    data = IMAGE.data + bytes(LONGEST_RUN + 0x1000)
    image = replace(IMAGE, data=data, symbols={"entry": 0, "tail": behind})
    found = list(rows(image, [path(HOME, 0, 0, 11)]))
    assert b"".join(row.raw for row in found) == data
    assert [len(row.raw) for row in found if row.summed_up] == [behind - 11, 0x1000]
    told = [each.plain for each in listing_lines(image, [path(HOME, 0, 0, 11)], None)]
    assert told[-3:] == [
        f"    +0x00b  {NOT_EXECUTED}: {behind - 11:#x} bytes",
        "    tail:",
        f"    +{behind:#05x}  {NOT_EXECUTED}: 0x1000 bytes",
    ]


def test_few_bytes_are_listed_without_blanks_behind_them() -> None:
    """A run of bytes up to the limit is listed row by row, and no row ends in a blank."""
    image = replace(IMAGE, data=bytes(LONGEST_RUN), symbols={}, lines=())
    told = [each.plain for each in listing_lines(image, [], None)]
    assert len(told) == 1 + LONGEST_RUN // ROW_BYTES
    assert [each for each in told if each != each.rstrip()] == []
