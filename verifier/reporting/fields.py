"""JSON from a file, read strictly: each value's type is checked, each mistake names its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.errors import BadInput
from verifier.files import read_regular

NUMBER = re.compile(r"0x[0-9a-f]{1,16}")
LONGEST = 64 << 20
"""Bytes in one file; what is read takes some twenty times that in memory."""


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of the file, and where in it the object stands."""

    file: Path
    where: str
    values: dict[str, Any]

    def mistake(self, message: str, key: str = "") -> BadInput:
        """Give the error that names a key."""
        at = ".".join(part for part in (self.where, key) if part)
        return BadInput(f"'{at}' {message}" if at else message, self.file)

    def get(self, key: str, kind: type) -> Any:  # noqa: ANN401 - its type is what was asked for
        """Give a value of exactly this type."""
        if key not in self.values:
            raise self.mistake("is missing", key)
        value = self.values[key]
        if type(value) is not kind:
            raise self.mistake(f"is no {_NAMES[kind]}", key)
        return value

    def text(self, key: str) -> str:
        """Give a string."""
        return str(self.get(key, str))

    def count(self, key: str) -> int:
        """Give a number that is not negative."""
        value = int(self.get(key, int))
        if value < 0:
            raise self.mistake("is negative", key)
        return value

    def truth(self, key: str) -> bool:
        """Give true or false."""
        return bool(self.get(key, bool))

    def number(self, key: str, width: int = 64) -> int:
        """Give a number written ``0x...`` that fits ``width`` bits."""
        text = self.text(key)
        if not NUMBER.fullmatch(text):
            raise self.mistake("is no number 0x... of up to 16 digits", key)
        value = int(text, 16)
        if value >> width:
            raise self.mistake(f"does not fit {width} bits", key)
        return value

    def raw(self, key: str) -> bytes:
        """Give bytes written as pairs of hexadecimal digits."""
        try:
            return bytes.fromhex(self.text(key))
        except ValueError:
            raise self.mistake("is not in hexadecimal", key) from None

    def inner(self, key: str) -> Fields:
        """Give an object."""
        return Fields(self.file, f"{self.where}.{key}".lstrip("."), self.get(key, dict))

    def optional(self, key: str) -> Fields | None:
        """Give an object, or None for null."""
        return None if self.values.get(key) is None else self.inner(key)

    def each(self, key: str) -> Iterator[Fields]:
        """Give the objects of an array."""
        for index, value in enumerate(self.get(key, list)):
            at = f"{self.where}.{key}[{index}]".lstrip(".")
            if type(value) is not dict:
                raise BadInput(f"'{at}' is no object", self.file)
            yield Fields(self.file, at, value)

    def address(self, key: str) -> int:
        """Read one of the object's own keys as a number."""
        if not NUMBER.fullmatch(key):
            raise self.mistake("is no number 0x... of up to 16 digits", key)
        return int(key, 16)


_NAMES = {str: "text", int: "whole number", bool: "true or false", dict: "object", list: "array"}


def read_fields(path: Path) -> Fields:
    """Read a file that holds one JSON object; BadInput says what is wrong with it."""
    try:
        values = json.loads(read_regular(path, LONGEST).decode("utf-8"))
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg.lower()}"
        raise BadInput(message, path, error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        raise BadInput("is not JSON in UTF-8 that can be read", path) from None
    if type(values) is not dict:
        raise BadInput("is no JSON object", path)
    return Fields(path, "", values)
