"""What all tests share: one printed seed for everything random, and the programs they need."""

from __future__ import annotations

import random
import secrets
import shutil
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = {"gcc": "gcc", "git": "git", "qemu-system-x86_64": "qemu-system-x86"}


class Needs(Protocol):
    """Gives the path of a program; fails the test where it is not installed."""

    def __call__(self, program: str) -> str:
        """Look for the program on the path."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--seed``, which repeats a run."""
    parser.addoption("--seed", type=int, help="repeat the random choices of an earlier run")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the run's seed; Hypothesis takes it too, unless it was given one of its own."""
    if config.option.seed is None:
        config.option.seed = secrets.randbits(32)
    if getattr(config.option, "hypothesis_seed", None) is None:
        config.option.hypothesis_seed = config.option.seed


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed above all results."""
    return f"seed: {config.option.seed} (--seed {config.option.seed} repeats this run)"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Give a generator whose values depend on the run's seed and the test's name alone."""
    return random.Random(f"{request.config.option.seed} {request.node.nodeid}")  # noqa: S311 - test data


@pytest.fixture(scope="session")
def root(pytestconfig: pytest.Config) -> Path:
    """Give the folder of the checkout."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def needs() -> Needs:
    """Give the way to ask for a program: a test that lacks one fails, it does not pass by."""

    def look(program: str) -> str:
        found = shutil.which(program)
        if found is None:
            package = PACKAGES.get(program, "binutils")
            pytest.fail(f"{program} is not installed (Debian: apt install {package})")
        return found

    return look
