"""Contracts: what a spec says of code that is called and not executed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from verifier.specification.statements import read_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verifier.specification.document import Table
    from verifier.specification.scope import Scope
    from verifier.specification.spec import Assumption, Formula, Term

MOST_WRITTEN = 0x1000
"""Bytes that one entry of ``writes`` may have at most."""
LARGEST_STACK = 1 << 17
"""Bytes of stack that UEFI provides to what it starts, and the largest frame of a contract."""


_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Abi(Enum):
    """Which registers a callee may change; the value is the key that names it."""

    EFI = "efi"
    SYSV = "sysv"


@dataclass(frozen=True, slots=True)
class Written:
    """``size`` bytes that a callee may write: ``at`` is a word of the state at the call."""

    at: Term
    size: int


@dataclass(frozen=True, slots=True)
class Contract:
    """What stands for a callee: ``id`` is a row of SOUNDNESS.md, as an assumption's is.

    ``entry`` is its address. It writes ``writes`` and ``stack`` bytes below the stack pointer,
    and returns to its caller; ``ensures`` speaks of the state after it, with ``entry.`` of the
    state at the call, which ``requires`` speaks of. ``proved_by`` is the name of the spec, in a
    folder beside this one's, that proves it on the callee's own bytes.
    """

    id: str
    text: str
    entry: Term
    abi: Abi
    writes: tuple[Written, ...]
    stack: int
    requires: Formula | None
    ensures: Formula | None
    proved_by: str | None
    line: int

    @property
    def granted(self) -> str:
        """Give what is taken for granted, and which run, if any, is to prove it."""
        if self.proved_by is None:
            return f"{self.text} (a contract that no run proves)"
        return f"{self.text} (a contract, which the spec {self.proved_by} is to prove)"


def read_contracts(
    top: Table, start: Scope, scope: Scope, assumptions: Iterable[Assumption]
) -> tuple[Contract, ...]:
    """Read every ``[[contract]]``: ``start`` has the names of the entry, ``scope`` of later."""
    lines = {each.id: each.line for each in assumptions}
    return tuple(_read(table, start, scope, lines) for table in top.tables("contract"))


def _read(table: Table, start: Scope, scope: Scope, lines: dict[str, int]) -> Contract:
    table.allow(
        *("id", "text", "entry", "abi", "stack", "writes", "requires", "ensures", "proved_by")
    )
    return Contract(
        id=read_id(table, lines),
        text=table.text("text"),
        entry=table.word("entry", start),
        abi=table.choice("abi", {abi.value: abi for abi in Abi}),
        writes=tuple(_read_written(each, scope) for each in table.tables("writes")),
        stack=table.number("stack", 0, LARGEST_STACK) if table.has("stack") else 0,
        requires=table.truth("requires", scope) if table.has("requires") else None,
        ensures=table.truth("ensures", scope) if table.has("ensures") else None,
        proved_by=_prover(table) if table.has("proved_by") else None,
        line=table.line(),
    )


def _prover(table: Table) -> str:
    """Read the name of the folder, beside this spec's, of the spec that proves a contract."""
    name = table.text("proved_by")
    if not _FOLDER.fullmatch(name):
        message = f"'{name}' is no name of a folder beside this spec's: letters, digits, '-', '_'"
        raise table.mistake(message, "proved_by")
    return name


def _read_written(table: Table, scope: Scope) -> Written:
    table.allow("at", "size")
    return Written(table.word("at", scope), table.number("size", 1, MOST_WRITTEN))
