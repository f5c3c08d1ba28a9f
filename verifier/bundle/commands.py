"""What an obligation's file may hold: a solver reads it, and SMT-LIB has commands that write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from verifier.bundle.kinds import CHECK, LOGIC, STATUS
from verifier.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

WORD = re.compile(r"""\(|\)|\|[^|\\"]*\||[^\s()|"';]+|[ ]+""")
ALLOWED = (["declare-const"], ["define-fun"], ["assert"])


def require_harmless(text: str, expected: str, where: Path) -> None:
    """Refuse a file that is more than declarations, definitions and assertions.

    Each stands in a line of its own, after the status and the logic, and one check follows.
    """
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.isprintable():
            raise BadInput("holds a character that is no text", where, number)
        if line and not line.startswith(";"):
            lines.append((number, line))
    head = [f"{STATUS}{expected})", f"(set-logic {LOGIC})"]
    if [line for _, line in lines[:2]] != head or [line for _, line in lines[-1:]] != [CHECK]:
        raise BadInput(f"is not framed by its status, the logic {LOGIC} and one check", where)
    for number, line in lines[2:-1]:
        if not _is_one_command(line):
            raise BadInput("is no line of a declaration, definition or assertion", where, number)


def _is_one_command(line: str) -> bool:
    parts = WORD.findall(line)
    if "".join(parts) != line or parts[0] != "(" or parts[1:2] not in ALLOWED:
        return False
    depth = 0
    for place, part in enumerate(parts):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth == 0 and place != len(parts) - 1:
            return False
    return depth == 0
