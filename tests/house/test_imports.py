"""Imports point down the levels of the house, and each foreign library has one door."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "verifier"
AT_LEAST = 60

LEVEL_OF = {
    "errors": 0,
    "solver": 1,
    "certificate": 1,
    "files": 1,
    "parent": 1,
    "machine": 1,
    "semantics": 2,
    "loading": 2,
    "specification": 3,
    "execution": 3,
    "agreement": 3,
    "inspection": 3,
    "proving": 4,
    "replay": 5,
    "reporting": 5,
    "bundle": 6,
    "verify": 6,
    "mutation": 6,
    "cli": 7,
    "__main__": 8,
    "notebook": 8,
}
DOORS: dict[str, str | tuple[str, ...]] = {
    "z3": ("verifier/solver.py", "verifier/bundle/solvers.py"),
    "bitwuzla": "verifier/bundle/solvers.py",
    "cvc5": "verifier/bundle/solvers.py",
    "angr": "verifier/semantics/lifted.py",
    "pyvex": "verifier/semantics/lifted.py",
    "archinfo": "verifier/semantics/lifted.py",
    "pypcode": "verifier/agreement/",
    "bochscpu": "verifier/replay/",
    "pysolvers": "verifier/certificate/cadical.py",
}
NOT_IN = {"claripy": "verifier/specification/"}
ANYONE = ""
"""The room of ``verifier/__init__.py``, which holds the version and imports nothing."""


@dataclass(frozen=True)
class Import:
    """One imported name: where it stands, and its full dotted name."""

    path: str
    line: int
    name: str

    def __str__(self) -> str:
        """Give ``path:line imports name``."""
        return f"{self.path}:{self.line} imports {self.name}"


def module_of(path: str) -> list[str]:
    """Give the dotted name of a file as its parts, ``__init__`` included."""
    return list(Path(path).with_suffix("").parts)


def imports(path: str, text: str) -> Iterator[Import]:
    """Give every import of a file, those for type checkers and those inside functions too."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (Import(path, node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = module_of(path)[:-level] if level else []
                source = ".".join([*above, *([module] if module else [])])
                yield from (Import(path, node.lineno, f"{source}.{name.name}") for name in names)
            case _:
                pass


def room_of(name: str) -> str:
    """Give the room of a dotted name in the package: ``verifier.machine.x`` is in machine."""
    room = name.split(".")[1] if "." in name else ANYONE
    return ANYONE if room in {"__init__", "__version__"} else room


def complaints(path: str, text: str) -> list[str]:
    """Give a sentence for each import that points up, sideways or past a door."""
    here = room_of(".".join(module_of(path)))
    found = []
    for each in imports(path, text):
        top = each.name.split(".")[0]
        there = room_of(each.name)
        if top == PACKAGE and there not in {ANYONE, here}:
            if there not in LEVEL_OF:
                found.append(f"{each}: no level is written down for {there}")
            elif here == ANYONE or LEVEL_OF[there] >= LEVEL_OF[here]:
                found.append(f"{each}: {there} is not below {here or PACKAGE}")
        elif top in DOORS and not path.startswith(DOORS[top]):
            found.append(f"{each}: only {DOORS[top]} may")
        elif top in NOT_IN and path.startswith(NOT_IN[top]):
            found.append(f"{each}: {NOT_IN[top]} may not")
    return found


def files(root: Path) -> list[Path]:
    """Give all files of the package."""
    return sorted((root / PACKAGE).rglob("*.py"))


def test_every_file_is_in_a_room_with_a_level(root: Path) -> None:
    """Each file or folder below the package has a level, and there are as many as we know of."""
    found = files(root)
    rooms = {room_of(".".join(module_of(str(path.relative_to(root))))) for path in found}
    assert len(found) >= AT_LEAST
    assert rooms - {ANYONE} <= set(LEVEL_OF)


def test_imports_only_point_down(root: Path) -> None:
    """No import points up or to another room of the same level, nor past a library's one door."""
    found = [
        complaint
        for path in files(root)
        for complaint in complaints(path.relative_to(root).as_posix(), path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("verifier/machine/x.py", "from verifier.semantics.lifted import lift"),
        ("verifier/machine/x.py", "from verifier import solver"),
        ("verifier/machine/x.py", "if TYPE_CHECKING:\n    from verifier.solver import Question"),
        ("verifier/replay/x.py", "def f():\n    import verifier.reporting.text"),
        ("verifier/errors.py", "from .machine import state"),
        ("verifier/loading/x.py", "from ..semantics import table"),
        ("verifier/__init__.py", "from verifier.errors import Bug"),
        ("verifier/verify.py", "import verifier.cellar"),
        ("verifier/proving/x.py", "import z3"),
        ("verifier/semantics/table.py", "import pyvex.expr"),
        ("verifier/execution/x.py", "from angr.errors import AngrError"),
        ("verifier/cli.py", "import bochscpu._bochscpu as native"),
        ("verifier/specification/x.py", "from claripy.ast.bv import BV"),
    ],
)
def test_import_that_points_elsewhere_is_told(path: str, text: str) -> None:
    """The check sees each kind of wrong import, in each form that the language has."""
    assert len(complaints(path, text)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("verifier/machine/x.py", "from verifier.machine import registers"),
        ("verifier/machine/x.py", "from . import registers"),
        ("verifier/cli.py", "from verifier import __version__, verify"),
        ("verifier/solver.py", "import z3"),
        ("verifier/replay/x.py", "import bochscpu"),
    ],
)
def test_import_that_points_down_is_allowed(path: str, text: str) -> None:
    """The check lets pass what the levels allow."""
    assert complaints(path, text) == []
