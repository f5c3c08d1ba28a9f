"""A spec and each of its ways to be wrong can be named, with a limit of one's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from verifier.errors import BadInput
from verifier.proving.named import open_target
from verifier.proving.target import mistaken_target
from verifier.specification.mistake import read_mistake

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = "rsi-not-restored"


@pytest.fixture
def spec(root: Path) -> Path:
    """Give the folder of a spec that has mistakes."""
    return root / "specs/la57-rfc"


def test_a_mistake_is_a_target(spec: Path) -> None:
    """Its bytes are those with the edit, and name, title and notes say what it is."""
    file = spec / "broken" / f"{BROKEN}.toml"
    target = open_target(file)
    mistake = read_mistake(file)
    assert target.image.data == mistaken_target(spec, mistake).image.data
    assert target.image.data != open_target(spec).image.data
    assert target.spec.name == f"la57-rfc.{BROKEN}"
    assert target.spec.description.title.endswith(", with a mistake")
    assert target.image.notes[0] == f"the mistake: {mistake.text}"
    assert any("recorded as shown by rsi-preserved" in each for each in target.image.notes)


def test_an_assumption_is_dropped_of_a_mistake_too(spec: Path) -> None:
    """And one that there is not is told."""
    file = spec / "broken" / f"{BROKEN}.toml"
    assert open_target(file, ("tf-clear",)).dropped == ("tf-clear",)
    with pytest.raises(BadInput, match="no assumption 'tf-claer' to drop"):
        open_target(file, ("tf-claer",))


def test_a_mistake_needs_its_spec(spec: Path, tmp_path: Path) -> None:
    """A file that lies elsewhere belongs to no target."""
    file = tmp_path / "x.toml"
    file.write_text((spec / "broken" / f"{BROKEN}.toml").read_text())
    with pytest.raises(BadInput, match=re.escape("beside its spec.toml")):
        open_target(file)


def test_a_limit_stands_in_for_that_of_the_spec(spec: Path) -> None:
    """The limit that was used is the one of the target, whence reports have it."""
    usual = open_target(spec)
    hurried = open_target(spec, solver_seconds=7)
    assert usual.spec.limits.solver_seconds == 60
    assert hurried.spec.limits.solver_seconds == 7
    assert hurried.spec.limits.paths == usual.spec.limits.paths
