"""What the sugar of the language stands for, checked by values against its definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.specification.build import CLAIM, REGIONS
from tests.specification.evaluate import MASK, truth_value, word_value
from verifier.machine.registers import ControlRegister, Gpr
from verifier.specification.expression import Control, Input, RegionBase, Register
from verifier.specification.parse import parse_truth, parse_word
from verifier.specification.vocabulary import When

EDGES = [0, 1, 63, 64, 0x6FFF, 0x7000, 0x7FFF, 2**47, 2**48, 2**56, 2**57, 2**63, MASK - 63, MASK]
words = st.one_of(
    st.integers(0, MASK),
    st.builds(lambda edge, by: (edge + by) & MASK, st.sampled_from(EDGES), st.integers(-70, 70)),
)
RSI, LOAD = Register(Gpr.RSI, When.NOW), Input("load")
STACK, IMAGE = RegionBase("stack"), RegionBase("image")
CR4 = Control(ControlRegister.CR4, When.NOW)


@given(words, st.booleans())
def test_canonical_is_sign_extension(address: int, la57: bool) -> None:
    """``canonical`` holds where the bits above the width repeat the highest one below."""
    width = 57 if la57 else 48
    extended = (address ^ (1 << (width - 1))) - (1 << (width - 1)) if address < 2**width else None
    is_canonical = address >> (width - 1) in {0, (1 << (65 - width)) - 1}
    assert extended is None or (extended == address) == is_canonical
    values = {RSI: address, CR4: la57 << 12}
    assert truth_value(parse_truth("canonical(rsi)", CLAIM), values) == is_canonical


@given(words, words, words)
def test_within_is_containment(address: int, size: int, base: int) -> None:
    """``within`` holds where the range is part of one region and neither wraps."""
    values = {RSI: address, LOAD: size, STACK: base}
    low = address >= 0x7000 and address + size <= 0x8000
    stack = base <= address and address + size <= base + 64 <= MASK + 1
    if size:
        made = parse_truth("within(rsi, load, low, stack)", CLAIM)
        assert truth_value(made, values) == (low or stack)


@given(words, words)
def test_disjoint_is_no_shared_byte(stack: int, image: int) -> None:
    """``disjoint`` holds where no address is in two of the regions, wrapped ones included."""
    values: dict[object, int] = {STACK: stack, IMAGE: image}
    sets = [
        {(start + offset) & MASK for offset in range(size)}
        for start, size in ((stack, 64), (image, REGIONS["image"].size), (0x7000, 0x1000))
    ]
    shared = any(one & other for i, one in enumerate(sets) for other in sets[:i])
    made = parse_truth("disjoint(stack, image, low)", CLAIM)
    assert truth_value(made, values) == (not shared)


@given(words, words)
def test_constants_are_folded_as_words_are_computed(one: int, other: int) -> None:
    """An expression of constants is the number that the same expression of words gives."""
    for text in (
        "{} + {} * 3 - ({} ^ 5)",
        "{} << {}",
        "{} >> {}",
        "~{} | -{}",
        "{}[40:3] & {}",
        "{} if {} < 2**40 else 7",
    ):
        constant = parse_word(text.format(one, other, one), CLAIM)
        word = parse_word(text.format("rsi", "load", "rsi"), CLAIM)
        assert word_value(constant, {}) == word_value(word, {RSI: one, LOAD: other})
    for relation in ("==", "!=", "<", "<=", ">", ">="):
        made = parse_truth(f"{one} {relation} {other}", CLAIM)
        symbolic = parse_truth(f"rsi {relation} load", CLAIM)
        assert truth_value(made, {}) == truth_value(symbolic, {RSI: one, LOAD: other})
