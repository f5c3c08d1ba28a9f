"""What was compared, as a table: a line for each row and form, its states by mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.differential.harness import ENTRIES
from tests.semantics.encoding import modes_of, name_of
from verifier.machine.registers import Mode
from verifier.replay import Engine

if TYPE_CHECKING:
    from collections import Counter

    from tests.differential.harness import Tally
    from tests.semantics.encoding import Entry

HEAD = ("64-bit", "compat.", "32-bit", "tables", "qemu", "faults")


def missing(tally: Tally) -> list[tuple[Entry, Mode]]:
    """Give each entry and mode of which no state was compared."""
    return [
        (entry, mode)
        for entry in ENTRIES
        for mode in modes_of(entry)
        if not tally.states[name_of(entry), mode]
    ]


def lines(tally: Tally) -> Iterator[str]:
    """Give the table, what was left out and why, and every divergence."""
    bochs, qemu = (tally.on_numbers[engine] for engine in (Engine.BOCHS, Engine.QEMU))
    yield f"{'form':34}" + "".join(f"{name:>9}" for name in HEAD)
    for entry in ENTRIES:
        name = name_of(entry)
        counts = [
            str(tally.states[name, mode]) if mode in modes_of(entry) else "-" for mode in Mode
        ]
        counts += [str(each[name]) for each in (bochs, qemu, tally.faults)]
        yield f"{name:34}" + "".join(f"{count:>9}" for count in counts)
    yield from _reasons("left to no comparison, as our semantics end there", tally.left)
    yield from _reasons("no judge", tally.no_judge)
    yield from _reasons("excepted, as the engine is known to be wrong", tally.excepted)
    for divergence in tally.divergences:
        yield f"DIVERGENCE {divergence}"
    yield (
        f"{tally.states.total()} states of {tally.instances} instances on {tally.paths} paths, "
        f"{bochs.total()} with page tables, {qemu.total()} in QEMU; "
        f"{tally.faults.total()} faults, {len(tally.divergences)} divergences"
    )


def _reasons(title: str, reasons: Counter[str]) -> Iterator[str]:
    if reasons:
        yield f"{title}:"
    for reason, count in reasons.most_common():
        yield f"{count:>9}  {reason}"
