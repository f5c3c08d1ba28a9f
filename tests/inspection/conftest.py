"""A small kernel, assembled once, whose labels say what inspection must find."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.loading import Image, ImageDescription, Kind, load

SOURCE = Path(__file__).with_name("kernel.S")


@pytest.fixture(scope="session")
def small() -> Image:
    """Give the small kernel with the labels of its source."""
    return load(ImageDescription(Kind.SOURCE, SOURCE))
