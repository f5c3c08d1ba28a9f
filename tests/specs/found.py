"""What lies under ``specs/``, found by walking it: no list is kept by hand."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from verifier.proving.target import Target, read_target

SPECS = Path(__file__).parents[2] / "specs"
KERNELS = SPECS / "linux-bzimage"
"""Specs of kernels that ship: their images are downloaded, and tested where they are."""
SPEC_FILES = tuple(path for path in sorted(SPECS.rglob("spec.toml")) if KERNELS not in path.parents)
KERNEL_SPEC_FILES = tuple(sorted(KERNELS.rglob("spec.toml")))
MISTAKE_FILES = tuple(
    path for path in sorted(SPECS.rglob("broken/*.toml")) if KERNELS not in path.parents
)
KERNEL_MISTAKE_FILES = tuple(sorted(KERNELS.rglob("broken/*.toml")))


@lru_cache
def target_at(path: Path) -> Target:
    """Give the target of a spec file, read once for all tests."""
    return read_target(path)


def spec_of(mistake: Path) -> Path:
    """Give the spec file that a mistake lies beside."""
    return mistake.parent.parent / "spec.toml"


def name_of(path: Path) -> str:
    """Give a short name for the test of a file: ``la57-rfc/rsi-not-restored``."""
    folder = path.parent
    return folder.name if path.name == "spec.toml" else f"{folder.parent.name}/{path.stem}"
