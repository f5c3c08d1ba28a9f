"""A page counts as a copy of another only while it holds that page's own first bytes."""

from __future__ import annotations

from dataclasses import replace

from tests.machine.build import oracle
from verifier.machine.cells import cells_of
from verifier.machine.copies import PAGE, copy_at
from verifier.machine.memory import Memory, Place, Region
from verifier.machine.words import constant, symbol

ROOT, OTHER = symbol("root"), symbol("other")
TOP, SECOND = Region("top", ROOT, PAGE), Region("second", OTHER, PAGE)
LOW = Region("low", constant(0x7000), PAGE)
EMPTY = Memory((TOP, SECOND, LOW))
COPIED = EMPTY.write_cells(Place(LOW, 0), EMPTY.read_cells(Place(TOP, 0), PAGE))


def test_a_copy_is_of_its_origin_alone() -> None:
    """It is found where it lies, and is none of another table, whichever is asked for first."""
    for roots in ((ROOT, OTHER), (OTHER, ROOT)):
        found = {root: copy_at(COPIED, LOW.base, root, oracle()) for root in roots}
        place = found[ROOT]
        assert place is not None
        assert (place.region, place.offset) == (LOW, 0)
        assert found[OTHER] is None


def test_an_origin_that_was_stored_to_has_no_copies() -> None:
    """Not even where it was one when it was last asked for, and its own bytes are unchanged."""
    assert copy_at(COPIED, LOW.base, ROOT, oracle()) is not None
    byte = {8: cells_of(constant(5, 8))[0]}
    stored = replace(COPIED, cells={**COPIED.cells, TOP.name: byte})
    assert copy_at(stored, LOW.base, ROOT, oracle()) is None
    elsewhere = replace(COPIED, cells={**COPIED.cells, SECOND.name: byte})
    assert copy_at(elsewhere, LOW.base, ROOT, oracle()) is not None
