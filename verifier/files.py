"""A file of bounded size read whole; what is no regular file is refused, never waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from verifier.errors import BadInput


def read_regular(path: Path, most: int) -> bytes:
    """Read a file of at most ``most`` bytes; BadInput where it is missing or anything else."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadInput("is no regular file", path)
            data = file.read(most + 1)
    except FileNotFoundError:
        raise BadInput("there is no such file", path) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"cannot be read: {reason.lower()}", path) from None
    if len(data) > most:
        raise BadInput(f"is longer than {most} bytes", path)
    return data


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for somebody to write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
