"""A counterexample on another CPU: Bochs in a worker process, QEMU where it is installed.

The names below load on first use: a worker process imports this package too, and what the
main process needs would double the time until it is ready.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verifier.replay.bochs_models import (
        BOCHS_CR4_SUPPORTED,
        BOCHS_EFER_SUPPORTED,
        BOCHS_PHYSICAL_BITS,
        BochsModel,
        CpuidResult,
        bochs_model,
    )
    from verifier.replay.engine import (
        Engine,
        NotRepresentable,
        ReplayFailed,
        available,
        engine_version,
    )
    from verifier.replay.replayer import Replayer

__all__ = [
    "BOCHS_CR4_SUPPORTED",
    "BOCHS_EFER_SUPPORTED",
    "BOCHS_PHYSICAL_BITS",
    "BochsModel",
    "CpuidResult",
    "Engine",
    "NotRepresentable",
    "ReplayFailed",
    "Replayer",
    "available",
    "bochs_model",
    "engine_version",
]

_HOMES = ("replayer", "engine", "bochs_models")


def __getattr__(name: str) -> object:
    """Give a public name from the module that defines it."""
    if name in __all__:
        for home in _HOMES:
            module = importlib.import_module(f"{__name__}.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
