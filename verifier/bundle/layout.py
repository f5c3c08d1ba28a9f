"""How a bundle lies in its folder: names, the seal over all files, and what may be replaced.

``SHA256SUMS`` lists every other file with its digest, as ``sha256sum --check`` reads it; the
digest of that list, the seal, is the bundle's own.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from verifier import __version__
from verifier.errors import BadInput
from verifier.reporting.files import file_name

FORMAT = "verifier-bundle"
VERSION = 1
SUMS = "SHA256SUMS"
INDEX = "bundle.json"
MANIFEST = "manifest.json"
SPEC = "spec.toml"
NAME = r"[\w+-][\w.+-]*"
SUM_LINE = re.compile(rf"([0-9a-f]{{64}})  ({NAME}(?:/{NAME})?)", re.ASCII)


def digest(data: bytes) -> str:
    """Give the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def files_in(folder: Path) -> dict[str, Path]:
    """Give every file below a folder by its relative name; a link is refused."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise BadInput("is a link, which a bundle has none of", path)
        if not path.is_dir():
            found[path.relative_to(folder).as_posix()] = path
    return found


def sums(folder: Path) -> str:
    """Give the list of digests of all files but the list itself."""
    found = files_in(folder)
    lines = [f"{digest(path.read_bytes())}  {name}\n" for name, path in found.items()]
    return "".join(sorted(lines, key=lambda each: each.partition("  ")[2]))


def require_replaceable(folder: Path) -> None:
    """Refuse a folder that holds something else than a bundle."""
    if folder.is_dir():
        inside = {each.name for each in folder.iterdir()}
        if not inside or {INDEX, SUMS} <= inside:
            return
        raise BadInput("is no proof bundle, so it is not replaced; name another folder", folder)
    if folder.exists() or folder.is_symlink():
        raise BadInput("is no folder", folder)
    if not folder.absolute().parent.is_dir():
        raise BadInput(f"there is no folder '{folder.parent}' to write a bundle to")


def parts_in(folder: Path) -> tuple[str, ...]:
    """Give the names of the parts of a bundle that may be there, none where it cannot be read."""
    try:
        parts = json.loads((folder / INDEX).read_text(encoding="utf-8"))["parts"]
        return tuple(each for each in parts if isinstance(each, str))
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return ()


def require_of(folder: Path, targets: Collection[str]) -> None:
    """Refuse a folder whose bundle holds what is of no target named: it would be lost."""
    own = {file_name(each) for each in targets}
    others = [each for each in parts_in(folder) if each.partition(".")[0] not in own]
    if others:
        more = f" and {len(others) - 1} more" if others[1:] else ""
        message = (
            f"holds a bundle with {others[0]}{more}, which is not proved now and would be lost"
        )
        raise BadInput(f"{message}; name another folder, or remove this one", folder)


class Staging:
    """A folder beside ``folder`` in which a bundle is made; what is not put in place is lost."""

    def __init__(self, folder: Path) -> None:
        """Refuse a folder that cannot be replaced."""
        require_replaceable(folder)
        self._folder = folder
        self._made: Path | None = None

    def __enter__(self) -> Path:
        """Make the folder."""
        parent, prefix = self._folder.absolute().parent, f".{self._folder.name}."
        try:
            self._made = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise BadInput(f"cannot be written: {reason}", self._folder) from None
        return self._made

    def __exit__(self, *_: object) -> None:
        """Remove what is left."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)


def sealed(made: Path, folder: Path, parts: tuple[str, ...], tools: Mapping[str, str]) -> str:
    """Finish the bundle made in one folder and put it in the place of another; give its seal."""
    index = {
        "format": FORMAT,
        "version": VERSION,
        "verifier": __version__,
        "tools": dict(tools),
        "parts": sorted(parts),
    }
    (made / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    listed = sums(made).encode()
    (made / SUMS).write_bytes(listed)
    put_in_place(made, folder)
    return digest(listed)


def put_in_place(made: Path, folder: Path) -> None:
    """Have ``made`` be ``folder`` at once, in the place of a bundle that was there."""
    require_replaceable(folder)
    made.chmod(0o755)
    try:
        if folder.exists():
            old = made.with_name(f"{made.name}.old")
            folder.rename(old)
            made.rename(folder)
            shutil.rmtree(old)
        else:
            made.rename(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"cannot be written: {reason}", folder) from None
