"""The engine that the tests of semantics share, for these too."""

from __future__ import annotations

from tests.semantics.conftest import replayer

__all__ = ["replayer"]
