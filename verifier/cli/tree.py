"""What a gate judges: specs as they are staged, as a commit has them, or as they are on disk.

What is staged or committed is written out to a folder of its own, so that nothing else on disk
can stand in for it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from verifier.cli.find import FILE_NAME, image_of
from verifier.cli.git import ask_git, have_git, names
from verifier.errors import BadInput

SPECS = f":(glob)**/{FILE_NAME}"
SHOWN = 3
"""Names that a note lists."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Specs to judge, under ``folder``, which users know as ``root``.

    ``told`` says what is judged, each of ``notes`` what is not, though it looks so.
    """

    root: Path
    folder: Path
    specs: tuple[Path, ...]
    told: str
    notes: tuple[str, ...] = ()

    def named(self, text: str) -> str:
        """Give a text in which files have the names by which users know them."""
        return text.replace(
            f"{self.folder}{os.sep}", "" if self.root == Path() else f"{self.root}/"
        )


@contextmanager
def tree_of(root: Path, commit: str | None, *, on_disk: bool) -> Iterator[Tree]:
    """Give what is staged under ``root``, what a commit has there, or what is on disk."""
    if not root.is_dir():
        raise BadInput(f"there is no folder '{root}'")
    shown = ask_git(root, "rev-parse", "--show-toplevel")
    if shown is None:
        raise BadInput(f"'{root}' is in no git repository; name one with --root")
    top = Path(os.fsdecode(shown.removesuffix(b"\n")))
    if on_disk:
        found = names(have_git(root, "ls-files", "-z", "--", SPECS))
        here = (root / name for name in found)
        specs = tuple(each.parent for each in here if each.is_file())
        yield Tree(root, root, specs, "judged: the files on disk, of specs that git tracks")
        return
    with tempfile.TemporaryDirectory(prefix="verifier-gate-") as made:
        yield _written(root, top, Path(made).resolve(), commit)


def _written(root: Path, top: Path, made: Path, commit: str | None) -> Tree:
    """Write the specs out that are staged, or that a commit has, with all they are made of."""
    environment, told = dict[str, str](), "judged: what is staged, as git would commit it"
    if commit is not None:
        environment = {"GIT_INDEX_FILE": str(made / "index")}
        told = f"judged: commit {_read(top, commit, environment)}"
    listed = ("ls-files", "-z", "--full-name", "--", SPECS)
    files = names(have_git(root, *listed, environment=environment))
    copy = _Copy(top, made / "tree", environment)
    copy.take(str(Path(name).parent) for name in files)
    copy.take_links()
    for name in files:
        copy.take_parts(name)
    prefix = have_git(root, "rev-parse", "--show-prefix").removesuffix(b"\n")
    notes = () if commit is not None else tuple(_unstaged(root, top, copy.folders))
    specs = tuple((copy.tree / name).parent for name in files)
    return Tree(root, copy.tree / os.fsdecode(prefix), specs, told, notes)


def _read(top: Path, commit: str, environment: Mapping[str, str]) -> str:
    """Read a commit into an index of its own; give its digest."""
    if ask_git(top, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}") is None:
        raise BadInput(f"git knows no commit '{commit}'")
    said = have_git(top, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}")
    digest = said.decode().strip()
    have_git(top, "read-tree", digest, environment=environment)
    return digest


@dataclass(slots=True)
class _Copy:
    """Files of an index written under ``tree``; ``folders`` are those written whole."""

    top: Path
    tree: Path
    environment: Mapping[str, str]
    folders: list[str] = field(default_factory=list)

    def take(self, folders: Iterable[str]) -> None:
        """Write out what the index has in folders, named from the top of the repository."""
        new = sorted(set(folders) - set(self.folders))
        if not new:
            return
        self.folders += new
        listed = have_git(
            self.top, "ls-files", "-z", "--", *map(_literal, new), environment=self.environment
        )
        arguments = ("checkout-index", "-z", "-f", "--stdin", f"--prefix={self.tree}{os.sep}")
        have_git(self.top, *arguments, told=listed, environment=self.environment)

    def take_parts(self, name: str) -> None:
        """Write out the folder of a spec's image."""
        spec = self.tree / name
        image = image_of(spec)
        if image is None:
            return
        there = self._take_with(spec.parent / image)
        self.take_links()
        if there is None or (self.tree / there).exists() or not (self.top / there).exists():
            return
        message = f"its image '{image}' is on disk, but not in what git has"
        raise BadInput(f"{message}; verifier gate --on-disk judges files as they are", name)

    def take_links(self) -> None:
        """Write out the folders that links lead to, until none leads to another."""
        before = -1
        while before < len(self.folders):
            before = len(self.folders)
            for link in [each for each in self.tree.rglob("*") if each.is_symlink()]:
                self._take_with(link.parent / link.readlink())

    def _take_with(self, path: Path) -> str | None:
        """Write out the folder of a file; give the file's name from the top, None elsewhere.

        BadInput for one in the repository that is not named from where it is spoken of: it would
        be judged as it is on disk.
        """
        whole = Path(os.path.normpath(path))
        if Path(os.path.realpath(whole)).is_relative_to(os.path.realpath(self.top)):
            message = "is named by its whole path, by which git's own version cannot be found"
            raise BadInput(f"{message}; name it from the folder that speaks of it", whole)
        if not whole.is_relative_to(self.tree):
            return None
        inside = whole.relative_to(self.tree)
        self.take([str(inside.parent)])
        return str(inside)


def _literal(folder: str) -> str:
    return ":(top)" if folder == "." else f":(top,literal){folder}"


def _unstaged(root: Path, top: Path, folders: Iterable[str]) -> Iterator[str]:
    """Tell what is on disk and not staged: changes, and specs that are new."""
    there = [_literal(each) for each in folders]
    if there:
        found = names(
            have_git(top, "--no-optional-locks", "diff", "--name-only", "-z", "--", *there)
        )
        if found:
            yield f"not judged, as not staged: changes on disk of {_some(found)}"
    others = ("ls-files", "-z", "--full-name", "--others", "--exclude-standard", "--", SPECS)
    found = names(have_git(root, *others))
    if found:
        yield f"not judged, as git does not track it: {_some(found)}"


def _some(found: list[str]) -> str:
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{', '.join(found[:SHOWN])}{more}"
