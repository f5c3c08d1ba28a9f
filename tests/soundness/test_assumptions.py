"""What an assumption may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.soundness.build import Small, verdicts
from verifier.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.replay.replayer import Replayer


@pytest.mark.parametrize("text", ["mem8(rsi) == 1", "entry.mem64(rsi) == 1", "translate(1) == 1"])
def test_no_memory_in_assumptions(tmp_path: Path, replayer: Replayer, text: str) -> None:
    """Where an address lies is known on a path alone, unless a region's base tells."""
    small = Small("leave: jmp leave", ("true",), (text,))
    with pytest.raises(BadInput, match=r"must lie in a region|looks into memory, which a claim"):
        verdicts(tmp_path, small, replayer)
