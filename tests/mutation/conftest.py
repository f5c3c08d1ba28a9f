"""The engine that these tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from verifier.replay import Engine, Replayer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def replayer() -> Iterator[Replayer]:
    """Give one replayer for the whole run."""
    with Replayer((Engine.BOCHS,)) as shared:
        shared.warm_up()
        yield shared
