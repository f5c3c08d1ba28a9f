"""The four answers to a claim."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """What became of one claim under one processor model; the value is how it is written."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    UNKNOWN = "UNKNOWN"
    VACUOUS = "VACUOUS"
