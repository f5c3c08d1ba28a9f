"""What is named on the command line chooses among several specs, by what each of them has."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.cli.choose import Wish, fitting, narrowed
from verifier.errors import BadInput

SPECS = (Path("specs/a"), Path("specs/b"), Path("specs/c"))


@pytest.fixture
def told(here: Path) -> list[str]:
    """Give room for what is complained of, beside three specs, the last of which is no TOML."""
    claims = {"a": ("shared", "own"), "b": ("shared",)}
    for name, ids in claims.items():
        text = "".join(f'[[claim]]\nid = "{each}"\n' for each in ids)
        write(here, name, f'{text}[[assume]]\nid = "of-{name}"\n')
    write(here, "c", "not TOML")
    return []


def write(here: Path, name: str, text: str) -> None:
    """Write a spec."""
    (here / "specs" / name).mkdir(parents=True)
    (here / "specs" / name / "spec.toml").write_text(text)


def test_specs_without_the_claim_are_left_out(told: list[str]) -> None:
    """One sentence names them; a spec that cannot be read stays, so that its error is told."""
    wish = Wish(claims=("own",), several=True)
    assert fitting(SPECS, wish, told.append) == (SPECS[0], SPECS[2])
    assert told == ["left out: specs/b has no claim 'own'"]
    assert fitting(SPECS, Wish(claims=("shared",)), told.append) == SPECS
    assert fitting(SPECS, Wish(without=("of-b",)), told.append) == SPECS[1:]
    assert told[1:] == ["left out: specs/a has no assumption 'of-b'"]


def test_a_name_that_none_has_is_told_once_with_the_nearest(told: list[str]) -> None:
    """The nearest is sought among the names of all."""
    with pytest.raises(BadInput, match="no spec has the claim 'onw'; did you mean 'own'") as error:
        fitting(SPECS, Wish(claims=("shared", "onw")), told.append)
    assert error.value.where is None
    with pytest.raises(BadInput, match="no spec has the assumption 'of-d'; did you mean 'of-"):
        fitting(SPECS, Wish(without=("of-d",)), told.append)


def test_a_name_that_one_spec_lacks_is_told_with_the_spec(told: list[str]) -> None:
    """So it is told before anything else; a spec that cannot be read tells by itself."""
    with pytest.raises(BadInput, match="there is no claim 'onw'; did you mean 'own'") as error:
        fitting(SPECS[:1], Wish(claims=("onw",)), told.append)
    assert error.value.where == SPECS[0]
    assert fitting(SPECS[:1], Wish(claims=("own",)), told.append) == SPECS[:1]
    assert fitting(SPECS[2:], Wish(claims=("own",)), told.append) == SPECS[2:]


def test_names_of_different_specs_may_leave_none(told: list[str]) -> None:
    """A claim of one and an assumption of the other are nowhere together."""
    wish = Wish(claims=("own",), without=("of-b",), several=True)
    message = "named: specs/b has no claim 'own'; specs/a has no assumption 'of-b'$"
    with pytest.raises(BadInput, match=message):
        fitting(SPECS[:2], Wish(claims=("own",), without=("of-b",)), told.append)
    assert narrowed(SPECS[0], wish) == Wish(claims=("own",), without=(), several=True)
    assert narrowed(SPECS[2], wish) == wish
