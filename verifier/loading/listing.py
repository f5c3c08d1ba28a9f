"""The assembler's listing, read as a line table: it has the rows of data, which DWARF lacks.

A row is a line number, an offset in its section and the first bytes, a tab, then the text.
The section of a row is not in it: it is followed through the directives and checked against
the bytes, and a row that fits nowhere for certain is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verifier.loading.image import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROW = re.compile(r" *(\d+) (?:([0-9a-f]{4,}) ([0-9A-F? ]*))?[^\t]*\t(.*)")
_SECTION = re.compile(
    r"(?:[\w.$]+:\s*)*\.(text|data|bss|section|pushsection|popsection|previous)\b\s*\"?([\w.$-]*)"
)

_MOST_SEARCHED = 100
"""Sections that a row may be looked for in; where there are more, it has no line."""


@dataclass(frozen=True, slots=True)
class PlacedSection:
    """A section's bytes before relocation, and its offset in the image."""

    start: int
    data: bytes


@dataclass(slots=True)
class _Sections:
    """The assembler's current section and what `.popsection` and `.previous` go back to."""

    current: str = ".text"
    before: str = ".text"
    stack: list[tuple[str, str]] = field(default_factory=list)

    def follow(self, directive: str, operand: str) -> None:
        match directive:
            case "popsection":
                if self.stack:
                    self.current, self.before = self.stack.pop()
                return
            case "previous":
                name = self.before
            case "section" | "pushsection":
                name = operand
            case _:
                name = f".{directive}"
        if directive == "pushsection":
            self.stack.append((self.current, self.before))
        self.before, self.current = self.current, name


class _Sources:
    """Which file a row comes from: the first whose line of that number reads like the row."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.lines = {name: text.split("\n") for name, text in texts.items()}
        self.current = next(iter(texts))

    def find(self, number: int, text: str) -> tuple[str, str] | None:
        """Give file and stripped line; an expansion (``>``) has its invocation's number."""
        expanded = text.startswith(">")
        shown = "".join(text.split())
        for name in [self.current] if expanded else [self.current, *self.lines]:
            lines = self.lines[name]
            line = lines[number - 1].strip() if 0 < number <= len(lines) else None
            if line is not None and (expanded or "".join(line.split()).startswith(shown)):
                self.current = name
                return name, line
        return None


def read_listing(
    listing: str, sections: Mapping[str, PlacedSection], sources: Mapping[str, str]
) -> tuple[Line, ...]:
    """Give the lines by offset in the image, each reaching to the next row of its section.

    ``sources`` maps file names to their text, the main source first.
    """
    found: dict[str, dict[int, tuple[str, int, str]]] = {name: {} for name in sections}
    for section, offset, place in _rows(listing, sections, _Sources(sources)):
        found[section].setdefault(offset, place)
    lines = []
    for name, rows in found.items():
        offsets = sorted(rows)
        ends = [*offsets[1:], len(sections[name].data)]
        for offset, end in zip(offsets, ends, strict=False):
            start = sections[name].start + offset
            file, number, text = rows[offset]
            lines.append(Line(start, end - offset, file, number, text))
    return tuple(sorted(lines, key=lambda line: line.offset))


def _rows(
    listing: str, sections: Mapping[str, PlacedSection], sources: _Sources
) -> Iterator[tuple[str, int, tuple[str, int, str]]]:
    state = _Sections()
    for row in listing.split("\n"):
        matched = _ROW.fullmatch(row)
        if matched is None:
            continue
        number, offset, shown, text = matched.groups()
        directive = _SECTION.match(text.lstrip("> \t"))
        if directive:
            state.follow(*directive.groups())
        place = sources.find(int(number), text.strip())
        if place is None or not shown or not shown.strip():
            continue
        section = _section_of(int(offset, 16), shown, state.current, sections)
        if section is not None:
            file, line = place
            yield section, int(offset, 16), (file, int(number), line)


def _section_of(
    offset: int, shown: str, current: str, sections: Mapping[str, PlacedSection]
) -> str | None:
    """Give the section that has these bytes there: the current one, or the only one."""
    if "?" in shown or len("".join(shown.split())) % 2:
        return current if current in sections else None
    content = bytes.fromhex(shown)
    if current in sections and sections[current].data.startswith(content, offset):
        return current
    if len(sections) > _MOST_SEARCHED:
        return None
    fitting = [
        name for name, section in sections.items() if section.data.startswith(content, offset)
    ]
    return fitting[0] if len(fitting) == 1 else None
