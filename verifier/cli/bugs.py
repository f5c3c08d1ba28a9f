"""A mistake of ours: one sentence for the user, and the details in a file."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path

from verifier.cli.versions import tools
from verifier.errors import BadInput, printable
from verifier.reporting.files import write_whole


def details_of(error: BaseException) -> str:
    """Give what a maintainer needs: the versions and where it happened."""
    versions = "".join(f"{name}: {version}\n" for name, version in tools().items())
    return f"{versions}\n{''.join(traceback.format_exception(error))}"


def tell_bug(error: BaseException) -> None:
    """Tell an error that nothing expected, and keep its details."""
    told = str(error) or type(error).__name__
    sys.stderr.write(f"{keep_bug(told, details_of(error), Path('counterexamples'))}\n")


def keep_bug(sentence: str, details: str, folder: Path, about: str = "command") -> str:
    """Write the details of a bug to a file; give the sentence that tells where."""
    path = folder / f"bug-{about}.txt"
    try:
        write_whole(path, details)
    except BadInput:
        path = Path(tempfile.mkdtemp(prefix="verifier-")) / path.name
        write_whole(path, details)
    return f"a bug of the verifier: {printable(sentence)} (details are in {path})"
