"""Where each key and value of a TOML text is, which ``tomllib`` does not tell.

The text has been read by ``tomllib`` already, so only its shape is followed here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from verifier.errors import Bug

KeyPath = tuple[str | int, ...]
"""Keys from the top, with a number for each element of an array."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_OTHER = re.compile(r"[^,\]}#\n]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key or an element is, and its value: both from 0 in the text."""

    key: int
    value: int


class Locator:
    """Places of the keys of one text."""

    def __init__(self, text: str) -> None:
        """Scan a text that ``tomllib`` has accepted."""
        self._text = text
        self._at = 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._tables: dict[KeyPath, int] = {}
        self.places: dict[KeyPath, Place] = {(): Place(0, 0)}
        self._scan()

    def position(self, offset: int) -> tuple[int, int]:
        """Give line and column, both from 1, of an offset."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def line(self, path: KeyPath) -> int:
        """Give the line of a key, or of the nearest table around it that is written."""
        while path not in self.places:
            path = path[:-1]
        return self.position(self.places[path].key)[0]

    def inside(self, path: KeyPath, value: str, index: int) -> tuple[int, int]:
        """Give line and column of a character of a string value.

        Where escapes hide it, the line is that of the value, the column counts within it.
        """
        place = self.places.get(path)
        found = place and _STRING.match(self._text, place.value)
        if not (place and found):
            return self.line(path), index + 1
        raw = found[0]
        quote = 3 if raw[:3] in {'"""', "'''"} else 1
        start = quote + (quote == 3 and raw[quote : quote + 1] == "\n")
        if raw[start:-quote] != value:
            return self.position(place.value)[0], index + 1
        return self.position(place.value + start + index)

    def _scan(self) -> None:
        prefix: KeyPath = ()
        self._skip()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)
            self._skip()

    def _skip(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _take(self, sign: str) -> bool:
        """Step over a sign and the blanks after it, if it comes next."""
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        self._skip()
        return True

    def _key(self) -> list[str]:
        """Step over a dotted key."""
        parts: list[str] = []
        while not parts or self._take("."):
            found = _BARE.match(self._text, self._at) or _STRING.match(self._text, self._at)
            if found is None:
                message = f"a key was expected at offset {self._at} of a TOML text"
                raise Bug(message)
            self._at = found.end()
            parts.append(_unquoted(found[0]))
            self._skip()
        return parts

    def _header(self) -> KeyPath:
        """Step over ``[table]`` or ``[[table]]``; give the path it opens."""
        start = self._at
        self._at += 1
        element = self._take("[")
        self._skip()
        parts = self._key()
        self._take("]")
        if element:
            self._take("]")
        path: KeyPath = ()
        for part in parts[:-1]:
            path = self._current((*path, part))
            self.places.setdefault(path, Place(start, start))
        path = (*path, parts[-1])
        if element:
            self._tables[path] = self._tables.get(path, -1) + 1
            self.places.setdefault(path, Place(start, start))
        path = self._current(path)
        self.places[path] = Place(start, start)
        return path

    def _current(self, path: KeyPath) -> KeyPath:
        return (*path, self._tables[path]) if path in self._tables else path

    def _pair(self, prefix: KeyPath) -> None:
        """Step over ``key = value``."""
        start = self._at
        path = prefix
        for part in self._key():
            path = (*path, part)
            self.places.setdefault(path, Place(start, start))
        self._take("=")
        self.places[path] = Place(start, self._at)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        """Step over a value."""
        if self._take("["):
            index = 0
            while not self._take("]"):
                self.places[(*path, index)] = Place(self._at, self._at)
                self._value((*path, index))
                self._skip()
                self._take(",")
                index += 1
        elif self._take("{"):
            while not self._take("}"):
                self._pair(path)
                self._skip()
                self._take(",")
        else:
            string = _STRING.match(self._text, self._at)
            found = string or _OTHER.match(self._text, self._at)
            if found is None or found.end() == self._at:
                message = f"a value was expected at offset {self._at} of a TOML text"
                raise Bug(message)
            self._at = found.end()


def _unquoted(text: str) -> str:
    """Give a key's name."""
    if text[0] == "'":
        return text[1:-1]
    return _ESCAPE.sub(_unescaped, text[1:-1]) if text[0] == '"' else text


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPES.get(match[3], match[3])
