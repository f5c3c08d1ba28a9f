"""Files that the tests of the loading room share, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.loading.build import PROGRAM, SOURCE, SOURCE_32, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an object, a program and a shared object, with debug information."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "small.s").write_text(SOURCE)
    (folder / "program.c").write_text(PROGRAM)
    run("as", "--64", "-g", "-o", folder / "small.o", folder / "small.s")
    (folder / "small32.s").write_text(SOURCE_32)
    run("as", "--32", "-o", folder / "small32.o", folder / "small32.s")
    gcc = ("gcc", "-g", "-O1", "-ffreestanding", "-nostdlib", "-fno-asynchronous-unwind-tables")
    run(*gcc, "-c", "-o", folder / "program.o", folder / "program.c")
    run(*gcc, "-static", "-o", folder / "program", folder / "program.c")
    run(*gcc, "-shared", "-fPIC", "-o", folder / "program.so", folder / "program.c")
    return folder
