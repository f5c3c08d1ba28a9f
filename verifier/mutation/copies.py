"""Code that runs in a copy: where string moves put bytes of the image, and which were executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from verifier.machine.events import Access, AccessBy
from verifier.machine.paging import Intent

if TYPE_CHECKING:
    from verifier.execution.path import Path
    from verifier.machine.memory import Place

Spot = tuple[str, int]
"""A byte of memory: the name of its region, and its offset there."""


def copied_code(path: Path, data: bytes, changed: range) -> dict[Spot, int]:
    """Give where bytes of ``data``, the image, ran as a copy, and which of the changed they were.

    What lies there at the end may be something else again.
    """
    executed = _executed(path)
    return {spot: at for spot, at in _copied(path, data, changed) if spot in executed}


def _executed(path: Path) -> set[Spot]:
    return {
        (step.place.region.name, step.place.offset + ahead)
        for step in path.steps
        if isinstance(step.place.offset, int)
        for ahead in range(step.instruction.size)
    }


def _copied(path: Path, data: bytes, changed: range) -> Iterator[tuple[Spot, int]]:
    read: dict[int, Access] = {}
    for each in path.occurrences:
        event = each.event
        if not isinstance(event, Access) or event.by is AccessBy.PROCESSOR:
            continue
        if event.intent is Intent.READ:
            read[each.step.number] = event
        elif each.step.form.startswith("MOVS ") and each.step.number in read:
            source = read[each.step.number]
            start, target = _in_image(source.place, data), event.place
            if start is None or not isinstance(target.offset, int) or source.size != event.size:
                continue
            for at in changed:
                if 0 <= at - start < event.size:
                    yield (target.region.name, target.offset + at - start), at


def _in_image(place: Place, data: bytes) -> int | None:
    own = place.region.within is None and place.region.content == data
    return place.offset if own and isinstance(place.offset, int) else None
