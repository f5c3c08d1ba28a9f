"""What is installed is what is pinned, and the installed command is the one that is documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

import verifier

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Needs

DISTRIBUTION = "boot-relocation-verifier"
COME_WITH_PYTHON = {"pip", "setuptools", "wheel"}
PIN = re.compile(r'([A-Za-z0-9_.-]+)==([\w.!+]+)(?: ; python_version (<|>=) "3\.12")?')
AT_LEAST = 90
KERNELS = "linux-bzimage"
FIND = "from verifier.cli.find import *; print(*find_specs([SPECS]), sep='\\n')"
BEFORE_3_12 = sys.version_info < (3, 12)


def normal(name: str) -> str:
    """Give a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def lines(root: Path) -> list[str]:
    """Give the lines of the constraints that are not comments."""
    text = (root / "constraints.txt").read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def pins(lines: list[str]) -> dict[str, str]:
    """Give the version pinned for this interpreter, by name."""
    matches = [match for line in lines if (match := PIN.fullmatch(line))]
    return {
        normal(match[1]): match[2]
        for match in matches
        if match[3] is None or (match[3] == "<") == BEFORE_3_12
    }


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    """Give what pyproject.toml says."""
    return tomllib.loads((root / "pyproject.toml").read_text())


def test_constraints_are_exact_and_say_nothing_else(lines: list[str]) -> None:
    """Each line is a name and a version: no address, no hash, no range."""
    assert len(lines) >= AT_LEAST
    assert [line for line in lines if not PIN.fullmatch(line)] == []


def test_everything_installed_is_pinned(pins: dict[str, str]) -> None:
    """Each distribution in this environment has the version that constraints.txt gives it."""
    loose = {
        f"{name}=={each.version}"
        for each in metadata.distributions()
        if (name := normal(each.metadata["Name"])) not in COME_WITH_PYTHON | {DISTRIBUTION}
        and pins.get(name) != each.version
    }
    assert not loose, "after `make clean`, renew constraints.txt as CONTRIBUTING.md says"


def test_everything_asked_for_is_pinned(pins: dict[str, str], project: dict[str, Any]) -> None:
    """Each direct dependency, those of the extras and of the build too, is in the constraints."""
    table = project["project"]
    asked = [
        *table["dependencies"],
        *(each for extra in table["optional-dependencies"].values() for each in extra),
        *project["build-system"]["requires"],
    ]
    names = {normal(re.split(r"[<>=!~ ]", each)[0]) for each in asked}
    assert names <= set(pins)


def test_one_range_of_python_versions(root: Path, project: dict[str, Any]) -> None:
    """The Makefile and CI look for the versions that the package accepts."""
    assert project["project"]["requires-python"] == ">=3.11,<3.13"
    for name in ("Makefile", ".ci/run"):
        assert "(3, 11) <= sys.version_info < (3, 13)" in (root / name).read_text()


def test_command_is_installed() -> None:
    """The distribution installs ``verifier``, which is the command line's ``main``."""
    installed = metadata.distribution(DISTRIBUTION)
    command = next(each for each in installed.entry_points if each.name == "verifier")
    assert command.value == "verifier.cli:main"
    assert callable(command.load())


def test_version_is_said_once() -> None:
    """The version of the distribution is that of the package."""
    assert metadata.version(DISTRIBUTION) == verifier.__version__


def test_specs_of_kernels_are_linked_into_the_package(root: Path, needs: Needs) -> None:
    """Each spec of a kernel that git tracks is in the package too, by a link to it."""
    command = [needs("git"), "ls-files", "-z", "--", f"specs/{KERNELS}/*/spec.toml"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    names = {name.split("/")[-2] for name in done.stdout.split("\0") if name}
    links = {path.parent.name: path for path in (root / "verifier/cli/kernels").glob("*/spec.toml")}
    assert names == set(links), "ln -s ../../../../specs/linux-bzimage/NAME/spec.toml makes one"
    for name, link in links.items():
        assert link.readlink().as_posix() == f"../../../../specs/{KERNELS}/{name}/spec.toml"


def test_the_wheel_has_the_specs_of_kernels(root: Path, tmp_path: Path) -> None:
    """Installed from a wheel, the package has these specs as files, and finds them there."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), "."]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path)
    links = sorted((root / "verifier/cli/kernels").glob("*/spec.toml"))
    packed = [tmp_path / path.relative_to(root) for path in links]
    assert [path.read_bytes() for path in packed] == [path.read_bytes() for path in links]
    done = subprocess.run(
        [sys.executable, "-c", FIND],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [str(path.parent) for path in packed]
