"""The two ways to fail that are not verdicts: the user's mistake and ours.

A wrong trampoline is neither. It is a verdict.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

LONGEST = 1000
"""Characters of one sentence; what it quotes may be a whole file."""


class BadInput(Exception):
    """The user's mistake, told in one sentence, whose middle is left out where it is endless.

    ``where`` is the file it is in, ``line`` and ``column`` count from 1.
    """

    def __init__(
        self,
        message: str,
        where: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        """Keep the sentence and the place apart, so that a reader can add to the place."""
        if len(message) > LONGEST:
            message = f"{message[: LONGEST // 2]} ... {message[-LONGEST // 4 :]}"
        super().__init__(message)
        self.message = message
        self.where = where
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """Give ``file:line:column: sentence``, as compilers do."""
        parts = [str(part) for part in (self.where, self.line, self.column) if part is not None]
        return ": ".join([":".join(parts), self.message]) if parts else self.message


class Bug(Exception):
    """Our mistake: two solvers or two engines disagree, or an invariant of ours broke."""


def printable(text: str) -> str:
    """Write out line ends and terminal codes, which names from a spec or a file may hold."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Give the end of an error sentence: the nearest valid name, or all of them when few."""
    choices = sorted(valid)
    match difflib.get_close_matches(name, choices, n=1):
        case [close]:
            return f"did you mean '{close}'?"
        case _:
            shown = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
            return f"expected one of: {shown}" if choices else "none is defined"
