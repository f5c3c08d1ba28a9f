"""The place of each key and string of a TOML text is found, whatever the text looks like."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.specification.locate import KeyPath, Locator

TEXT = '''\
top = 1
"quoted key" = "a # b" # comment
[one.two]
a.b = { c = 1, d = { e = "x" } }
list = [
  1,
  "two", # ] "
  [3, { f = 4 }],
]
long = """
first "line"
second"""
raw = \'\'\'a
b\'\'\'

[[many]]
k = 1
[many.sub]
k = 2
[[many]]
[[many.inner]]
k = 3
[[many.inner]]
k = 4
'''

LINES: dict[KeyPath, int] = {
    ("top",): 1,
    ("quoted key",): 2,
    ("one", "two"): 3,
    ("one", "two", "a", "b", "c"): 4,
    ("one", "two", "a", "b", "d", "e"): 4,
    ("one", "two", "list"): 5,
    ("one", "two", "list", 0): 6,
    ("one", "two", "list", 1): 7,
    ("one", "two", "list", 2, 1, "f"): 8,
    ("one", "two", "long"): 10,
    ("one", "two", "raw"): 13,
    ("many", 0): 16,
    ("many", 0, "k"): 17,
    ("many", 0, "sub", "k"): 19,
    ("many", 1): 20,
    ("many", 1, "inner", 0, "k"): 22,
    ("many", 1, "inner", 1, "k"): 24,
    ("many", 1, "nothing", "here"): 20,
}


@pytest.mark.parametrize(("path", "line"), LINES.items(), ids=[str(path) for path in LINES])
def test_a_key_has_its_line(path: KeyPath, line: int) -> None:
    """The line of a key, or of the nearest table around one that is missing, is found."""
    tomllib.loads(TEXT)
    assert Locator(TEXT).line(path) == line


def test_a_character_of_a_string_has_its_place() -> None:
    """Inside strings without escapes, line and column are those of the file."""
    values = tomllib.loads(TEXT)["one"]["two"]
    locator = Locator(TEXT)
    long = values["long"]
    assert locator.inside(("one", "two", "long"), long, long.index("second")) == (12, 1)
    assert locator.inside(("one", "two", "raw"), values["raw"], 0) == (13, 10)
    assert locator.inside(("quoted key",), "a # b", 2) == (2, 19)
    escaped = Locator('\n\nkey = "a\\tb"\n')
    assert escaped.inside(("key",), "a\tb", 2) == (3, 3)


def paths_of(value: object, path: KeyPath = ()) -> list[KeyPath]:
    """Give the path of every key and element of what ``tomllib`` read."""
    parts: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    return [path, *(inner for key, part in parts for inner in paths_of(part, (*path, key)))]


keys = st.one_of(
    st.sampled_from(["a", "b", "c-1", "9", '"q.r"', "'s t'", '"\\u0041"', '""']),
    st.builds("{} . {}".format, st.sampled_from("ab"), st.sampled_from("xy")),
)
scalars = st.sampled_from(
    [
        *(
            "1",
            "0x7f",
            "-1.5e3",
            "true",
            "1979-05-27 07:32:00",
            '"s#]"',
            "'x,'",
            '""',
            "''",
            '"\\""',
        ),
        *('"""\na"b\n"""', "'''\n'c'\n'''", '"""x\\\n   y"""', '"""""""', '"""a"""""', "''''a'''"),
    ]
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: "[ " + ",\n # ] c\n".join(parts) + "]"),
        st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=2).map(
            lambda pairs: "{ " + ", ".join(f"{key} = {value}" for key, value in pairs) + " }"
        ),
    ),
    max_leaves=5,
)
lines = st.one_of(
    st.builds("{} = {} # c\n".format, keys, values),
    st.builds("[ {} ]\n".format, keys),
    st.builds("[[{}]]\n".format, keys),
    st.sampled_from(["\n", "# [no]\n", "  \t\n"]),
)


@settings(max_examples=500)
@given(st.lists(lines, max_size=8).map("".join))
def test_every_key_is_found(text: str) -> None:
    """Whatever ``tomllib`` accepts, each key and element in it has a place of its own."""
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    locator = Locator(text)
    implied = [path for path in paths_of(read) if path not in locator.places]
    for path in implied:
        assert any(known[: len(path)] == path for known in locator.places)
    for path, place in locator.places.items():
        found: object = read
        for key in path:
            found = found[key]  # type: ignore[index]  # a TOML value
        if isinstance(found, str):
            line, column = locator.inside(path, found, 0)
            assert line >= 1
            assert column >= 1
        assert 0 <= place.key <= place.value <= len(text)
