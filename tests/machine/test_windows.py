"""Windows: computed addresses in one region are numbers to each other, or the path stops."""

from __future__ import annotations

import claripy
import pytest

from tests.machine.build import oracle
from verifier.machine.memory import Memory, Region
from verifier.machine.oracle import Unmodelled
from verifier.machine.words import constant, symbol

BASE, X, Y = symbol("base"), symbol("x"), symbol("y")
DATA = Region("data", BASE, 0x100, windowed=True)
OTHER = Region("other", symbol("elsewhere"), 0x100)
APART = (
    claripy.ULE(BASE, 1 << 40),
    claripy.UGE(OTHER.base, 1 << 41),
    claripy.ULE(OTHER.base, 1 << 42),
)
IN_X = claripy.ULE(X - BASE, 0x80)
IN_Y = claripy.ULE(Y - BASE, 0x80)
MEMORY = Memory((DATA, OTHER))
VALUE = constant(0x11223344, 32)


def test_a_window_is_known_by_the_symbolic_part() -> None:
    """Addresses that differ by a constant share a window, with numbers as offsets."""
    asked = oracle(*APART, IN_X)
    memory, place = MEMORY.place(X + 8, 4, asked)
    again, other = memory.place(X + 12, 4, asked)
    assert (place.offset, other.offset) == (8, 12)
    assert place.region is other.region
    assert (place.region.within, place.region.name) == ("data", "data@x")
    assert again.extents["data@x"] == ((8, 12), (12, 16))


def test_the_regions_own_base_goes_by_its_name() -> None:
    """Its bytes are the symbols that assumptions and starts speak of, all of them inside."""
    memory, place = MEMORY.place(BASE + 0xF8, 8, oracle(*APART))
    assert (place.region.name, place.offset) == ("data", 0xF8)
    assert memory.extents["data"] == ((0, 0x100),)
    assert "data[0xf8]" in memory.read(place, 8).variables


def test_bytes_shown_to_lie_inside_are_not_asked_again() -> None:
    """What a path has shown it keeps: the same bytes are placed without an oracle's help."""
    memory, place = MEMORY.place(X, 8, oracle(*APART, IN_X))
    seen = memory.place(X + 4, 4, oracle())
    assert seen[0] is memory
    assert (seen[1].region, seen[1].offset) == (place.region, 4)


def test_what_was_not_shown_is_asked() -> None:
    """Past the bytes that were shown nothing is known: they may leave the region."""
    memory, _ = MEMORY.place(X, 4, oracle(*APART, IN_X))
    with pytest.raises(Unmodelled, match="straddles"):
        memory.place(X + 0xFE, 4, oracle(*APART, X == BASE))


@pytest.mark.parametrize("write_first", [True, False])
def test_a_store_through_another_window_stops_the_path(*, write_first: bool) -> None:
    """Two windows that may overlap: what one stored the other neither reads nor writes."""
    asked = oracle(*APART, IN_X, IN_Y)
    memory, place = MEMORY.place(X, 4, asked)
    memory = memory.write(place, VALUE)
    with pytest.raises(Unmodelled, match="two accesses in data may be the same memory"):
        memory.place(Y if write_first else BASE + 0x40, 4, asked)


def test_windows_that_are_apart_are_both_used() -> None:
    """Where the facts keep them apart, each has its own bytes."""
    asked = oracle(*APART, IN_X, IN_Y, claripy.UGE(Y, X + 4))
    memory, place = MEMORY.place(X, 4, asked)
    memory = memory.write(place, VALUE)
    memory, other = memory.place(Y, 4, asked)
    assert memory.read(place, 4) is VALUE
    assert other.region.name == "data@y"


def test_one_byte_of_overlap_is_enough_to_stop() -> None:
    """Bytes count, not where an access begins."""
    asked = oracle(*APART, IN_X, IN_Y, claripy.UGE(Y, X + 3))
    memory, place = MEMORY.place(X, 4, asked)
    memory = memory.write(place, VALUE)
    with pytest.raises(Unmodelled, match="may be the same memory"):
        memory.place(Y, 4, asked)


def test_an_address_that_equals_a_windows_is_in_it() -> None:
    """Facts that tie two symbols by a constant make them one window."""
    asked = oracle(*APART, IN_X, Y == X + 4)
    memory, place = MEMORY.place(X + 4, 4, asked)
    memory = memory.write(place, VALUE)
    memory, same = memory.place(Y, 4, asked)
    assert memory.read(same, 4) is VALUE
    assert (same.region, same.offset) == (place.region, 4)


def test_noticing_opens_a_window_where_the_bytes_surely_lie_inside() -> None:
    """Noticing asks, forks nothing, and changes nothing where the bytes may lie elsewhere."""
    sure = oracle(*APART, IN_X)
    assert MEMORY.noticing(X, 8, sure).containing(X, 8) is DATA
    unsure = oracle(*APART)
    assert MEMORY.noticing(X, 8, unsure) is MEMORY
    assert unsure.alternatives == []
