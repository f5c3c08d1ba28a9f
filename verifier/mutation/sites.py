"""Which bytes of an image are changed: what its paths execute, may come to, or read."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from verifier.machine.events import Access
from verifier.machine.paging import Intent
from verifier.machine.registers import Mode
from verifier.mutation.alter import altered, data_altered, swapped
from verifier.mutation.mutant import Site
from verifier.reporting.listing import rows
from verifier.semantics.instruction import decode

if TYPE_CHECKING:
    from verifier.execution.path import Path
    from verifier.loading import Image
    from verifier.mutation.mutant import Mutant

LONGEST_DATUM = 16
"""Bytes of the longest read that is of data: what is longer copies."""
CONDITIONAL = ("j", "loop")
UNCONDITIONAL = ("jmp", "ljmp", "ret", "lret", "hlt", "iret")


def mutants_of(image: Image, paths: Iterable[Path]) -> tuple[Mutant, ...]:
    """Give every mutant of the image, in the order of its bytes."""
    paths = tuple(paths)
    executed = [
        Site(row.offset, image.data[row.offset : row.offset + len(row.raw)], Mode(row.mode))
        for row in rows(image, paths)
        if row.text
    ]
    sites = sorted([*executed, *_behind_branches(image, executed)], key=lambda site: site.offset)
    found = [mutant for site in sites for mutant in altered(site)]
    for first, second in pairwise(sites):
        both = swapped(first, second)
        if both is not None:
            found.append(both)
    found += _of_data(image, paths, sites)
    return tuple(sorted(found, key=lambda mutant: mutant.offset))


def shuffled(mutants: Sequence[Mutant], seed: int) -> list[Mutant]:
    """Give the mutants in an order that depends on the seed alone."""
    order = list(mutants)
    random.Random(seed).shuffle(order)  # noqa: S311 - a sample, not a secret
    return order


def _behind_branches(image: Image, executed: Sequence[Site]) -> list[Site]:
    """Give instructions that no path executes, and that a branch leads to."""
    known = {site.offset: site for site in executed}
    found: dict[int, Site] = {}
    pending = [way for site in executed for way in _ways(site)]
    while pending:
        offset, mode = pending.pop()
        site = _site_at(image, offset, mode)
        if site is None or offset in known or offset in found or _overlaps(site, executed):
            continue
        found[offset] = site
        name = _name(site)
        if not name.startswith(UNCONDITIONAL):
            pending.append((site.end, mode))
        pending += _ways(site)
    return list(found.values())


def _ways(site: Site) -> Iterator[tuple[int, Mode]]:
    """Give both ways of a conditional branch."""
    name = _name(site)
    if name.startswith(CONDITIONAL) and not name.startswith(UNCONDITIONAL):
        near = site.raw[0] == 0x0F
        distance = int.from_bytes(site.raw[-4 if near else -1 :], "little", signed=True)
        yield site.end, site.mode
        yield site.end + distance, site.mode


def _site_at(image: Image, offset: int, mode: Mode) -> Site | None:
    if not 0 <= offset < len(image.data):
        return None
    instruction = decode(image.data[offset : offset + 15], mode)
    return None if instruction is None else Site(offset, instruction.raw, mode)


def _overlaps(site: Site, executed: Iterable[Site]) -> bool:
    return any(other.offset < site.end and site.offset < other.end for other in executed)


def _name(site: Site) -> str:
    instruction = decode(site.raw, site.mode)
    return "" if instruction is None else instruction.text.split()[0]


def _of_data(image: Image, paths: Iterable[Path], sites: Iterable[Site]) -> Iterator[Mutant]:
    """Change the bytes that paths read and that still are the image's own."""
    code = {at for site in sites for at in range(site.offset, site.end)}
    steps = {id(each): each for path in paths for each in path.occurrences}.values()
    found: set[int] = set()
    for occurrence in steps:
        event = occurrence.event
        if not isinstance(event, Access) or event.intent is not Intent.READ:
            continue
        place = event.place
        if event.size > LONGEST_DATUM or not isinstance(place.offset, int):
            continue
        if place.region.content != image.data:
            continue
        stored = occurrence.step.before.memory.cells.get(place.region.name, {})
        found |= {at for at in range(place.offset, place.offset + event.size) if at not in stored}
    for at in sorted(found - code):
        if at < len(image.data):
            yield from data_altered(at, image.data[at])
