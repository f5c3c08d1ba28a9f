"""Files and functions are short, comments few, and nothing of any one machine is tracked."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Needs

LINES_OF_A_FILE = 330
LINES_OF_A_FUNCTION = 45
PARAMETERS = 5
LINES_OF_VERIFY = 60
CODE_PER_COMMENT = 15
AT_LEAST = 200
PICTURES = {".png", ".svg"}
IN_CODE = {".py", ".S", ".s", ".c"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function

PRAGMA = re.compile(
    r"#\s*(?:noqa|type:\s*ignore)\b(?::?\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w, -]+\])?"
)
UNFINISHED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
OF_A_MACHINE = re.compile(r"(?<![\w.*/-])/(?:home|root|work|opt|tmp|mnt|Users|usr/local)/[\w.]")
OF_A_REGISTRY = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|deb\.debian\.org|proxy\.golang\.org|npmjs\.(?:org|com)"
    r"|index\.crates\.io|conda\.anaconda\.org)\b|(?:extra-)?index-ur[l]|find-link[s]|trusted-hos[t]",
    re.IGNORECASE,
)
MAGIC_OF_BINARIES = (b"\x7fELF", b"MZ", b"!<arch>\n", b"PK\x03\x04", b"\x1f\x8b", b"\xfd7zXZ")


@pytest.fixture(scope="module")
def tracked(root: Path, needs: Needs) -> list[Path]:
    """Give the files that git tracks."""
    done = subprocess.run(
        [needs("git"), "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    )
    found = [root / name for name in done.stdout.split("\0") if name]
    return [path for path in found if path.is_file()]


@pytest.fixture(scope="module")
def python(root: Path) -> list[Path]:
    """Give the Python files of the package and of its tests, tracked or not."""
    found = sorted(path for room in ("verifier", "tests") for path in (root / room).rglob("*.py"))
    assert len(found) > AT_LEAST // 2
    return found


def functions(text: str) -> Iterator[tuple[Function, bool]]:
    """Give each function of a file, and whether its class hands it a first argument."""
    for parent in ast.walk(ast.parse(text)):
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, Function):
                static = any(ast.unparse(name) == "staticmethod" for name in node.decorator_list)
                yield node, isinstance(parent, ast.ClassDef) and not static


def public(tree: ast.Module) -> Iterator[Documented]:
    """Give a file and what it offers: its public functions, classes and their public methods."""
    yield tree
    nodes: list[ast.stmt] = list(tree.body)
    for node in nodes:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node
            nodes += node.body if isinstance(node, ast.ClassDef) else []


def parameters(function: Function, *, bound: bool) -> int:
    """Count the parameters that a caller writes and the function uses."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return sum(not each.arg.startswith("_") for each in every) - bound


def is_argued(text: str, line: int, rule: str) -> bool:
    """Say whether a line carries a named exception from a rule."""
    return bool(re.search(rf"#\s*noqa:.*\b{rule}\b", text.splitlines()[line - 1]))


def comments(text: str) -> list[tokenize.TokenInfo]:
    """Give the comments of a file."""
    return [
        token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]


def code_and_comments(text: str) -> tuple[int, int]:
    """Count the lines that are neither empty nor only a comment, and the comments for readers."""
    readers = [each for each in comments(text) if not PRAGMA.match(each.string)]
    alone = {each.start[0] for each in comments(text) if not each.line[: each.start[1]].strip()}
    lines = text.splitlines()
    code = [n for n, line in enumerate(lines, 1) if line.strip() and n not in alone]
    return len(code), len(readers)


def hits(pattern: re.Pattern[str], text: str) -> list[tuple[int, str]]:
    """Give the lines that a pattern finds, with their numbers."""
    return [(n, line) for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def test_files_are_short(tracked: list[Path], python: list[Path], root: Path) -> None:
    """No source is longer than a reader takes in at one sitting."""
    found = {path for path in tracked if path.suffix in IN_CODE} | set(python)
    long = {
        path.relative_to(root).as_posix(): lines
        for path in found
        if (lines := len(path.read_text().splitlines())) > LINES_OF_A_FILE
    }
    assert not long


def test_functions_are_short(python: list[Path], root: Path) -> None:
    """No function, docstring included, is longer than a screen."""
    long = [
        f"{path.relative_to(root)}:{node.lineno} {node.name}: {lines} lines"
        for path in python
        for node, _ in functions(path.read_text())
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > LINES_OF_A_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_functions_take_few_parameters(python: list[Path], root: Path) -> None:
    """No function takes more than five parameters, where its line does not say why."""
    many = [
        f"{path.relative_to(root)}:{node.lineno} {node.name}: {count} parameters"
        for path in python
        for text in [path.read_text()]
        for node, bound in functions(text)
        if (count := parameters(node, bound=bound)) > PARAMETERS
        and not is_argued(text, node.lineno, "PLR0913")
    ]
    assert not many, "\n".join(many)


def test_public_names_have_docstrings(python: list[Path], root: Path) -> None:
    """Every file, public class and public function says what it is or gives."""
    mute = [
        f"{path.relative_to(root)}:{getattr(node, 'lineno', 1)} {getattr(node, 'name', '')}"
        for path in python
        for node in public(ast.parse(path.read_text()))
        if not ast.get_docstring(node)
    ]
    assert not mute, "\n".join(mute)


def test_comments_are_few(python: list[Path], root: Path) -> None:
    """Comments tell the surprising only: over the package less than one line in fifteen."""
    counts = [
        code_and_comments(path.read_text())
        for path in python
        if path.is_relative_to(root / "verifier")
    ]
    code, comment = (sum(column) for column in zip(*counts, strict=True))
    assert comment * CODE_PER_COMMENT <= code, f"{comment} comments in {code} lines of code"


def test_exceptions_from_rules_are_argued(python: list[Path], root: Path) -> None:
    """Each rule that a line is excepted from is named, and followed by the reason."""
    mute = [
        f"{path.relative_to(root)}:{each.start[0]} {each.string}"
        for path in python
        for each in comments(path.read_text())
        if (found := PRAGMA.match(each.string))
        and (
            found[0].rstrip().endswith(("noqa", "ignore"))
            or not each.string[found.end() :].strip(" -()#")
        )
    ]
    assert not mute, f"{len(mute)} without a reason:\n" + "\n".join(mute)


def test_verify_is_read_first(root: Path) -> None:
    """``verify.py`` is the whole job in under 60 lines."""
    assert len((root / "verifier/verify.py").read_text().splitlines()) < LINES_OF_VERIFY


@pytest.mark.parametrize(
    "pattern", [UNFINISHED, OF_A_MACHINE, OF_A_REGISTRY], ids=["unfinished", "machine", "registry"]
)
def test_tracked_files_are_finished_and_of_no_machine(
    pattern: re.Pattern[str], tracked: list[Path], root: Path
) -> None:
    """No tracked file leaves work for later, names a path of a machine or a registry's host."""
    assert len(tracked) >= AT_LEAST
    found = [
        f"{path.relative_to(root)}:{number} {line.strip()}"
        for path in tracked
        if path.suffix not in PICTURES
        for number, line in hits(pattern, path.read_text())
    ]
    assert not found, "\n".join(found)


def test_no_binaries_are_tracked(tracked: list[Path], root: Path) -> None:
    """All that is tracked is text, or a picture: programs, archives and kernels are not."""
    found = [
        path.relative_to(root).as_posix()
        for path in tracked
        for raw in [path.read_bytes()]
        if raw.startswith(MAGIC_OF_BINARIES)
        or raw[0x202:0x206] == b"HdrS"
        or (b"\0" in raw and path.suffix not in PICTURES)
    ]
    assert not found


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (UNFINISHED, "# TO" + "DO: later"),
        (OF_A_MACHINE, "see /ho" + "me/me/x"),
        (OF_A_MACHINE, 'PATH = "/t' + 'mp/x"'),
        (OF_A_REGISTRY, "get it from files.python" + "hosted.org"),
        (OF_A_REGISTRY, "--find" + "-links wheels"),
    ],
)
def test_patterns_find_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    """Each pattern sees an example of what it forbids."""
    assert hits(pattern, line)


def test_exceptions_are_told_from_comments() -> None:
    """A pragma is no comment for readers; a comment beside code counts, its line as code."""
    text = "import x  # noqa: F401 - why\n# Surprising.\ny = 1  # also\n"
    assert code_and_comments(text) == (2, 2)
