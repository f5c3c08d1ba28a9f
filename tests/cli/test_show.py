"""``verifier show`` prints a spec, and its bytes unless no path is to be followed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.specification.build import SPEC

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.cli.conftest import Ran


def test_without_paths_the_spec_alone_is_shown(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is assumed and claimed is there, no byte is, and nothing was followed."""
    Path("spec.toml").write_text(SPEC)
    Path("code.S").write_text("start:\njump: jmp start\n")
    monkeypatch.setitem(sys.modules, "verifier.proving.session", None)
    told = run("show", ".", "--no-paths")
    assert (told.code, told.err) == (0, "")
    for heading in ("assumed", "claimed", "regions"):
        assert f"\n{heading}\n" in told.out
    assert "bytes, as executed" not in told.out
