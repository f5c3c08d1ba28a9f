"""Memory keeps exactly what was stored, and forks or stops where it cannot know what that is."""

from __future__ import annotations

import claripy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.build import oracle, value_at
from verifier.machine.cells import byte_of, cells_of, join
from verifier.machine.memory import Memory, Place, Region
from verifier.machine.oracle import Unmodelled
from verifier.machine.ram import Ram
from verifier.machine.words import bits, constant, known, symbol

LOAD, STACK, X = symbol("load"), symbol("stack"), symbol("x")
IMAGE = Region("image", LOAD, 0x1000, content=bytes(range(256)))
LOW = Region("low", constant(0x7000), 0x1000)
FAR_APART = (
    claripy.ULE(LOAD, 1 << 46),
    claripy.UGE(LOAD, 0x10_0000),
    claripy.ULE(STACK, 0x8_0000),
    claripy.UGE(STACK, 0x2_0000),
)
MEMORY = Memory((IMAGE, LOW))


def test_place_in_a_region_by_its_base() -> None:
    """Base plus constant is a place without any question."""
    asked = oracle()
    memory, place = MEMORY.place(LOAD + 0x123, 8, asked)
    assert memory is MEMORY
    assert (place.region, place.offset) == (IMAGE, 0x123)
    assert str(place) == "image+0x123"
    assert MEMORY.place(constant(0x7FF8), 8, asked)[1].offset == 0xFF8


@pytest.mark.parametrize("offset", [-1, 0xFF9, 0xFFF])
def test_straddling_an_edge_is_unmodelled(offset: int) -> None:
    """An access half inside a region ends the path."""
    with pytest.raises(Unmodelled, match="straddles"):
        MEMORY.place(LOAD + offset, 8, oracle(*FAR_APART))


def test_place_by_proof() -> None:
    """An address that facts pin to a region lies there, at a number if they pin that too."""
    pinned = oracle(*FAR_APART, X == LOAD + 8)
    assert MEMORY.place(X + 1, 4, pinned)[1].offset == 9
    bounded = oracle(*FAR_APART, claripy.UGE(X, 0x7000), claripy.ULE(X, 0x7800))
    place = MEMORY.place(X, 4, bounded)[1]
    assert place.region is LOW
    assert not isinstance(place.offset, int)
    assert str(place) == "low at a symbolic offset"


def test_place_forks_where_it_may_be_either() -> None:
    """An address that may or may not lie in a region does both, on two paths."""
    asked = oracle(*FAR_APART, claripy.Or(X == 0x7010, X == 0x9010))
    assert MEMORY.place(X, 4, asked)[1].region is LOW
    assert asked.alternatives == [(False,)]
    other = oracle(*FAR_APART, claripy.Or(X == 0x7010, X == 0x9010), choices=(False,))
    assert MEMORY.place(X, 4, other)[1].region.stray


def test_stored_value_is_loaded_whole() -> None:
    """A load of what was stored is the same expression; parts of it are its bits."""
    place = Place(LOW, 0x10)
    memory = MEMORY.write(place, X)
    assert memory.read(place, 8) is X
    assert memory.read(Place(LOW, 0x12), 2) is bits(X, 31, 16)
    assert MEMORY.read(Place(IMAGE, 4), 2) is constant(0x0504, 16)


def test_overlapping_stores() -> None:
    """The last store to each byte counts."""
    memory = MEMORY.write(Place(LOW, 0), X).write(Place(LOW, 2), constant(0xBEEF, 16))
    whole = memory.read(Place(LOW, 0), 8)
    assert value_at(whole, X, 0x1122_3344_5566_7788) == 0x1122_3344_BEEF_7788


@given(st.lists(st.tuples(st.integers(0, 24), st.binary(min_size=1, max_size=8)), max_size=8))
def test_stores_as_in_an_array(stores: list[tuple[int, bytes]]) -> None:
    """A sequence of stores of numbers leaves what it leaves in an array of bytes."""
    memory, array = MEMORY.write(Place(LOW, 0), constant(0, 256)), bytearray(32)
    for at, data in stores:
        memory = memory.write_cells(Place(LOW, at), list(data))
        array[at : at + len(data)] = data
    assert known(memory.read(Place(LOW, 0), 32)) == int.from_bytes(array, "little")


def test_unknown_bytes_are_the_same_unknown() -> None:
    """What nothing determines is one symbol a byte, on every path."""
    assert MEMORY.read(Place(LOW, 0), 4) is MEMORY.read(Place(LOW, 0), 4)
    assert MEMORY.read(Place(LOW, 0), 1).variables == {"low[0x0]"}
    assert not MEMORY.determined(Place(LOW, 0), 1)
    assert MEMORY.determined(Place(IMAGE, 0xFF), 1)
    assert not MEMORY.determined(Place(IMAGE, 0xFF), 2)
    assert MEMORY.write(Place(LOW, 4), X).determined(Place(LOW, 4), 8)


def test_indexed_read() -> None:
    """A load at a symbolic offset is the byte at whichever offset it is."""
    small = Region("small", constant(0x100), 16, content=bytes(range(0x40, 0x50)))
    memory = Memory((small,)).write(Place(small, 3), constant(0xAA, 8))
    value = memory.read(Place(small, X), 2)
    for at, expected in ((0, 0x4140), (2, 0xAA42), (3, 0x44AA), (14, 0x4F4E)):
        assert value_at(value, X, at) == expected


def test_a_table_in_a_large_region_is_read() -> None:
    """Where few offsets are left, a load is the byte at whichever it is, and else is refused."""
    large = Region("large", constant(0x10_0000), 0x10_0000, content=bytes(range(256)) * 4)
    memory, at = Memory((large,)), constant(0x10_0123)
    index = claripy.ZeroExt(60, claripy.Extract(3, 0, X))
    for size, expected in ((1, 0x23), (2, 0x2423)):
        value = memory.read(memory.place(at + index, size, oracle())[1], size)
        for number in range(16):
            assert value_at(value, X, number) == expected + number * (0x101 if size > 1 else 1)
    place = memory.place(at + X, 1, oracle(claripy.ULT(X, 0x2000)))[1]
    with pytest.raises(Unmodelled, match="does not fix"):
        memory.read(place, 1)


def test_a_table_at_the_edge_of_a_large_region_is_read_to_that_edge() -> None:
    """What a load may reach ends with the region, first byte and last."""
    large = Region("large", constant(0x10_0000), 0x2000, content=bytes(range(256)) * 32)
    memory, index = Memory((large,)), claripy.ZeroExt(61, claripy.Extract(2, 0, X))
    for first in (0, 0x2000 - 8):
        value = memory.read(memory.place(constant(0x10_0000 + first) + index, 1, oracle())[1], 1)
        for number in range(8):
            assert value_at(value, X, number) == first + number & 0xFF


def test_indexed_store_is_unmodelled() -> None:
    """A store that may hit any byte of a region ends the path."""
    with pytest.raises(Unmodelled, match="does not fix"):
        MEMORY.write(Place(LOW, X), constant(0, 8))


def test_store_must_keep_off_other_regions() -> None:
    """A store to memory that may also be a declared region stops where it is."""
    near = oracle(claripy.ULE(STACK, 0x8_0000))
    memory, place = MEMORY.place(STACK, 8, oracle(*FAR_APART))
    assert place.region.stray
    with pytest.raises(Unmodelled, match="also hits region"):
        memory.require_apart(place, STACK, 8, near)
    memory.require_apart(place, STACK, 8, oracle(*FAR_APART))


def test_stray_is_remembered_and_read_back() -> None:
    """What was stored outside every region is there again, by the same symbol or an equal one."""
    asked = oracle(*FAR_APART, X == STACK + 0x10)
    memory, place = MEMORY.place(STACK - 8, 8, asked)
    memory = memory.write(place, LOAD)
    memory, again = memory.place(STACK - 8, 8, asked)
    assert memory.read(again, 8) is LOAD
    memory, by_equal = memory.place(X - 0x18, 8, asked)
    assert memory.read(by_equal, 8) is LOAD


def test_strays_that_may_be_the_same_memory() -> None:
    """An access through one symbol stops where a store through another may have been."""
    asked = oracle(*FAR_APART, claripy.ULE(X, 0x8_0000), claripy.UGE(X, 0x2_0000))
    memory, through_x = MEMORY.place(X, 8, asked)
    memory, through_stack = memory.place(STACK, 8, asked)
    stored = memory.write(through_stack, LOAD)
    with pytest.raises(Unmodelled, match="same memory"):
        stored.place(X, 8, asked)
    stored = memory.write(through_x, LOAD)
    with pytest.raises(Unmodelled, match="same memory"):
        stored.place(STACK, 8, asked)
    apart = oracle(*FAR_APART, claripy.ULE(X, 0x1_0000), claripy.UGE(X, 0x9000))
    memory, place = MEMORY.place(X, 8, apart)
    assert memory.write(place, LOAD).place(STACK, 8, apart)[1].region.stray


def test_below() -> None:
    """A region is proved to lie below a bound once, for each access in it."""
    bound, asked = constant(1 << 47), oracle(*FAR_APART)
    assert MEMORY.below(LOAD + 8, 8, bound, asked)
    assert not MEMORY.below(LOAD + 8, 8, constant(1 << 32), asked)
    assert not MEMORY.below(X, 8, bound, asked)
    assert MEMORY.below(constant(0xFFFF_FFF8), 8, constant(1 << 32), asked)
    assert not MEMORY.below(constant(0xFFFF_FFF9), 8, constant(1 << 32), asked)


def test_cells() -> None:
    """Bytes of a stored value know which they are, and numbers are numbers."""
    assert cells_of(constant(0x0201, 16)) == [1, 2]
    cells = cells_of(X)
    assert byte_of(cells[7]) is bits(X, 63, 56)
    assert join(cells) is X
    assert join([1, *cells[1:3]]).variables == X.variables


def test_ram() -> None:
    """Every byte of a concrete memory has a value; later blocks lie over earlier ones."""
    ram = Ram(1 << 52, {0xFFE: bytes([1, 2, 3, 4]), 0xFFF: b"\x09", 1 << 40: b"\x05"})
    assert len(ram) == 1 << 52
    assert [ram[at] for at in range(0xFFD, 0x1003)] == [0, 1, 9, 3, 4, 0]
    assert (ram[1 << 40], ram[(1 << 40) + 1]) == (5, 0)
