"""Text, expression and text again; and no text at all is read as anything but one of these."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.specification.build import CLAIM, TRANSFER, WRITE
from verifier.errors import BadInput
from verifier.specification.parse import parse_truth, parse_word
from verifier.specification.render import names, render
from verifier.specification.scope import (
    CPU_MEMBERS,
    MEMBERS,
    MODES,
    REGION_MEMBERS,
    STATE_WORDS,
    Scope,
)

LEAVES = [
    *STATE_WORDS,
    *(f"entry.{name}" for name in STATE_WORDS),
    *(f"{name}.{part}" for name, parts in MEMBERS.items() for part in parts),
    *(f"entry.{name}.{part}" for name, parts in MEMBERS.items() for part in parts),
    *(f"cpu.{name}" for name in CPU_MEMBERS),
    *("cpuid_eax(0, 0)", "cpuid_ecx(7, 0)", "cpuid_edx(0x80000001, 100)"),
    *(f"{region}.{part}" for region in ("low", "stack") for part in REGION_MEMBERS),
    *("load", "end", "every", "lvl5", "SELECTOR", 'label(".Lodd")', "sizeof(image)"),
]

leaves = st.one_of(st.sampled_from(LEAVES), st.integers(0, 2**64 - 1).map(str))


def _words(words: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "&", "|", "^", "<<", ">>"])
    relations = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    calls = st.sampled_from(["mem8", "mem64", "entry.mem32", "translate", "low32"])
    bits = st.tuples(st.integers(0, 63), st.integers(0, 63)).map(sorted)
    return st.one_of(
        st.builds("({}) {} ({})".format, words, binary, words),
        st.builds("{}({})".format, st.sampled_from(["-", "~", "+"]), words),
        st.builds("{}({})".format, calls, words),
        st.builds(lambda word, ends: f"({word})[{ends[1]}:{ends[0]}]", words, bits),
        st.builds("({}) if ({}) {} ({}) else ({})".format, words, words, relations, words, words),
    )


words = st.recursive(leaves, _words, max_leaves=12)
comparisons = st.one_of(
    st.builds(
        "({}) {} ({})".format, words, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), words
    ),
    st.builds("{} {} {}".format, st.sampled_from(["mode", "entry.mode"]),
              st.sampled_from(["==", "!="]), st.sampled_from(sorted(MODES))),
    st.builds("canonical({})".format, words),
    st.builds("within({}, 8, low, stack)".format, words),
    st.builds("1 < ({}) <= ({})".format, words, words),
    st.sampled_from(["true", "false", "disjoint(low, stack, image)"]),
)  # fmt: skip
truths = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("not ({})".format, inner),
        st.builds("implies({}, {})".format, inner, inner),
    ),
    max_leaves=6,
)
repeated = st.builds("{}(({}) or rsi == i for i in range(3))".format,
                     st.sampled_from(["all", "any"]), truths)  # fmt: skip


@given(words)
def test_a_word_survives_its_text(text: str) -> None:
    """A rendered word is read back as the same word."""
    word = parse_word(text, CLAIM)
    assert parse_word(render(word), CLAIM) == word
    assert hash(parse_word(render(word), CLAIM)) == hash(word)


@given(st.one_of(truths, repeated))
def test_a_truth_survives_its_text(text: str) -> None:
    """A rendered truth is read back as the same truth."""
    truth = parse_truth(text, CLAIM)
    assert parse_truth(render(truth), CLAIM) == truth


@pytest.mark.parametrize("scope", [WRITE, TRANSFER], ids=["write", "transfer"])
def test_event_words_survive_their_text(scope: Scope) -> None:
    """What an event carries is rendered under its name; a label of that name is marked."""
    assert scope.event is not None
    for field in scope.event.fields:
        assert render(parse_word(field.value, scope)) == field.value
    assert render(parse_word("size", TRANSFER)) == 'label("size")'
    assert render(parse_truth("new_mode != LONG_64", TRANSFER)) == "new_mode != LONG_64"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rsi==entry.rsi", "rsi == entry.rsi"),
        ("aligned(load,4096)", "(load & 0xfff) == 0"),
        ("cr4.LA57==1 and efer[10]==0", "cr4.LA57 == 1 and efer.LMA == 0"),
        ("(rsi + load) * 2 < rsi - (load - 5)", "(rsi + load) * 2 < rsi - (load - 5)"),
        ("not (rsi < 5 or rsi > 7)", "not (rsi < 5 or rsi > 7)"),
        ("implies(a2, 1 == 1)".replace("a2", "rsi < 100"), "implies(rsi < 0x64, true)"),
        ("rip == lvl5 + 1", "rip == lvl5 + 1"),
    ],
)
def test_rendered_text_is_plain(text: str, shown: str) -> None:
    """Parentheses stand where they are needed, and around bits compared, as C readers expect."""
    assert render(parse_truth(text, CLAIM)) == shown


def test_names_are_what_an_expression_speaks_of() -> None:
    """Names are registers, inputs, bits and the like; numbers and operators are none."""
    truth = parse_truth("mem64(load + 8) == entry.rsi and cr4.LA57 == stack.base[3]", CLAIM)
    assert names(truth) == {"load", "entry.rsi", "cr4.LA57", "cr4", "stack.base"}


TOKENS = [
    *("rsi", "load", "entry", "low", "mode", "LONG_64", "cr4", "LA57", "mem64", "within", "all"),
    *("for", "i", "in", "range", "if", "else", "and", "or", "not", "lambda", "label", "'", '"'),
    *("(", ")", "[", "]", "{", "}", ",", ".", ":", "=", "==", "<", ">", "<<", "**", "*", "~", "-"),
    *("0x", "1", "64", "1e9", "9" * 30, "#", "\\", "\n", "\0", "é", "@", "`", "$", "!", " "),
]


def refused_at(parse: Callable[[str, Scope], object], text: str) -> int | None:
    """Give the column of the mistake in a text, or None where it is read."""
    try:
        parse(text, CLAIM)
    except BadInput as error:
        return error.column if error.column is not None else 0
    return None


@settings(max_examples=400)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, reading it gives an expression or a BadInput with a column, soon."""
    for parse in (parse_word, parse_truth):
        started = time.monotonic()
        column = refused_at(parse, text)
        assert column is None or 1 <= column <= max(len(text), 1)
        assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "[" * 9999,
        "not " * 2400,
        "~" * 9999,
        "-" * 9998 + "1",
        "1" + "**2" * 3000,
        "1" + "+1" * 4900,
        "1 if " * 1900 + "1",
        "rsi" + "[0]" * 3000,
        "rsi" + ".a" * 4900,
        "mem64(" * 1600 + "1" + ")" * 1600,
        "all(" * 200,
        "1" + "<1" * 4900,
        "rsi == 1" + " and rsi == 1" * 700,
        "1 << " * 1999 + "1",
        "2**63**63**63 == 1",
        "lambda x: " * 900 + "1",
        "f'{" * 3000,
        "{" * 3000,
        "1if 1else 2",
        "0x1for i in range(2)",
        "1_",
        "0777",
        '"a" "b"',
        "b'a'",
        "...",
        "(yield)",
        "x := 1",
        "*rsi",
        "rsi,",
    ],
)
def test_hostile_text_is_read_or_refused_soon(text: str) -> None:
    """Text made to exhaust a parser is refused, or read where it is in fact in order."""
    started = time.monotonic()
    column = refused_at(parse_truth, text)
    assert column is None or 1 <= column <= len(text)
    assert time.monotonic() - started < 2
