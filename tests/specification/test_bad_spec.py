"""Every mistake in a spec is told in one sentence, with its file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.specification.build import SPEC, SYMBOLS, read_text, write_spec
from verifier.errors import BadInput
from verifier.specification.read import read_description, read_spec

if TYPE_CHECKING:
    from pathlib import Path

BAD = [
    ('title = "A switch"', "", 1, "the top of the file lacks the key 'title'"),
    ('title = "A switch"', 'title = " "', 1, "'title' is empty"),
    ('title = "A switch"', "title = 1", 1, "'title' is a whole number; it must be a string"),
    ('title = "A switch"', 'titel = "A"', 1, "unknown key 'titel' in the top of the file; did you"),
    ('title = "A switch"', 'title = "A', 1, "is not TOML: illegal character '\\n'"),
    ('title = "A switch"', 'title = "A"\ntitle = "B"', 2, "is not TOML: cannot overwrite a value"),
    ('source = "code.S"', "", 3, "[image] needs exactly one of 'source', 'elf', 'flat'"),
    ('source = "code.S"', 'source = "code.S"\nelf = "x"', 5, "[image] needs exactly one of"),
    ('source = "code.S"', 'source = "code.s"', 4, "there is no file 'code.s' beside the spec"),
    ('source = "code.S"', 'sorce = "code.S"', 4, "unknown key 'sorce' in [image]; did you mean 's"),
    ('source = "code.S"', 'source = "code.S"\norigin = 1', 5, "by 'source' takes no 'origin'"),
    ('source = "code.S"', 'flat = "code.S"\nlink_address = 1', 5, "takes no 'link_address'"),
    ('source = "code.S"', 'elf = "code.S"\nsections = [1]', 5, "it must be an array of strings"),
    ('source = "code.S"', 'elf = "code.S"\nsections = []', 5, "'sections' is empty"),
    ('source = "code.S"', 'elf = "code.S"\nsections = ["a", "a"]', 5, "has 'a' twice"),
    (
        'source = "code.S"',
        'elf = "code.S"\nlink_address = -1',
        5,
        "'link_address' is -0x1; it must",
    ),
    ('source = "code.S"', 'elf = "code.S"\nsymbols = { a = "b" }', 5, "'a' is a string; it must"),
    ('base = "load"', "", 3, "[image] lacks the key 'base'"),
    ('base = "load"', 'base = "lvl5"', 5, "'base' must be an input or a constant"),
    ('base = "load"', 'base = "load + 1"', 5, "'base' must be an input or a constant"),
    ('base = "load"', "base = -1", 5, "'base' is -1; a word is not negative"),
    ('base = "load"', "base = 1.5", 5, "'base' is a number with a point; it must be an expression"),
    ('load = "where', 'rsi = "x"\nload = "where', 8, "input 'rsi' already has a meaning in every"),
    ('load = "where', 'value = "x"\nload = "where', 8, "input 'value' already has a meaning"),
    ('load = "where', 'jump = "x"\nload = "where', 8, "input 'jump' is a symbol of the image"),
    ('load = "where', 'a-b = "x"\nload = "where', 8, "input 'a-b' cannot be a name: use letters"),
    ('load = "where', 'in = "x"\nload = "where', 8, "input 'in' cannot be a name"),
    (
        'load = "where',
        '"a\\n\\u001b" = "x"\nload = "where',
        8,
        "input 'a\\n\\x1b' cannot be a name",
    ),
    ("[inputs]", "inputs = 1\n[more]", 8, "unknown key 'more' in the top of the file"),
    ('at = "start"', "", 11, "[entry] lacks the key 'at'"),
    ('at = "start"', 'at = "stort"', 12, "'at': unknown name 'stort'; did you mean 'start'?"),
    ('mode = "LONG_64"', 'mode = "LONG"', 13, "'LONG' is not a value of 'mode'; did you mean 'LON"),
    (
        'mode = "LONG_64"',
        'mode = "LONG_64"\nmodel = 1',
        14,
        "unknown key 'model' in [entry]; did y",
    ),
    ('at = "start"', 'at = "start"\nsplit = []', 13, "'split' is empty"),
    ('at = "start"', 'at = "start"\nsplit = ["rdi < 1", 2]', 13, "must be an array of strings"),
    (
        'at = "start"',
        'at = "start"\nsplit = ["rdi < 1",\n"rdy < 2"]',
        14,
        "'split': unknown name 'rdy'; did you mean",
    ),
    (
        'mode = "LONG_64"',
        'mode = "LONG_64"\nsegments = { cs = "flat" }',
        14,
        "unknown key 'cs' in [entry.segments]; expected one of: ds, es",
    ),
    ('mode = "LONG_64"', 'mode = "PROTECTED_32"', 30, "[paging] describes tables of long mode"),
    ("[paging]", "[limit]", 30, "unknown key 'limit' in the top of the file; did you mean 'limits"),
    ('at = "jump"', "", 15, "[exit] needs exactly one of 'at', 'after', 'leaves'"),
    ('at = "jump"', "at = []", 16, "'at' is empty"),
    ('at = "jump"', 'at = ["jump",\n"jmp"]', 17, "'at': unknown name 'jmp'; did you mean 'jump'?"),
    ('at = "jump"', 'after = "LA57"', 16, "'LA57' is no bit of a control register; did you mean"),
    ('at = "jump"', 'leaves = ["lov"]', 16, "'lov' is not a value of 'leaves'; did you mean 'low'"),
    (
        'holds = "image"',
        'holds = "unknown"\nbase = 1\nsize = 1',
        18,
        "exactly one region must have",
    ),
    ('holds = "image"', 'holds = "code"', 19, "'code' is not a value of 'holds'"),
    (
        'holds = "image"',
        'holds = "image"\nsize = 4',
        18,
        "holds the image, so it must be at the image's base",
    ),
    ('holds = "image"', 'holds = "image"\nbase = 0', 18, "leave out 'base' and 'size'"),
    ('rights = "rwx"', 'rights = "wr"', 20, "'wr' is not a value of 'rights'; did you mean 'r'?"),
    ("[regions.low]", "[regions.rsp]", 22, "region 'rsp' already has a meaning in every spec"),
    ("[regions.low]", "[regions.end]", 22, "region 'end' is already declared"),
    ("base = 0x7000", "", 22, "[regions.low] lacks the key 'base'"),
    ("size = 0x1000", "size = 0", 24, "'size' must be a constant above 0; distances between"),
    ("size = 0x1000", 'size = "end"', 24, "'size' must be a constant above 0"),
    ("size = 0x1000", "size = 0x1000\nwide = 1", 25, "unknown key 'wide' in [regions.low]"),
    ("base = 0x7000", 'base = "-1"', 22, "region 'low' reaches beyond the end of the 64-bit"),
    ('base = "cr3"', "base = 0x7fff", 26, "region 'tables' overlaps region 'low' of line 22"),
    (
        'base = "cr3"',
        'base = "load + 0x7f"',
        26,
        "region 'tables' overlaps region 'image' of line 18",
    ),
    ('base = "cr3"', 'base = "lvl5 - 0x1033 + 1"', 26, "region 'tables' overlaps region 'image'"),
    (
        'tables = "tables"',
        'tables = "tables"\nother = { root = "rdi" }',
        34,
        "[paging.other] lacks the key 'tables'",
    ),
    (
        'tables = "tables"',
        'tables = "tables"\nother = { tables = "tables" }',
        34,
        "[paging.other] lacks the key 'root'",
    ),
    ('source = "code.S"', 'source = "code.S"\npart = ["start"]', 5, "'part' must be two labels"),
    ("levels = 4", "levels = 3", 31, "'levels' is 0x3; it must lie from 0x4 to 0x5"),
    ("levels = 4", "levels = true", 31, "'levels' is true or false; it must be a whole number"),
    (
        'tables = "tables"',
        'tables = "table"',
        33,
        "'table' is not a value of 'tables'; did you mean",
    ),
    ('id = "load-range"', 'id = "Load"', 36, "id 'Load' must be lower-case words and digits"),
    (
        'holds = "aligned(load, 4096)"',
        'holds = "aligned(load, 4096"',
        38,
        "'holds': this is not an expression: '(' was never closed",
    ),
    (
        'holds = "aligned(load, 4096)"',
        'hold = "1 == 1"',
        38,
        "unknown key 'hold' in [[assume]]; did",
    ),
    ('id = "cr3-below-4g"', 'id = "rsi-preserved"', 52, "id 'rsi-preserved' is that of line 41 al"),
    ('at = "exit"', 'at = "jump"', 43, "'at' can only be \"exit\"; for a place in the code take"),
    ('at = "exit"', "", 40, "[[claim]] needs exactly one of 'at', 'event'"),
    (
        'at = "exit"',
        'at = "exit"\nwhen = "1 == 1"',
        44,
        "'when' narrows events, and this claim has",
    ),
    (
        'event = "control-write"',
        'event = "cr-write"',
        54,
        "'cr-write' is not a value of 'event'; d",
    ),
    (
        'event = "control-write"',
        'event = "msr-write"',
        55,
        "'register' narrows the event control-w",
    ),
    ('register = "cr3"', 'register = "efer"', 55, "'efer' is not a value of 'register'"),
    (
        '"value == low.base"',
        '"valve == 1"',
        57,
        "'holds': unknown name 'valve'; did you mean 'value'",
    ),
    ('"rsi == entry.rsi"', '"value == 1"', 44, "'value' is a word of an event, and this speaks of"),
    (
        '["retaining"]\n\n[c',
        '["architectural"]\n\n[c',
        45,
        "'architectural' is not a value of 'prom",
    ),
    ('retaining = "PROVED"', 'retaining = "proved"', 48, "'proved' is not a value of 'retaining'"),
    (
        'retaining = "PROVED"',
        'retained = "PROVED"',
        48,
        "'retained' is not a name that 'expect' can",
    ),
    (
        'verdict = "REFUTED", reason',
        'verdict = "PROVED", reason',
        49,
        "that is PROVED has no 'reaso",
    ),
    ('"2**32"', '"load"', 49, "'boundary': unknown name 'load'"),
    ('"2**32"', '"rsi"', 49, "'boundary' must be a constant or \"every load\""),
    (
        'drop = "load-range"',
        'drop = "load"',
        60,
        "'load' is not a value of 'drop'; did you mean 'load-",
    ),
    (
        "expect = { rsi-preserved",
        "expect = { rsi-preserve",
        62,
        "'rsi-preserve' is not a name that",
    ),
    (
        '{ rsi-preserved = "REFUTED" }',
        "{}",
        59,
        "[[without]] needs 'expect' with at least one claim",
    ),
    ("instructions = 100", "instructions = 0", 65, "'instructions' is 0x0; it must lie from 0x1"),
    ("instructions = 100", "instruction = 1", 65, "unknown key 'instruction' in [limits]; did you"),
    ('use = ["retaining", "zeroing"]', "use = []", 68, "'use' is empty"),
    ('"zeroing"]', '"zero"]', 68, "'zero' is not a value of 'use'; did you mean 'zeroing'?"),
]


@pytest.mark.parametrize(
    ("find", "put", "line", "message"), BAD, ids=[f"{put!r:.40}" for _, put, _, _ in BAD]
)
def test_a_mistake_is_told_at_its_line(
    tmp_path: Path, find: str, put: str, line: int, message: str
) -> None:
    """Each mistake in a spec is one sentence, with the file and the line it is in."""
    assert find in SPEC
    path = write_spec(tmp_path, SPEC.replace(find, put, 1))
    with pytest.raises(BadInput) as caught:
        read_spec(path, SYMBOLS)
    assert message in caught.value.message
    assert "\n" not in str(caught.value)
    assert (caught.value.where, caught.value.line) == (path, line)


def test_a_mistake_in_an_expression_has_its_column_in_the_file(tmp_path: Path) -> None:
    """The column is that of the file, in strings of one line and of several."""
    for written, line, column in (
        ('holds = "rsi == entry.rsj"', 44, 17),
        ('holds = """\n  rsi ==\n  entry.rsj"""', 46, 3),
    ):
        path = write_spec(tmp_path, SPEC.replace('holds = "rsi == entry.rsi"', written))
        with pytest.raises(BadInput) as caught:
            read_spec(path, SYMBOLS)
        assert (caught.value.line, caught.value.column) == (line, column)
        assert str(caught.value).startswith(f"{path}:{line}:{column}: 'holds': the state at")


def test_paging_is_needed_in_long_mode(tmp_path: Path) -> None:
    """Code entered in long mode runs under tables that the spec must describe."""
    head, _, rest = SPEC.partition("[paging]")
    with pytest.raises(BadInput, match=r"an entry in LONG_64 needs \[paging\]"):
        read_text(tmp_path, head + rest[rest.index("[[assume]]") :])


def test_a_spec_must_claim_something(tmp_path: Path) -> None:
    """No claims is no success."""
    with pytest.raises(BadInput, match="the spec claims nothing"):
        read_text(tmp_path, SPEC[: SPEC.index("[[claim]]")])


def test_an_assumption_is_dropped_once_per_model(tmp_path: Path) -> None:
    """Two tables for the same assumption and model are refused."""
    twice = SPEC + '[[without]]\ndrop = "load-range"\nmodel = "retaining"\n'
    with pytest.raises(BadInput, match="'load-range' is dropped under retaining in line 59 alr"):
        read_text(tmp_path, twice + 'expect = { rsi-preserved = "REFUTED" }\n')


def test_a_file_that_is_no_spec_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder, bytes, and hostile TOML each get one sentence."""
    path = tmp_path / "spec.toml"
    with pytest.raises(BadInput, match="there is no such file"):
        read_description(path)
    with pytest.raises(BadInput, match="there is no such file"):
        read_description(tmp_path)
    for data, message in (
        (b"a = 1\n\xff", "is not text in UTF-8"),
        (b"a = " + b"[" * 100_000, "nested too deep"),
        (b"a = " + b"9" * 5000, "a number is too long"),
        (b"#" * 1_000_001, "is longer than 1000000 bytes"),
        (b"\x00", "is not TOML"),
        (b"a = ", "is not TOML: invalid value"),
    ):
        path.write_bytes(data)
        with pytest.raises(BadInput, match=message) as caught:
            read_description(path)
        assert caught.value.where == path
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match="cannot be read: is a directory"):
        read_description(tmp_path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """A spec with pieces cut, moved and mixed is a spec or a BadInput that names its file."""
    pieces = SPEC.splitlines(keepends=True)
    text = "".join(pieces)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 40)))
        put = data.draw(st.one_of(st.sampled_from(pieces), st.text(max_size=4), st.just("")))
        text = text[:start] + put + text[end:]
    path = write_spec(tmp_path)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_spec(path, SYMBOLS)
    except BadInput as error:
        assert error.where == path  # noqa: PT017 - only where something is raised
