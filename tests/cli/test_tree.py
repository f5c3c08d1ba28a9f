"""A gate judges what git would commit, or has committed, and says what it did not look at."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from verifier.cli.tree import Tree, tree_of
from verifier.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Needs

SPEC = '[image]\nsource = "code.S"\n'
AUTHOR = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")


@pytest.fixture
def git(here: Path, needs: Needs) -> Callable[..., None]:
    """Give git in a repository that tracks the spec ``a``, whose source is staged as 1."""
    program = needs("git")

    def command(*arguments: str) -> None:
        subprocess.run([program, *AUTHOR, *arguments], cwd=here, check=True, capture_output=True)

    command("init", "-q")
    write("specs/a/spec.toml", SPEC)
    write("specs/a/code.S", "staged")
    command("add", "--all")
    return command


def write(name: str, text: str) -> None:
    """Write a file below the current folder."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


@contextmanager
def judged(root: str = "", commit: str | None = None, *, on_disk: bool = False) -> Iterator[Tree]:
    """Give what would be judged."""
    with tree_of(Path(root), commit, on_disk=on_disk) as tree:
        yield tree


def sources(tree: Tree) -> list[str]:
    """Give the text of each spec's source."""
    return [(each / "code.S").read_text() for each in tree.specs]


@pytest.mark.usefixtures("git")
def test_what_is_staged_is_judged_and_not_what_is_on_disk() -> None:
    """A mended file that is not staged does not let a broken one pass, and the report says so."""
    write("specs/a/code.S", "mended")
    with judged() as tree:
        assert sources(tree) == ["staged"]
        assert tree.told == "judged: what is staged, as git would commit it"
        assert tree.notes == ("not judged, as not staged: changes on disk of specs/a/code.S",)
        folder = tree.folder
    assert not folder.exists()
    with judged(on_disk=True) as tree:
        assert (sources(tree), tree.notes) == (["mended"], ())
        assert "on disk" in tree.told


def test_a_commit_is_judged_as_it_is(git: Callable[..., None]) -> None:
    """Whatever is staged or on disk since, and without a change of either."""
    git("commit", "-m", "one")
    write("specs/a/code.S", "later")
    git("add", "--all")
    with judged(commit="HEAD") as tree:
        assert sources(tree) == ["staged"]
        assert tree.told.startswith("judged: commit ")
    with judged() as tree:
        assert sources(tree) == ["later"]
    for name in ("nowhere", "--all"):
        with pytest.raises(BadInput, match=f"git knows no commit '{name}'"), judged(commit=name):
            pass


@pytest.mark.usefixtures("git")
def test_index_of_a_commit_in_the_making_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """``git commit -a`` and ``git commit FILE`` run hooks with an index of their own."""
    other = Path("other").resolve()
    monkeypatch.setenv("GIT_INDEX_FILE", str(other))
    program = ["git", "add", "specs"]
    write("specs/a/code.S", "of this commit")
    subprocess.run(program, check=True)
    with judged() as tree:
        assert sources(tree) == ["of this commit"]


@pytest.mark.usefixtures("git")
def test_a_part_of_a_repository_is_named_as_users_do() -> None:
    """Only specs below the root count, and files are told by the root's name."""
    write("other/spec.toml", SPEC)
    with judged("specs") as tree:
        assert [each.name for each in tree.specs] == ["a"]
        assert tree.named(f"{tree.specs[0]}{os.sep}spec.toml: wrong") == "specs/a/spec.toml: wrong"
    with judged() as tree:
        assert tree.notes == ("not judged, as git does not track it: other/spec.toml",)
        assert tree.named(f"{tree.specs[0]}") == "specs/a"


def test_an_image_of_another_folder_comes_along(git: Callable[..., None]) -> None:
    """Its folder is judged as it is staged; an image that git does not have is told."""
    write("b/spec.toml", '[image]\nelf = "../build/code.o"\n')
    write("build/code.o", "object")
    git("add", "b")
    with pytest.raises(BadInput, match=r"'../build/code.o' is on disk, but .* --on-disk") as told:
        judged().__enter__()
    assert told.value.where == "b/spec.toml"
    git("add", "build")
    with judged("b") as tree:
        assert (tree.specs[0] / "../build/code.o").read_text() == "object"


def test_a_spec_that_is_a_link_comes_with_its_file(git: Callable[..., None]) -> None:
    """A link to a spec elsewhere in the repository can be read."""
    Path("linked").mkdir()
    Path("linked/spec.toml").symlink_to("../specs/a/spec.toml")
    git("add", "linked")
    with judged("linked") as tree:
        assert (tree.specs[0] / "spec.toml").read_text() == SPEC


def test_outside_of_git_nothing_is_judged(here: Path) -> None:
    """Neither a folder without a repository nor one that is not there."""
    with pytest.raises(BadInput, match="is in no git repository"), judged():
        pass
    with pytest.raises(BadInput, match="there is no folder 'nowhere'"), judged("nowhere"):
        pass
    assert here.is_dir()


def test_what_has_its_whole_path_is_not_taken_from_disk(git: Callable[..., None]) -> None:
    """A source, or a link, that names its file from the root would be judged as it is on disk."""
    whole = Path("specs/a/code.S").absolute()
    write("specs/b/spec.toml", f'[image]\nsource = "{whole}"\n')
    git("add", "--all")
    with pytest.raises(BadInput, match="is named by its whole path"), judged():
        pass
    write("specs/b/spec.toml", SPEC)
    Path("specs/b/code.S").symlink_to(whole)
    git("add", "--all")
    with pytest.raises(BadInput, match="is named by its whole path"), judged():
        pass


def test_links_to_other_folders_are_followed(git: Callable[..., None]) -> None:
    """A source that is a link to another that is a link is judged as all of them are staged."""
    write("common/code.S", "shared")
    Path("middle").mkdir()
    Path("middle/code.S").symlink_to("../common/code.S")
    write("specs/b/spec.toml", SPEC)
    Path("specs/b/code.S").symlink_to("../../middle/code.S")
    git("add", "--all")
    write("common/code.S", "later")
    with judged() as tree:
        assert sorted(sources(tree)) == ["shared", "staged"]
