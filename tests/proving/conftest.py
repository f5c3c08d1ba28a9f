"""Sessions on the written targets, explored once for all tests here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from verifier.proving.session import Session
from verifier.proving.target import read_target
from verifier.replay.judging import bench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from verifier.machine.models import ModelName


@pytest.fixture(scope="session")
def explored(root: Path) -> Callable[..., Session]:
    """Give a session on ``specs/NAME`` under a model, without the named assumptions."""
    known: dict[tuple[str, ModelName, tuple[str, ...]], Session] = {}

    def session(name: str, model: ModelName, without: tuple[str, ...] = ()) -> Session:
        key = name, model, without
        if key not in known:
            known[key] = Session(read_target(root / "specs" / name, without), model, bench())
        return known[key]

    return session
