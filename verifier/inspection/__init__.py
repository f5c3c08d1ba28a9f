"""What is in an image without symbols: mode switches, the trampoline, and who copies it."""

from verifier.inspection.find import find_labels, inspect, look
from verifier.inspection.finding import (
    Descriptor,
    Direction,
    Finding,
    Gdt,
    Inspection,
    Switch,
)

__all__ = [
    "Descriptor",
    "Direction",
    "Finding",
    "Gdt",
    "Inspection",
    "Switch",
    "find_labels",
    "inspect",
    "look",
]
