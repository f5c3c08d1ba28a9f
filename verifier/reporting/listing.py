"""An image as a listing: each executed instruction in the mode it runs in, the rest as bytes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from verifier.errors import printable
from verifier.reporting.wording import FAINT, line

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.execution.path import Path, Step
    from verifier.loading.image import Image

NOT_EXECUTED = "not executed"
ROW_BYTES = 8
"""Bytes on a row that is no instruction."""
LONGEST_RUN = 32
"""Bytes that are listed though nothing executed them; of more in a run, only their number is."""
RAW_WIDTH = 3 * 11


@dataclass(frozen=True, slots=True)
class Row:
    """Some bytes of the image.

    ``mode`` is the manuals' name of the mode they execute in, ``place`` where they do if it is
    not the image itself; ``text`` is empty where they are not executed.
    """

    offset: int
    raw: bytes
    mode: str
    text: str = ""
    place: str = ""

    @property
    def summed_up(self) -> bool:
        """Say whether the bytes are too many to list."""
        return self.mode == NOT_EXECUTED and len(self.raw) > LONGEST_RUN


def rows(image: Image, paths: Iterable[Path]) -> Iterator[Row]:
    """Give the whole image in order."""
    executed = _executed(image, [step for path in paths for step in path.steps])
    stops = sorted({*executed, *image.symbols.values(), len(image.data)})
    offset = 0
    while offset < len(image.data):
        found = executed.get(offset)
        if found is not None:
            yield found
            offset += len(found.raw)
            continue
        end = stops[bisect_right(stops, offset)]
        yield from _bytes(image, offset, end)
        offset = end


def _bytes(image: Image, offset: int, end: int) -> Iterator[Row]:
    """Give bytes that nothing executes, on one row where they are many."""
    longest = ROW_BYTES if end - offset <= LONGEST_RUN else end - offset
    for at in range(offset, end, longest):
        yield Row(at, image.data[at : min(at + longest, end)], NOT_EXECUTED)


def _executed(image: Image, steps: list[Step]) -> dict[int, Row]:
    """Find the image's offset of each executed instruction, copied ones by their bytes."""
    found: dict[int, Row] = {}
    elsewhere: dict[str, dict[int, Step]] = {}
    for step in steps:
        place = step.place
        if not isinstance(place.offset, int):
            continue
        if place.region.content == image.data:
            found.setdefault(place.offset, _row(step, place.offset, ""))
        else:
            elsewhere.setdefault(place.region.name, {})[place.offset] = step
    for copied in elsewhere.values():
        for run in _runs(copied):
            origin = _origin(image, run)
            if origin is None:
                continue
            for step in run:
                found.setdefault(origin, _row(step, origin, str(step.place)))
                origin += step.instruction.size
    return found


def _row(step: Step, offset: int, place: str) -> Row:
    instruction = step.instruction
    return Row(offset, instruction.raw, step.before.mode.value, instruction.text, place)


def _runs(steps: dict[int, Step]) -> Iterator[list[Step]]:
    """Give instructions that lie one behind the other."""
    run: list[Step] = []
    end = None
    for offset, step in sorted(steps.items()):
        if run and offset != end:
            yield run
            run = []
        run.append(step)
        end = offset + step.instruction.size
    if run:
        yield run


def _origin(image: Image, run: list[Step]) -> int | None:
    """Give where in the image these bytes stand, if in one place only."""
    code = b"".join(step.instruction.raw for step in run)
    first = image.data.find(code)
    return first if first >= 0 and image.data.find(code, first + 1) < 0 else None


def listing_lines(image: Image, paths: Iterable[Path], width: int | None) -> list[Text]:
    """Give the listing as text, a heading where the mode changes and one at each label."""
    labels: dict[int, list[str]] = {}
    for name, offset in image.symbols.items():
        labels.setdefault(offset, []).append(name)
    told: list[Text] = []
    for mode, group in groupby(rows(image, paths), key=lambda row: row.mode):
        found = list(group)
        if not all(row.summed_up for row in found):
            told.append(line("  ", (mode, FAINT if mode == NOT_EXECUTED else "bold")))
        for row in found:
            told += [
                line("    ", (f"{name}:", "cyan")) for name in sorted(labels.get(row.offset, ()))
            ]
            told.append(_line(row, image))
    if width is not None:
        for each in told:
            each.truncate(width, overflow="ellipsis")
    return told


def _line(row: Row, image: Image) -> Text:
    if row.summed_up:
        told = f"{NOT_EXECUTED}: {len(row.raw):#x} bytes"
        return line(f"    +{row.offset:#05x}  ", (told, FAINT))
    source = image.line_at(row.offset)
    where = f"{source.file.rpartition('/')[2]}:{source.line}" if source else ""
    at = f"  at {row.place}" if row.place else ""
    if row.raw != image.data[row.offset : row.offset + len(row.raw)]:
        at += "  as the code stored it"
    told = f"    +{row.offset:#05x}  {row.raw.hex(' ').ljust(RAW_WIDTH)}  "
    told += printable(row.text).ljust(28)
    behind = f"{where}{at}"
    return line(f"{told}  ", (behind, FAINT)) if behind else line(told.rstrip())
