"""A TOML file whose every use is checked: types, missing keys, unknown keys."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from verifier.errors import BadInput
from verifier.files import read_regular
from verifier.specification.locate import KeyPath, Locator
from verifier.specification.parse import parse_truth, parse_word
from verifier.specification.scope import suggestion
from verifier.specification.spec import Formula, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from verifier.specification.scope import Scope

LONGEST = 1_000_000
"""Bytes in one TOML file."""

LARGEST = 400_000
"""Parts of all expressions of one file after ``all`` and ``any`` were written out."""

DEEPEST = 40
"""Parts of one dotted key."""

_DOTTED = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){40}""", re.ASCII
)

_KINDS = {
    bool: "true or false",
    str: "a string",
    int: "a whole number",
    float: "a number with a point",
    dict: "a table",
    list: "an array",
}

Chosen = TypeVar("Chosen")
Kind = TypeVar("Kind", str, int)
NodeKind = TypeVar("NodeKind")


def read_document(path: Path) -> Table:
    """Read a TOML file; whatever is wrong with the file is a BadInput."""
    raw = read_regular(path, LONGEST)
    try:
        text = raw.decode().replace("\r\n", "\n")
        _check_keys(path, text)
        values = tomllib.loads(text)
        return Table(path, Locator(text), (), values, [0])
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadInput("is not text in UTF-8", path, line) from None
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), path, text) from None
    except (ValueError, RecursionError):
        message = "is not TOML that can be read: nested too deep, or a number is too long"
        raise BadInput(message, path) from None


def _check_keys(path: Path, text: str) -> None:
    """Refuse a long dotted key before it is read, which takes the square of its parts."""
    found = _DOTTED.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise BadInput(f"has a dotted key of more than {DEEPEST} parts", path, line)


def _syntax_error(message: str, path: Path, text: str) -> BadInput:
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        sentence = message[: found.start()]
        return BadInput(f"is not TOML: {_lowered(sentence)}", path, int(found[1]), int(found[2]))
    sentence = message.removesuffix(" (at end of document)")
    return BadInput(f"is not TOML: {_lowered(sentence)}", path, text.count("\n") + 1)


def _one_line(message: str) -> str:
    """Write out line ends and terminal codes that the user's own names may hold."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in message)


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a file, with the path of keys that leads to it.

    ``visits`` is a single count, shared by a file's tables, of the parts of expressions read.
    """

    file: Path
    locator: Locator
    path: KeyPath
    values: Mapping[str, object]
    visits: list[int]

    def line(self, key: str | None = None) -> int:
        """Give the line of a key, or of the table."""
        return self.locator.line(self.path if key is None else (*self.path, key))

    def mistake(self, message: str, key: str | None = None) -> BadInput:
        """Give the user's mistake at a key, or at the table, to be raised."""
        return BadInput(_one_line(message), self.file, self.line(key))

    @property
    def title(self) -> str:
        """Give the table's name as its header has it."""
        keys = [str(key) for key in self.path if isinstance(key, str)]
        if not keys:
            return "the top of the file"
        brackets = "[[{}]]" if isinstance(self.path[-1], int) else "[{}]"
        return brackets.format(".".join(keys))

    def allow(self, *keys: str) -> None:
        """Refuse every key but these."""
        for key in self.values:
            if key not in keys:
                message = f"unknown key '{key}' in {self.title}; {suggestion(key, keys)}"
                raise self.mistake(message, key)

    def has(self, key: str) -> bool:
        """Say whether a key is there."""
        return key in self.values

    def exactly_one(self, *keys: str) -> str:
        """Give the one of these keys that is there."""
        present = [key for key in keys if key in self.values]
        listed = ", ".join(f"'{key}'" for key in keys)
        if len(present) != 1:
            message = f"{self.title} needs exactly one of {listed}"
            raise self.mistake(message, present[1] if present else None)
        return present[0]

    def value(self, key: str, kind: type[Kind]) -> Kind:
        """Give a string or a whole number."""
        if key not in self.values:
            raise self.mistake(f"{self.title} lacks the key '{key}'")
        value = self.values[key]
        if type(value) is not kind:
            raise self.mistake(_wanted(key, value, _KINDS[kind]), key)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Give a string that is not blank, or the default where the key is missing."""
        if default is not None and key not in self.values:
            return default
        value = self.value(key, str)
        if not value.strip():
            raise self.mistake(f"'{key}' is empty", key)
        return value

    def number(self, key: str, least: int, most: int) -> int:
        """Give a whole number within bounds."""
        value = self.value(key, int)
        if not least <= value <= most:
            message = f"'{key}' is {value:#x}; it must lie from {least:#x} to {most:#x}"
            raise self.mistake(message, key)
        return value

    def flag(self, key: str) -> bool:
        """Give a truth value, false where the key is missing."""
        return bool(self.value(key, bool)) if self.has(key) else False

    def table(self, key: str) -> Table:
        """Give a table, an empty one where the key is missing."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.mistake(_wanted(key, value, "a table"), key)
        return Table(self.file, self.locator, (*self.path, key), value, self.visits)

    def tables(self, key: str) -> Iterator[Table]:
        """Give the tables of an array of tables, written ``[[key]]``."""
        values = self.values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            raise self.mistake(f"'{key}' must be tables, each under [[{key}]]", key)
        for index, value in enumerate(values):
            yield Table(self.file, self.locator, (*self.path, key, index), value, self.visits)

    def strings(self, key: str) -> tuple[str, ...]:
        """Give an array of strings, at least one, none twice."""
        values = self.values.get(key)
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.mistake(_wanted(key, values, "an array of strings"), key)
        known: set[str] = set()
        for value in values:
            if value in known:
                raise self.mistake(f"'{key}' has '{value}' twice", key)
            known.add(value)
        if not values:
            raise self.mistake(f"'{key}' is empty", key)
        return tuple(values)

    def choice(self, key: str, names: Mapping[str, Chosen]) -> Chosen:
        """Give the member that a string names."""
        return self.named(self.value(key, str), names, key)

    def choices(self, key: str, names: Mapping[str, Chosen]) -> tuple[Chosen, ...]:
        """Give the members that an array of strings names."""
        return tuple(self.named(name, names, key) for name in self.strings(key))

    def named(self, name: str, names: Mapping[str, Chosen], key: str) -> Chosen:
        """Give the member of that name."""
        if name not in names:
            message = f"'{name}' is not a value of '{key}'; {suggestion(name, names)}"
            raise self.mistake(message, key)
        return names[name]

    def word(self, key: str, scope: Scope, default: str | None = None) -> Term:
        """Give a word: an expression in a string, or a whole number."""
        value = self.values.get(key, default)
        if value is None:
            raise self.mistake(f"{self.title} lacks the key '{key}'")
        return self._term((*self.path, key), value, scope)

    def words(self, key: str, scope: Scope) -> tuple[Term, ...]:
        """Give one word, or each of an array of words."""
        values = self.values.get(key)
        if not isinstance(values, list):
            return (self.word(key, scope),)
        if not values:
            raise self.mistake(f"'{key}' is empty", key)
        path = (*self.path, key)
        return tuple(self._term((*path, index), one, scope) for index, one in enumerate(values))

    def truth(self, key: str, scope: Scope) -> Formula:
        """Give a truth: an expression in a string."""
        return self._formula((*self.path, key), self.value(key, str), scope)

    def truths(self, key: str, scope: Scope) -> tuple[Formula, ...]:
        """Give one truth, or each of an array of truths."""
        if not isinstance(self.values.get(key), list):
            return (self.truth(key, scope),)
        path = (*self.path, key)
        return tuple(
            self._formula((*path, index), one, scope) for index, one in enumerate(self.strings(key))
        )

    def _formula(self, path: KeyPath, text: str, scope: Scope) -> Formula:
        parsed = self._parsed(path, text, scope, parse_truth)
        return Formula(text, parsed, self.locator.line(path))

    def _term(self, path: KeyPath, value: object, scope: Scope) -> Term:
        line = self.locator.line(path)
        key = next(part for part in reversed(path) if isinstance(part, str))
        if type(value) is int:
            if value < 0:
                raise BadInput(f"'{key}' is {value}; a word is not negative", self.file, line)
            value = hex(value)
        if not isinstance(value, str):
            message = _wanted(key, value, "an expression in a string, or a whole number")
            raise BadInput(message, self.file, line)
        return Term(value, self._parsed(path, value, scope, parse_word), line)

    def _parsed(
        self,
        path: KeyPath,
        text: str,
        scope: Scope,
        parse: Callable[[str, Scope, list[int]], NodeKind],
    ) -> NodeKind:
        """Parse an expression, telling a mistake at its place in the file."""
        if self.visits[0] > LARGEST:
            message = f"the expressions before this, written out, have over {LARGEST} parts"
            raise BadInput(message, self.file, self.locator.line(path))
        try:
            return parse(text, scope, self.visits)
        except BadInput as error:
            place = self.locator.inside(path, text, (error.column or 1) - 1)
            key = next(part for part in reversed(path) if isinstance(part, str))
            raise BadInput(f"'{key}': {error.message}", self.file, *place) from None


def _wanted(key: str, value: object, wanted: str) -> str:
    return f"'{key}' is {_KINDS.get(type(value), 'of another kind')}; it must be {wanted}"
