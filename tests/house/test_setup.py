"""``make`` and ``.ci/run`` set up once, start at once, and tell in one sentence what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Needs

SETTING_UP = "setting up .venv for make prove (about a minute, once)"
PROGRAMS = (
    "bash",
    "dirname",
    "env",
    "grep",
    "make",
    "rm",
    "sh",
    "sort",
    "tail",
    "timeout",
    "touch",
)
TELL = 'echo "$0 $*" | sed "s,.*/,," >> told\n'

RIGHT = """
case "$*" in
    "-m venv --clear .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python; rm -f .venv/.[dnr]* ;;
    "-m pip "*) echo "WARNING: noise" >&2 ;;
esac
"""
OLD = 'case "$2" in *version_info*) exit 1 ;; esac\n'
WITHOUT_VENV = 'case "$2" in *ensurepip*) exit 1 ;; esac\n'
WITHOUT_NETWORK = RIGHT + 'case "$2" in pip) echo "no route" >&2; exit 1 ;; esac\n'


class House:
    """A checkout with nothing but the files that set it up, and a path of chosen programs."""

    def __init__(self, folder: Path, root: Path, needs: Needs) -> None:
        """Copy the files, whose stand-in interpreter notes in ``told`` how it was called."""
        self.folder = folder / "a clone"
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("Makefile", "constraints.txt", "pyproject.toml", ".ci/run"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, self.folder / name)
        for name in (*PROGRAMS, "sed", "mkdir", "cp"):
            (self.programs / name).symlink_to(needs(name))
        self.add("as", "")
        self.add("python3.11", RIGHT)

    def add(self, name: str, text: str) -> None:
        """Put a shell script on the path."""
        (self.programs / name).unlink(missing_ok=True)
        (self.programs / name).write_text(f"#!/bin/sh\n{TELL}{text}")
        (self.programs / name).chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command with nothing else on its path."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": str(self.programs)},
            text=True,
            capture_output=True,
            check=False,
        )

    def told(self) -> list[str]:
        """Give how the stand-ins were called since the last time that was asked."""
        note = self.folder / "told"
        lines = note.read_text().splitlines() if note.exists() else []
        note.unlink(missing_ok=True)
        return lines


@pytest.fixture
def house(tmp_path: Path, root: Path, needs: Needs) -> House:
    """Give a house with all that it needs."""
    return House(tmp_path, root, needs)


def test_first_run_prints_one_line_and_second_starts_at_once(house: House) -> None:
    """The first run makes the environment, installs and proves; the second proves only."""
    first = house.run("make", "prove")
    assert (first.returncode, first.stdout, first.stderr) == (0, SETTING_UP + "\n", "")
    assert any("-m pip install" in line for line in house.told())
    second = house.run("make", "prove")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert house.told() == ["python -c ", "python -m verifier prove --recorded"]


@pytest.mark.parametrize(
    ("pin", "expected"), [("constraints.txt", True), ("pyproject.toml", False)]
)
def test_environment_is_made_anew_when_a_pin_changes(
    house: House, pin: str, expected: bool
) -> None:
    """Other pins give another environment; another pyproject.toml is installed into the same."""
    house.run("make", "prove")
    house.told()
    later = (house.folder / ".venv/.run").stat().st_mtime + 1
    os.utime(house.folder / pin, (later, later))
    assert house.run("make", "prove").stdout == SETTING_UP + "\n"
    told = house.told()
    assert any("-m venv --clear" in line for line in told) == expected
    assert any("-m pip install" in line for line in told)


def test_environment_without_its_interpreter_is_made_anew(house: House) -> None:
    """A .venv whose Python was removed is set up again, not tripped over."""
    house.run("make", "prove")
    (house.folder / ".venv/bin/python").unlink()
    again = house.run("make", "prove")
    assert (again.returncode, again.stdout) == (0, SETTING_UP + "\n")


def test_interpreter_that_is_on_the_path_but_does_not_run_is_passed_by(house: House) -> None:
    """A launcher for a version that is not installed does not keep the next one from being used."""
    house.add("python3.12", RIGHT)
    house.add("python3.11", "exit 127")
    assert house.run("make", "prove").returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("as", None, "No assembler: 'as' is not on the path (Debian: apt install binutils)."),
        (
            "python3.11",
            OLD,
            "No Python 3.11 or 3.12: none is on the path (make PYTHON=... names one).",
        ),
        (
            "python3.11",
            WITHOUT_VENV,
            "python3.11 has no venv module (Debian: apt install python3-venv).",
        ),
        (
            "python3.11",
            WITHOUT_NETWORK,
            "pip could not install the dependencies; all it said is in .venv/setup.log.",
        ),
    ],
)
def test_what_is_missing_is_told_in_one_sentence(
    house: House, name: str, text: str | None, sentence: str
) -> None:
    """A missing assembler, Python, venv module or network ends with its sentence and status 2."""
    if text is None:
        (house.programs / name).unlink()
    else:
        house.add(name, text)
    done = house.run("make", "prove")
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert done.returncode == 2
    assert said[-1] == sentence
    assert "Traceback" not in done.stderr
    assert house.run("make", "prove").returncode == 2


@pytest.mark.parametrize(("status", "word"), [(0, "passed"), (2, "failed with exit status 2")])
def test_ci_fails_when_a_command_fails(house: House, status: int, word: str) -> None:
    """``.ci/run`` installs what is missing, runs both commands, and fails when one of them does."""
    house.add("make", f'test "$1" = prove || exit {status}')
    house.add("apt-get", "")
    for name in ("gcc", "ld", "objcopy", "git"):
        house.add(name, "")
    done = house.run("bash", ".ci/run")
    told = house.told()
    if os.geteuid() == 0:
        assert any(line.endswith("recommends qemu-system-x86") for line in told)
        assert [line for line in told if line.startswith("make")] == ["make test", "make prove"]
        assert f"== make test: {word}" in done.stdout
        assert bool(done.returncode) == bool(status)
    else:
        assert "missing: qemu-system-x86" in done.stdout
        assert done.returncode == 2


@pytest.mark.parametrize("known", ["linux-image-6.1.0-1-cloud-amd64-unsigned", ""])
def test_ci_sees_to_the_lists_of_packages(house: House, known: str) -> None:
    """``.ci/run`` updates the lists of packages, by which kernels are found, where they are not."""
    house.add("make", "")
    house.add("apt-get", "")
    house.add("apt-cache", f'test -z "{known}" || echo "{known}"')
    for name in ("gcc", "ld", "objcopy", "git", "qemu-system-x86_64"):
        house.add(name, "")
    done = house.run("bash", ".ci/run")
    assert done.returncode == 0
    updates = [line for line in house.told() if line.startswith("apt-get")]
    if os.geteuid() == 0:
        assert updates == ([] if known else ["apt-get update -qq"])
    else:
        assert ("run apt-get update as root" in done.stdout) == (not known)
