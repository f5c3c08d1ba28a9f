"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from verifier.errors import BadInput


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that no reader ever sees a part; BadInput where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"cannot be written: {reason}", path) from None


def file_name(*parts: str) -> str:
    """Give a plain name for a file, whatever characters the parts hold."""
    return ".".join(re.sub(r"[^\w+-]+", "-", part).strip("-") or "x" for part in parts)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
