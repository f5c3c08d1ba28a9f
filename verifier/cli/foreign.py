"""What people name as a kernel and is none, told by its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from verifier.errors import BadInput

_RAM_DISK = "as an initial RAM disk is"
_FOREIGN = {
    b"\x1f\x8b": f"is compressed by gzip, {_RAM_DISK}",
    b"\xfd7zXZ": f"is compressed by xz, {_RAM_DISK}",
    b"\x28\xb5\x2f\xfd": f"is compressed by zstd, {_RAM_DISK}",
    b"\x02\x21\x4c\x18": f"is compressed by lz4, {_RAM_DISK}",
    b"BZh": f"is compressed by bzip2, {_RAM_DISK}",
    b"07070": f"is a cpio archive, {_RAM_DISK}",
    b"!<arch>\n": "is an archive, as packages and libraries are",
    b"\x7fELF": "is an ELF file, as vmlinux is",
}
_WANTED = "expected a kernel as it ships, a bzImage: vmlinuz, or arch/x86/boot/bzImage of a build"


Named = TypeVar("Named", list[Path] | None, Path | None)
"""The value of an argument or an option that names files."""


def not_foreign(named: Named) -> Named:
    """Give the files that a command line names; BadInput where one is of another kind."""
    for path in [named] if isinstance(named, Path) else named or ():
        _require_not_foreign(path)
    return named


def _require_not_foreign(path: Path) -> None:
    """Refuse a file of another kind; one that cannot be read is left to those who need it."""
    try:
        if not path.is_file():
            return
        with path.open("rb") as file:
            head = file.read(max(map(len, _FOREIGN)))
    except (OSError, ValueError):
        return
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise BadInput(f"{what}: {_WANTED}", path)
