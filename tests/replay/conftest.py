"""The engines that replay tests share, kept alive for all of them as a user's run would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from verifier.replay import Engine, Replayer, available

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from verifier.machine.concrete import Observation, Start


@pytest.fixture(scope="session")
def replayer() -> Iterator[Replayer]:
    """Give one replayer for the whole run."""
    with Replayer(tuple(Engine)) as shared:
        shared.warm_up()
        yield shared


@pytest.fixture
def bochs(replayer: Replayer) -> Callable[[Start, int], Observation]:
    """Give a replay in Bochs of a start and a number of instructions."""
    return lambda start, steps: replayer.replay(start, steps, Engine.BOCHS)


@pytest.fixture
def qemu(replayer: Replayer) -> Callable[[Start, int], Observation]:
    """Give a replay in QEMU, which these tests need."""
    if Engine.QEMU not in available():
        pytest.fail("qemu-system-x86_64 is not on PATH: install qemu-system-x86")
    return lambda start, steps: replayer.replay(start, steps, Engine.QEMU)
