"""Every mistake in an expression is one sentence, told at its column."""

from __future__ import annotations

import pytest

from tests.specification.build import CLAIM
from verifier.errors import BadInput
from verifier.specification.parse import parse_truth, parse_word

BAD_TRUTHS = [
    ("", 1, "the expression is empty"),
    (" \n ", 1, "the expression is empty"),
    ("rsi = load", 5, "write '==' instead of '='"),
    ("rsi == load && true", 13, "write 'and' instead of '&&'"),
    ("!(rsi == load)", 1, "write 'not' instead of '!'"),
    ("rsi == load load", 13, "this is not an expression: invalid syntax"),
    ("  (rsi", 3, "this is not an expression: '(' was never closed"),
    ("rsi == load # all", 13, "an expression cannot contain '#'"),
    ("rsi == \\\nload", 8, "an expression cannot contain '\\\\'"),
    ("rsi == \uff52si", 8, "an expression cannot contain '\uff52'"),
    ('label("""a""" "#") == 1', 7, 'an expression cannot contain \'"""\''),
    ("rsi == 1\0", 9, "an expression cannot contain '\\x00'"),
    ("rsi", 1, "'rsi' is a number; compare it, as in 'rsi == 1'"),
    ("rsi == load and cr4.LA57", 17, "'cr4.LA57' is a number; compare it"),
    ("(rsi == load) + 1 == 2", 2, "'rsi == load' holds or not; a number is needed here"),
    ("(1 == 1) == (rsi == 1)", 2, "'1 == 1' holds or not; a number is needed here"),
    ("rsi == rsj", 8, "unknown name 'rsj'; did you mean 'rsp'?"),
    ("RSI == 1", 1, "unknown name 'RSI'; did you mean 'rsi'?"),
    ("rsi == laod", 8, "unknown name 'laod'; did you mean 'load'?"),
    ("rsi == lvl6", 8, "unknown name 'lvl6'; did you mean 'lvl5'?"),
    ("True", 1, "'True' is not part of the language; write true"),
    ("rsi == 1.5", 8, "'1.5' is not a whole number"),
    ("rsi == 'a'", 8, "''a'' is not a whole number"),
    ("rsi == None", 8, "'None' is not a whole number"),
    ("rsi == 0x10000000000000000", 8, "'0x10000000000000000' does not fit in 64 bits"),
    ("rsi == " + "9" * 5000, 1, "nested too deep, or a number is too long"),
    ("rsi < 2**64", 7, "'2**64' does not fit in 64 bits"),
    ("rsi < 3**63", 7, "'3**63' does not fit in 64 bits"),
    ("2**10**9 == 1", 1, "'2**10**9' does not fit in 64 bits"),
    ("rsi**2 == 1", 1, "'rsi' is not a constant"),
    ("rsi / 2 == 1", 1, "uses an operator the language does not have; it has + - * &"),
    ("rsi % 2 == 1", 1, "'rsi % 2' uses an operator the language does not have"),
    ("rsi is load", 1, "compare with == != < <= > or >="),
    ("rsi in (1, 2)", 8, "'(1, 2)' is not part of the language"),
    ("[rsi] == 1", 1, "'[rsi]' is not part of the language"),
    ("lambda: 1", 1, "'lambda: 1' is not part of the language"),
    ("rsi[31:0:1] == 1", 5, "write bits as [high:low], both included, or [bit]"),
    ("rsi[:0] == 1", 5, "write bits as [high:low], both included, or [bit]"),
    ("rsi[0:31] == 1", 5, "bits [0:31] are not [high:low] with 63 >= high >= low >= 0"),
    ("rsi[64] == 1", 5, "bits [64:64] are not [high:low]"),
    ("rsi[load] == 1", 5, "'load' is not a constant"),
    ("cr4.LA75 == 1", 1, "'cr4' has no 'LA75'; did you mean 'LA57'?"),
    ("cr4.la57 == 1", 1, "'cr4' has no 'la57'; did you mean 'LA57'?"),
    ("cr3.PCD == 1", 1, "'cr3' has no parts; bits are written 'cr3[high:low]'"),
    ("cr5.PE == 1", 1, "unknown name 'cr5'; did you mean 'cr"),
    ("cs.l == 1", 1, "'cs' has no 'l'; did you mean 'L'?"),
    ("cs == 8", 1, "'cs' is not a number; name a part of it, as in 'cs.D'"),
    ("rflags.XF == 1", 1, "'rflags' has no 'XF'; expected one of: AC, AF, CF"),
    ("gdtr.limits == 1", 1, "'gdtr' has no 'limits'; did you mean 'limit'?"),
    ("cpu.la57 == 1", 1, "'cpu' has no 'la57'; did you mean 'LA57'?"),
    ("low == 1", 1, "'low' is a region; name a part of it: base, size or end"),
    ("low.bass == 1", 1, "region 'low' has no 'bass'; did you mean 'base'?"),
    ("entry.load == 1", 1, "the state at the entry has no 'load'; expected one of"),
    ("entry.rsj == 1", 1, "the state at the entry has no 'rsj'; did you mean 'rsp'?"),
    ("entry.cs == 1", 1, "name a part of it, as in 'entry.cs.D'"),
    ("entry.cx.L == 1", 1, "unknown name 'cx'; "),
    ("entry.mode", 1, "'entry.mode' is no number; compare it, as in 'entry.mode == LONG_64'"),
    ("rsi.a.b == 1", 1, "'rsi.a.b' is not a name"),
    ("mode", 1, "'mode' is no number; compare it, as in 'mode == LONG_64'"),
    ("rsi == LONG_64", 8, "'LONG_64' is a mode; write 'mode == LONG_64'"),
    ("mode == LONG64", 9, "unknown mode 'LONG64'; did you mean 'LONG_64'?"),
    ("mode < LONG_64", 1, "compare a mode by == or != with one of LONG_64, COMPATIBILITY"),
    ("mode == entry.mode", 1, "compare a mode by == or != with one of LONG_64"),
    ("new_mode == LONG_64", 1, "only the events transfer and mode-change have a new_mode"),
    ("value == 1", 1, "'value' is a word of an event, and this speaks of none"),
    ("memory(1) == 1", 1, "unknown function 'memory'; did you mean 'mem"),
    ("entry.aligned(1, 2)", 1, "unknown function 'aligned'; expected one of: canonical, mem16"),
    ("mem64() == 1", 1, "'mem64' is called as mem64(address)"),
    ("mem64(*rsi) == 1", 1, "'mem64' is called as mem64(address)"),
    ("mem64(a=1) == 1", 1, "'mem64' is called as mem64(address)"),
    ("implies(1 == 1)", 1, "'implies' is called as implies(premise, conclusion)"),
    ("aligned(rsi, 3)", 14, "'3' is not a power of two"),
    ("aligned(rsi, 0)", 14, "'0' is not a power of two"),
    ("aligned(rsi, load)", 14, "'load' is not a constant"),
    ("within(rsi, 8)", 1, "'within' is called as within(address, size, region, ...)"),
    ("within(rsi, 8, lov)", 16, "unknown region 'lov'; did you mean 'low'?"),
    ("within(rsi, 0, low)", 13, "a range of 0 bytes lies nowhere"),
    ("disjoint(low)", 1, "'disjoint' is called as disjoint(region, region, ...)"),
    ("disjoint(low, stack, low)", 10, "region 'low' is named twice"),
    ("cpuid_eax(7) == 1", 1, "'cpuid_eax' is called as cpuid_eax(leaf, subleaf)"),
    ("cpuid_ecx(rsi, 0) == 1", 11, "'rsi' is not a constant"),
    ("cpuid_ecx(7, 2**32) == 1", 14, "'2**32' does not fit in 32 bits"),
    ("cpuid_ecx(-1, 0) == 1", 11, "'-1' does not fit in 32 bits"),
    ("cpuid_rax(7, 0) == 1", 1, "unknown function 'cpuid_rax'; did you mean 'cpuid_eax'?"),
    ("entry.cpuid_eax(7, 0) == 1", 1, "unknown function 'cpuid_eax'; expected one of"),
    ("cpuid_eax(7, 0)", 1, "'cpuid_eax(7, 0)' is a number; compare it"),
    ("label(lvl5) == 1", 7, "'label' is called as label(\"symbol\")"),
    ('label("lvl6") == 1', 7, "the image has no symbol 'lvl6'; did you mean 'lvl5'?"),
    ("sizeof(low) == 1", 8, "'sizeof' is called as sizeof(image); of a region, write name.size"),
    ("all(rsi == 1)", 5, "'all' is called as all(truth for i in range(first, end))"),
    ("all(rsi == i for i in load)", 4, "'all' is called as all(truth for i in range"),
    ("all(rsi == i for i in range(9) if i)", 4, "'all' is called as all(truth for i in range"),
    ("all(rsi == i for i in range(0))", 4, "range(0, 0) must have 1 to 4096 values"),
    ("all(rsi == i for i in range(9, 8))", 4, "range(9, 8) must have 1 to 4096 values"),
    ("all(rsi == i for i in range(4097))", 4, "range(0, 4097) must have 1 to 4096 values"),
    ("all(rsi == i for i in range(load))", 29, "'load' is not a constant"),
    ("all(i == 1 for rsi in range(4))", 16, "'rsi' already has a meaning in every spec"),
    ("all(i == 1 for load in range(4))", 16, "'load' is already declared"),
    ("all(i == 1 for lvl5 in range(4))", 16, "'lvl5' is a symbol of the image"),
    (
        "all(all(mem8(i + j) == 0 for i in range(4096)) for j in range(4096))",
        9,
        "written out, the expression has more than 200000 parts",
    ),
    ("not " * 120 + "rsi == 1", 401, "the expression is nested deeper than 100"),
    ("rsi == " + "(" * 300 + "1" + ")" * 300, 208, "too many nested parentheses"),
    ("rsi == " + "~" * 9000 + "1", None, ""),
    ("rsi == " + "1 + " * 2400 + "1", None, "the expression is nested deeper than 100"),
    ("x" * 10_001, 1, "the expression is longer than 10000 characters"),
]


@pytest.mark.parametrize(
    ("text", "column", "message"), BAD_TRUTHS, ids=[text[:40] for text, _, _ in BAD_TRUTHS]
)
def test_a_mistake_is_told_at_its_column(text: str, column: int | None, message: str) -> None:
    """Each mistake is one sentence that names the part, and the column of that part."""
    with pytest.raises(BadInput) as caught:
        parse_truth(text, CLAIM)
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    if column is not None:
        assert caught.value.column == column


def test_a_truth_is_no_word() -> None:
    """Where a number is needed, a comparison is refused."""
    with pytest.raises(BadInput, match="'rsi == 1' holds or not; a number is needed here"):
        parse_word("rsi == 1", CLAIM)


def test_parts_that_grow_without_bound_are_refused() -> None:
    """Chained comparisons repeat their middle; nested, that would double at each level."""
    text = "rsi"
    for _ in range(24):
        text = f"(1 if 0 < {text} < load else 2)"
    with pytest.raises(BadInput, match="written out, this has more than 200000 parts"):
        parse_word(text, CLAIM)
