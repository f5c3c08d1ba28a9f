"""An edit of an image that has no source: bytes beside a label, and what they become."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verifier.errors import BadInput, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.loading import Image
    from verifier.specification.document import Table

_PLACE = re.compile(r"([A-Za-z_]\w*)(?: *([+-]) *(0x[0-9a-f]+|[0-9]+))?")
_BYTE = re.compile(r"[0-9a-f]{2}|\?\?")
_KEYS = ("at", "within", "bytes", "becomes")
FORM_KEYS = (*_KEYS, "or")
"""Keys of a table of forms."""

Pattern = tuple[int | None, ...]
"""Bytes, None where any will do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A label of the image, and how many bytes further."""

    label: str
    further: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """Bytes in the form that a compiler gave them, and as many to put there.

    They stand at the one ``place``, or once between the two. Where ``becomes`` has None the
    byte stays.
    """

    places: tuple[Place, ...]
    pattern: Pattern
    becomes: Pattern
    line: int = field(compare=False)

    def find(self, image: Image, file: Path) -> list[int]:
        """Give the offsets at which they stand; BadInput where a label is none of the image's."""
        for place in self.places:
            if place.label not in image.symbols:
                message = (
                    f"there is no label '{place.label}'; {nearest(place.label, image.symbols)}"
                )
                raise BadInput(message, file, self.line)
        spots = [image.symbols[place.label] + place.further for place in self.places]
        offsets = range(spots[0], spots[-1] - len(self.pattern) + 1) if spots[1:] else spots
        return [offset for offset in offsets if self._stands(image.data, offset)]

    def _stands(self, data: bytes, offset: int) -> bool:
        there = data[max(offset, 0) : offset + len(self.pattern)]
        pairs = zip(there, self.pattern, strict=False)
        fits = all(wanted in {None, byte} for byte, wanted in pairs)
        return fits and len(there) == len(self.pattern)

    def put(self, image: Image, offset: int) -> Image:
        """Give the image with the bytes put in at ``offset``."""
        there = image.data[offset : offset + len(self.becomes)]
        pairs = zip(there, self.becomes, strict=True)
        return image.patched(offset, bytes(old if new is None else new for old, new in pairs))


@dataclass(frozen=True, slots=True)
class BytesEdit:
    """Bytes in one of several forms, as compilers differ; exactly one must be there, once."""

    forms: tuple[Form, ...]
    line: int = field(compare=False)

    def apply(self, image: Image, file: Path) -> Image:
        """Give the image with the edit made; BadInput where it does not fit."""
        found = [(form, offset) for form in self.forms for offset in form.find(image, file)]
        if len(found) != 1:
            there = "are not there" if not found else f"are there {len(found)} times"
            raise BadInput(
                f"the bytes to replace {there}; they must be there once", file, self.line
            )
        form, offset = found[0]
        return form.put(image, offset)


def read_bytes_edit(table: Table) -> BytesEdit:
    """Read an edit of bytes, with its further forms."""
    table.allow(*FORM_KEYS)
    return BytesEdit(read_forms(table), table.line())


def read_forms(table: Table) -> tuple[Form, ...]:
    """Read the form that a table has, and its further ones."""
    return _read_form(table), *(_read_other(other) for other in table.tables("or"))


def _read_other(table: Table) -> Form:
    table.allow(*_KEYS)
    return _read_form(table)


def _read_form(table: Table) -> Form:
    places: tuple[Place, ...]
    if table.exactly_one("at", "within") == "at":
        places = (_read_place(table, "at", table.text("at")),)
    else:
        places = tuple(_read_place(table, "within", each) for each in table.strings("within"))
        if len(places) != 2:
            message = "'within' must be two places: where to begin to look, and where to end"
            raise table.mistake(message, "within")
    pattern, becomes = _read_pattern(table, "bytes"), _read_pattern(table, "becomes")
    if len(pattern) != len(becomes):
        message = f"{len(pattern)} bytes cannot become {len(becomes)}: what follows would move"
        raise table.mistake(message, "becomes")
    if all(new in {None, old} for old, new in zip(pattern, becomes, strict=True)):
        raise table.mistake("the edit changes nothing", "becomes")
    return Form(places, pattern, becomes, table.line())


def _read_place(table: Table, key: str, text: str) -> Place:
    match = _PLACE.fullmatch(text.strip())
    if match is None:
        message = f"'{text}' is no place: a label, or one with an offset such as 'trampoline + 0x2'"
        raise table.mistake(message, key)
    further = int(match[3], 0) if match[3] else 0
    return Place(match[1], -further if match[2] == "-" else further)


def _read_pattern(table: Table, key: str) -> Pattern:
    words = table.text(key).split()
    for word in words:
        if not _BYTE.fullmatch(word):
            message = f"'{word}' is no byte: two lower-case hexadecimal digits, or ??"
            raise table.mistake(message, key)
    return tuple(None if word == "??" else int(word, 16) for word in words)
