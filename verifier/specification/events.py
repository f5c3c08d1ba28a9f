"""What happens on a path that a claim can speak of, and what is known of each."""

from __future__ import annotations

from enum import Enum


class EventField(Enum):
    """A word, or a mode, that an event carries; the value is its name in an expression."""

    VALUE = "value"
    OLD = "old"
    MSR = "msr"
    SOURCE = "source"
    TARGET = "target"
    FAR = "far"
    ADDRESS = "address"
    PHYSICAL = "physical"
    SIZE = "size"
    IMPLICIT = "implicit"


class Event(Enum):
    """A kind of event; the value is its name in a spec.

    The state at an event is the one just before the instruction that causes it.
    """

    CONTROL_WRITE = "control-write"
    MSR_WRITE = "msr-write"
    TRANSFER = "transfer"
    MODE_CHANGE = "mode-change"
    READ = "read"
    WRITE = "write"
    INSTRUCTION = "instruction"

    @property
    def fields(self) -> frozenset[EventField]:
        """Give the words that this kind of event carries."""
        return _FIELDS[self]

    @property
    def has_new_mode(self) -> bool:
        """Say whether ``new_mode``, the mode after the event, may be compared."""
        return self in {Event.TRANSFER, Event.MODE_CHANGE}


_ACCESS = frozenset(
    {
        EventField.ADDRESS,
        EventField.PHYSICAL,
        EventField.SIZE,
        EventField.VALUE,
        EventField.IMPLICIT,
    },
)

_FIELDS = {
    Event.CONTROL_WRITE: frozenset({EventField.VALUE, EventField.OLD}),
    Event.MSR_WRITE: frozenset({EventField.MSR, EventField.VALUE, EventField.OLD}),
    Event.TRANSFER: frozenset({EventField.SOURCE, EventField.TARGET, EventField.FAR}),
    Event.MODE_CHANGE: frozenset({EventField.SOURCE}),
    Event.READ: _ACCESS,
    Event.WRITE: _ACCESS,
    Event.INSTRUCTION: frozenset({EventField.ADDRESS, EventField.PHYSICAL, EventField.SIZE}),
}
