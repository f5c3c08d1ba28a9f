"""S-expressions with their places, read without recursion: nesting is as deep as it likes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifier.errors import BadInput

_TOKEN = re.compile(r'\s+|;[^\n]*|([()])|("(?:[^"]|"")*"|\|[^|\\]*\||[^\s()|";]+)')


@dataclass(frozen=True, slots=True)
class Atom:
    """A word, and the offset in the text at which it begins.

    A ``quoted`` one stood in bars, which ``text`` is without: a symbol whatever it looks like.
    """

    text: str
    offset: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in one pair of parentheses."""

    items: tuple[Expression, ...]
    offset: int


Expression = Atom | Form


def mistake(message: str, text: str, offset: int) -> BadInput:
    """Give the error that names line and column of ``offset``, both from 1."""
    line = text.count("\n", 0, offset) + 1
    return BadInput(message, None, line, offset - text.rfind("\n", 0, offset))


def read(text: str) -> list[Expression]:
    """Read all expressions of ``text``; a parenthesis without its other half is a BadInput."""
    levels: list[list[Expression]] = [[]]
    starts: list[int] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise mistake(f"{text[place]!r} begins no word or symbol", text, place)
        match token.groups():
            case ("(", None):
                starts.append(place)
                levels.append([])
            case (")", None):
                if not starts:
                    raise mistake("this parenthesis closes nothing", text, place)
                inner = Form(tuple(levels.pop()), starts.pop())
                levels[-1].append(inner)
            case (None, str(word)):
                quoted = word[0] == "|"
                levels[-1].append(Atom(word[1:-1] if quoted else word, place, quoted))
            case _:
                pass
        place = token.end()
    if starts:
        raise mistake("this parenthesis is never closed", text, starts[-1])
    return levels[0]
