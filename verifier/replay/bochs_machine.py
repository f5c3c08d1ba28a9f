"""The Bochs processor of one worker: put into a start's state, run, and read back.

Two pieces of Bochs's state outlive a plain assignment: decoded instructions, and the
canonical width that only ``mov %cr4`` derives from LA57. A two-instruction stub sets both
right before each start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verifier.replay.bochs_library import (
    CONTROL_NAMES,
    GPR_NAMES,
    SEGMENT_NAMES,
    Library,
)
from verifier.replay.bochs_limits import FOUR_GIB
from verifier.replay.bochs_memory import GuestMemory
from verifier.replay.far_transfer import FarContext
from verifier.replay.page_walk import Tables

if TYPE_CHECKING:
    from verifier.replay.message import RunRequest, SegmentMessage

STUB_ADDRESS = 0x1000
STUB = bytes.fromhex("0f22e0 0f08")
"""``mov %eax, %cr4; invd``: the flush comes last, so the stub's own bytes are forgotten too."""

STUB_INSTRUCTIONS = 2
CR0_PROTECTED = 0x11
CR4_LA57 = 1 << 12
CR4_PAE_LA57 = 1 << 5 | CR4_LA57
CR0_PG, EFER_LMA = 1 << 31, 1 << 10
FLAT_CODE_32, FLAT_DATA = 0xC09B, 0xC093

ATTRIBUTE_LONG = 1 << 13
SEGMENT_ATTRIBUTES = 0xF0FF
"""Descriptor bytes 5 and 6 without the limit's upper bits, which Bochs puts between."""


class Machine:
    """The processor and memory of this process, kept between replays."""

    def __init__(self, *, has_la57: bool) -> None:
        """Start the library; the state right after is what each start is laid over."""
        self.library = Library(has_la57=has_la57)
        self.memory = GuestMemory(self.library.insert_page, self.library.remove_page)
        self.library.session.missing_page_handler = self.memory.page
        self._state: Any = self.library.cpu.state
        self._stub_left = 0
        self._stub_hooks = self.library.hooks(after_execution=self._after_stub)

    def load(self, request: RunRequest) -> None:
        """Put processor and memory into the state that ``request`` asks for."""
        self._flush(request["controls"][3])
        self.memory.reset()
        for address, data in request["memory"]:
            self.memory.write(address, data)
        self._assign(request)

    def gprs(self) -> list[int]:
        """Give the general registers in encoding order."""
        cpu = self.library.cpu
        return [getattr(cpu, name) for name in GPR_NAMES]

    @staticmethod
    def controls(state: Any) -> list[int]:  # noqa: ANN401 - the package's own type
        """Give CR0, CR2, CR3, CR4 and EFER."""
        return [getattr(state, name) for name in CONTROL_NAMES]

    @staticmethod
    def segments(state: Any) -> list[SegmentMessage]:  # noqa: ANN401 - the package's own type
        """Give the segment registers in encoding order."""
        return [_segment_message(getattr(state, name)) for name in SEGMENT_NAMES]

    @staticmethod
    def instruction_pointer(state: Any) -> int:  # noqa: ANN401 - the package's own type
        """Give the linear address of the next instruction."""
        if state.cs.attr & ATTRIBUTE_LONG:
            return int(state.rip)
        return int(state.cs.base + state.rip) % FOUR_GIB

    def tables(self, state: Any) -> Tables | None:  # noqa: ANN401 - the package's own type
        """Give the translation in force, or None under 32-bit paging, which nobody here needs."""
        if not state.cr0 & CR0_PG:
            return Tables(0, 0, self.memory.read)
        if not state.efer & EFER_LMA:
            return None
        return Tables(state.cr3, 5 if state.cr4 & CR4_LA57 else 4, self.memory.read)

    def far_context(self, state: Any, tables: Tables) -> FarContext:  # noqa: ANN401 - an object of Bochs
        """Give what decides a far transfer from here."""
        return FarContext(
            gprs=self.gprs(),
            rip=state.rip,
            cpl=state.cs.selector & 3,
            fs_base=state.fs.base,
            gs_base=state.gs.base,
            gdtr=(state.gdtr.base, state.gdtr.limit),
            tables=tables,
        )

    def _flush(self, cr4: int) -> None:
        self.memory.reset()
        self.memory.write(STUB_ADDRESS, STUB)
        flat = (0, 0, 0xFFFF_FFFF)
        segments: list[SegmentMessage] = [
            {
                "selector": flat[0],
                "base": flat[1],
                "limit": flat[2],
                "attributes": FLAT_CODE_32 if name == "cs" else FLAT_DATA,
                "present": True,
            }
            for name in SEGMENT_NAMES
        ]
        self._assign(
            {
                "steps": STUB_INSTRUCTIONS,
                "seconds": 0,
                "gprs": [cr4 & CR4_PAE_LA57, *[0] * 15],
                "rip": STUB_ADDRESS,
                "rflags": 2,
                "controls": [CR0_PROTECTED, 0, 0, 0, 0],
                "segments": segments,
                "gdtr": (0, 0),
                "idtr": (0, 0),
                "memory": [],
                "overrides": [],
            }
        )
        self._stub_left = STUB_INSTRUCTIONS
        self.library.session.run(self._stub_hooks)

    def _after_stub(self, session: Any, _cpu: int, _instruction: object) -> None:  # noqa: ANN401 - an object of Bochs
        self._stub_left -= 1
        if not self._stub_left:
            session.stop()

    def _assign(self, request: RunRequest) -> None:
        state, library = self._state, self.library
        for name, value in zip(GPR_NAMES, request["gprs"], strict=True):
            setattr(state, name, value)
        for name, value in zip(CONTROL_NAMES, request["controls"], strict=True):
            setattr(state, name, value)
        for name, segment in zip(SEGMENT_NAMES, request["segments"], strict=True):
            setattr(
                state,
                name,
                library.segment(
                    segment["selector"],
                    segment["base"],
                    segment["limit"],
                    segment["attributes"],
                    present=segment["present"],
                ),
            )
        state.rip, state.rflags = request["rip"], request["rflags"]
        state.gdtr, state.idtr = library.table(*request["gdtr"]), library.table(*request["idtr"])
        state.ldtr = library.segment(0, 0, 0, 0, present=False)
        library.cpu.state = state
        library.cpu.set_mode()
        # Entering a mode other than 64-bit has cut RSP.
        library.cpu.rsp = request["gprs"][GPR_NAMES.index("rsp")]


def _segment_message(value: Any) -> SegmentMessage:  # noqa: ANN401 - the package's own type
    return {
        "selector": value.selector,
        "base": value.base,
        "limit": value.limit,
        "attributes": value.attr & SEGMENT_ATTRIBUTES,
        "present": value.present,
    }
