"""SOUNDNESS.md names each assumption, each gap once, and the size of what is trusted."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from verifier.bundle.report import GAPS as OF_BUNDLES
from verifier.proving.entry import PROCESSOR_STATE
from verifier.proving.gaps import Gap

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE = 0.2


@pytest.fixture(scope="module")
def parts(root: Path) -> dict[str, str]:
    """Give the text under each heading."""
    text = (root / "SOUNDNESS.md").read_text()
    pieces = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def first_cells(text: str) -> list[str]:
    """Give the first cell of each row of the tables."""
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]


def assumed(root: Path) -> set[str]:
    """Give the ids that specs assume, of callees too."""
    specs = sorted((root / "specs").rglob("spec.toml"))
    assert len(specs) >= 3
    read = [tomllib.loads(path.read_text()) for path in specs]
    return {
        each["id"]
        for spec in read
        for kind in ("assume", "contract")
        for each in spec.get(kind, ())
    }


def test_assumptions_are_rows(root: Path, parts: dict[str, str]) -> None:
    """Each assumption of a spec is a row of part A, and each row is one, or is built in."""
    rows = [cell.strip("`") for cell in first_cells(parts["A. What specs assume"])[1:]]
    assert len(rows) == len(set(rows))
    assert set(rows) == assumed(root) | {PROCESSOR_STATE}


def test_gaps_are_numbered(parts: dict[str, str]) -> None:
    """The rows of parts B, C and D are numbered in order, and every cell but risk is optional."""
    for heading, text in parts.items():
        letter = heading[0]
        if heading[1] != "." or letter == "A":
            continue
        rows = first_cells(text)[1:]
        assert rows == [f"{letter}{number}" for number in range(1, len(rows) + 1)]


def test_every_gap_is_one_that_reports_know(parts: dict[str, str]) -> None:
    """A row of parts B to D is printed by the reports that rest on it, or only makes UNKNOWN."""
    rows = {
        line.split("|")[1].strip(): line
        for heading, text in parts.items()
        for line in text.splitlines()
        if heading[:2] in {"B.", "C.", "D."} and re.match(r"\| [BCD]\d", line)
    }
    known = {gap.value for gap in Gap} | {*OF_BUNDLES}
    assert known <= set(rows)
    for name in set(rows) - known:
        assert "UNKNOWN" in rows[name], f"no report prints {name}"


def test_references_lead_somewhere(parts: dict[str, str]) -> None:
    """A row that refers to another names one that exists."""
    rows = {cell for text in parts.values() for cell in first_cells(text)}
    named = {name for text in parts.values() for name in re.findall(r"\b[BCD]\d+\b", text)}
    assert named <= rows


def test_files_named_exist(root: Path, parts: dict[str, str]) -> None:
    """A file that a row refers to is there."""
    named = {name for text in parts.values() for name in re.findall(r"`([\w/]+\.py)`", text)}
    assert named
    assert not [
        name
        for name in named
        if not (root / name).exists() and not (root / "verifier" / name).exists()
    ]


def test_trusted_base_is_counted(root: Path, parts: dict[str, str]) -> None:
    """The lines of each room are as told, within a fifth; no room is left out."""
    told = re.findall(r"^\| (.*`.+`) \| (\d+) \|$", parts["The trusted base"], re.MULTILINE)
    seen: set[str] = set()
    for names, lines in told:
        rooms = {name.rstrip("/") for name in re.findall(r"`([\w/]+)`", names)}
        count = sum(lines_of(root / "verifier", room) for room in rooms)
        assert abs(count - int(lines)) <= TOLERANCE * count, f"{names}: {count} lines"
        seen |= rooms
    here = {path.stem for path in (root / "verifier").iterdir() if path.name[0] not in "_."}
    assert seen == here


def lines_of(package: Path, room: str) -> int:
    """Count the lines of a room."""
    file = package / f"{room}.py"
    files = [file] if file.exists() else sorted((package / room).rglob("*.py"))
    return sum(len(path.read_text().splitlines()) for path in files)
