"""``inspect``: what is in an image, found without its symbols."""

from __future__ import annotations

from pathlib import Path

from verifier.cli.screen import Screen
from verifier.errors import BadInput
from verifier.inspection import inspect as look
from verifier.loading.binary import open_binary
from verifier.reporting.files import write_whole
from verifier.reporting.inspection_document import dumped
from verifier.reporting.inspection_text import inspection_lines
from verifier.reporting.status import Status

STDOUT = Path("-")


def inspect(path: Path, json: Path | None) -> Status:
    """Print what is in one file; a file without a trampoline is no failure."""
    if json is not None and json != STDOUT and not json.absolute().parent.is_dir():
        raise BadInput(f"there is no folder '{json.parent}' to write the report to")
    binary = open_binary(path)
    found = look(binary)
    screen = Screen()
    if json == STDOUT:
        screen.out.file.write(dumped(binary, found))
        return Status.PROVED
    screen.show(inspection_lines(binary, found))
    if json is not None:
        write_whole(json, dumped(binary, found))
    return Status.PROVED
