"""The pre-commit hook lets a proved trampoline pass and blocks a broken one, saying where."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Needs

HOOK = "verifier-prove"
TARGET = "la57-rfc"
RESTORE_RSI = "\tmovq\t%r8, %rsi\n"
AUTHOR = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")


@pytest.fixture(scope="module")
def hook(root: Path) -> dict[str, Any]:
    """Give what pre-commit reads of the hook."""
    hooks = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    return next(each for each in hooks if each["id"] == HOOK)


class Scratch:
    """A repository of someone else, with one target, in which the hook is installed."""

    def __init__(self, folder: Path, root: Path, git: str) -> None:
        """Copy the target without its broken variants, as a user's repository has none."""
        self.folder = folder / "kernel"
        self.git_program = git
        self.environment = {**os.environ, "PYTHONPATH": str(root)}
        shutil.copytree(
            root / "specs" / TARGET,
            self.folder / "specs" / TARGET,
            ignore=shutil.ignore_patterns("broken"),
        )
        self.git("init", "-q")

    def install(self, hook: dict[str, Any]) -> None:
        """Run the hook's entry before each commit, with its command first on the path."""
        programs = self.folder / ".git" / "programs"
        programs.mkdir()
        command, *_ = shlex.split(hook["entry"])
        interpreter = shlex.quote(sys.executable)
        (programs / command).write_text(f'#!/bin/sh\nexec {interpreter} -m verifier "$@"\n')
        (programs / command).chmod(0o755)
        before_commit = self.folder / ".git" / "hooks" / "pre-commit"
        before_commit.parent.mkdir(exist_ok=True)
        path = f"{shlex.quote(str(programs))}:$PATH"
        before_commit.write_text(f"#!/bin/sh\nPATH={path} exec {hook['entry']}\n")
        before_commit.chmod(0o755)

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run git in the repository."""
        return subprocess.run(
            [self.git_program, *AUTHOR, *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
        )

    def commit(self, message: str) -> subprocess.CompletedProcess[str]:
        """Commit everything."""
        self.git("add", "--all")
        return self.git("commit", "-m", message)

    def commits(self) -> list[str]:
        """Give the messages of what was committed."""
        return self.git("log", "--format=%s").stdout.splitlines()


@pytest.fixture
def scratch(tmp_path: Path, root: Path, hook: dict[str, Any], needs: Needs) -> Scratch:
    """Give a repository with the hook in it."""
    repository = Scratch(tmp_path, root, needs("git"))
    repository.install(hook)
    return repository


def test_gate_lets_good_code_pass_and_blocks_broken_code(scratch: Scratch) -> None:
    """A proved trampoline is committed; without its restore of %rsi it is not, and we read why."""
    good = scratch.commit("Add the trampoline")
    assert good.returncode == 0, good.stdout + good.stderr

    source = scratch.folder / "specs" / TARGET / "trampoline.S"
    assert source.read_text().count(RESTORE_RSI) == 1
    source.write_text(source.read_text().replace(RESTORE_RSI, ""))
    broken = scratch.commit("Save an instruction")
    said = broken.stdout + broken.stderr
    assert broken.returncode != 0, said
    assert scratch.commits() == ["Add the trampoline"]
    assert re.search(r"REFUTED.*rsi-preserved|rsi-preserved.*REFUTED", said), said
    assert re.search(r"load\s*=\s*0x[0-9a-f]+", said), said
    assert "trampoline.S" in said
    assert "Traceback" not in said
    assert str(scratch.folder) not in said


def test_gate_judges_what_is_committed_not_what_is_on_disk(scratch: Scratch) -> None:
    """A broken trampoline that is staged is blocked, though the file on disk is mended since."""
    source = scratch.folder / "specs" / TARGET / "trampoline.S"
    whole = source.read_text()
    source.write_text(whole.replace(RESTORE_RSI, ""))
    scratch.git("add", "--all")
    source.write_text(whole)
    broken = scratch.git("commit", "-m", "Save an instruction")
    said = broken.stdout + broken.stderr
    assert broken.returncode != 0, said
    assert "judged: what is staged" in said
    assert f"not staged: changes on disk of specs/{TARGET}/trampoline.S" in said


def test_hook_looks_at_specs_and_sources(hook: dict[str, Any]) -> None:
    """A commit that touches a spec, a source or a binary is proved; one of prose alone is not."""
    names = ["specs/a/spec.toml", "arch/x86/boot/head_64.S", "la57.s", "head.h", "a.lds.S", "x.o"]
    assert all(re.search(hook["files"], name) for name in names)
    assert not re.search(hook["files"], "Documentation/index.rst")
    assert hook["pass_filenames"] is False
