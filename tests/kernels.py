"""Kernels that ship: fetched from Debian by name, unpacked without installing, kept in a cache.

The cache is the folder that ``VERIFIER_CACHE`` names, or one in the user's cache. The newest
package of a series is taken, as older ones leave the archive.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SERIES = {
    "6.1": r"linux-image-6\.1\.0-[0-9]+-{flavour}-unsigned",
    "6.12": r"linux-image-6\.12\.[0-9]+\+deb12-{flavour}-unsigned",
}
"""Package names by series, as regular expressions."""

CLOUD, GENERIC = "cloud-amd64", "amd64"
HOW_TO = "this test needs Debian 12 with bookworm and bookworm-security: apt-get update"
TIMEOUT = 600
"""Seconds that a download may take."""


@dataclass(frozen=True)
class Shipped:
    """A kernel as it ships: its package with its version, and its file."""

    package: str
    version: str
    path: Path


@cache
def shipped(series: str, flavour: str = CLOUD) -> Shipped:
    """Give the newest kernel of a series; the test fails where it cannot be had."""
    found = _newest(SERIES[series].format(flavour=flavour))
    kept = _cache() / f"{found.package}_{found.version.replace(':', '%3a')}"
    path = kept / "vmlinuz"
    if not path.exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as work:
            _unpack(found.package, Path(work)).replace(path)
    return Shipped(found.package, found.version, path)


def extra() -> tuple[Path, ...]:
    """Give further kernels to check: the files that ``VERIFIER_KERNELS`` names."""
    return tuple(Path(each) for each in os.environ.get("VERIFIER_KERNELS", "").split(":") if each)


def _cache() -> Path:
    named = os.environ.get("VERIFIER_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "boot-relocation-verifier"


def _newest(pattern: str) -> Shipped:
    """Look the package up; without an archive at hand, what was kept is good enough."""
    known = []
    if shutil.which("apt-cache"):
        names = _run("apt-cache", "search", "--names-only", f"^{pattern}$").split("\n")
        for name in filter(None, (line.partition(" ")[0] for line in names)):
            told = _run("apt-cache", "show", "--no-all-versions", name)
            version = re.search(r"^Version: (\S+)$", told, re.MULTILINE)
            known.append(Shipped(name, version[1] if version else "", Path()))
    if not known:
        for path in _cache().glob("*/vmlinuz"):
            package, _, kept = path.parent.name.partition("_")
            if re.fullmatch(pattern, package):
                known.append(Shipped(package, kept.replace("%3a", ":"), path))
    if not known:
        pytest.fail(f"no package {pattern} is known: {HOW_TO}")
    return max(known, key=lambda each: [int(part) for part in re.findall(r"\d+", each.package)])


def _unpack(package: str, work: Path) -> Path:
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            pytest.fail(f"{program} is not installed: {HOW_TO}")
    _run("apt-get", "download", "-qq", package, at=work)
    (archive,) = work.glob("*.deb")
    _run("dpkg-deb", "-x", str(archive), str(work / "unpacked"))
    (kernel,) = (work / "unpacked" / "boot").glob("vmlinuz-*")
    return kernel


def _run(*command: str, at: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=at, check=False, capture_output=True, text=True, timeout=TIMEOUT
    )
    if done.returncode:
        pytest.fail(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}; {HOW_TO}")
    return done.stdout
