"""Random states around one instance of an instruction, drawn fast: what they share is fixed.

Code, descriptors, page tables and most of memory are a batch's; registers, flags, control
bits, segments and the operands' bytes are drawn anew for each state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.differential.vector import GPRS, NAMES, vector_of
from tests.replay.build import (
    CR4_LA57,
    GDT,
    GDT_ENTRIES,
    PDPT,
    PML4,
    PML5,
    compatibility_mode,
    long_mode,
    protected_mode,
    quads,
    tables,
)
from tests.semantics.drawing import EDGES, WIDE_EDGES, descriptor, odd_segment
from tests.semantics.encoding import name_of
from tests.semantics.scenes import lay_operand_bytes, lay_scene, shaped_instance
from tests.semantics.starts import (
    ABOVE_4G,
    CODE,
    DATA_AREA,
    FREE_CR0,
    FREE_FLAGS,
    HARMLESS_CR4,
    PAGE,
    STACK,
    A,
    D,
    Setting,
)
from verifier.machine.concrete import TableRegister
from verifier.machine.ram import Ram
from verifier.machine.registers import ControlRegister, Cr4, Efer, Gpr, Mode, Segment
from verifier.replay.bochs_models import BOCHS_PHYSICAL_BITS

if TYPE_CHECKING:
    import random

    from tests.differential.expressions import Byte
    from tests.differential.judge import Deltas
    from tests.differential.vector import Registers
    from tests.semantics.encoding import Entry, Instance
    from verifier.machine.concrete import SegmentValue, Start

EDGE_VALUES = tuple(number % (1 << 64) for number in (*EDGES, *WIDE_EDGES))
FLAG_MASK = sum(1 << flag for flag in FREE_FLAGS)
CR0_MASK = sum(1 << position for position in FREE_CR0)
CR4_MASK = sum(1 << position for position in (*HARMLESS_CR4, Cr4.SMEP, Cr4.SMAP, Cr4.FSGSBASE))
EFER_MASK = 1 << Efer.NXE | 1 << Efer.SCE
IOPL = (0, 0, 1 << 12, 3 << 12)
DATA_SEGMENTS = (Segment.ES, Segment.SS, Segment.DS, Segment.FS, Segment.GS)
SEGMENT_PARTS = frozenset(name for name in NAMES if "." in name and "dtr" not in name)
CODE_PARTS = frozenset(name for name in SEGMENT_PARTS if name.startswith("cs."))


@dataclass(frozen=True, slots=True)
class State:
    """One state: its registers, and its bytes by physical address where they are its own."""

    vector: Registers
    deltas: Deltas
    made: Setting


class Scenery:
    """An instance of an entry in a mode, and all that its states share.

    In a scenery that is ``odd`` data segments are drawn too; else they are flat.
    """

    def __init__(self, source: random.Random, entry: Entry, mode: Mode, *, odd: bool) -> None:
        """Draw the instance, the descriptors and where the code lies."""
        self.source, self.entry, self.mode, self.odd = source, entry, mode, odd
        self._base = _base(source, mode)
        self.instance: Instance = shaped_instance(self._base, entry)
        self.raw = self.instance.raw
        self._places = _places(source, mode)
        self.memory = _memory(self._base, self._places, self.raw)
        self.ram = Ram(1 << BOCHS_PHYSICAL_BITS, self.memory)
        fixed = CODE_PARTS if odd else SEGMENT_PARTS
        fixed |= set() if mode is Mode.PROTECTED_32 else {"cr3"}
        self.varied = [name for name in NAMES if name not in fixed]

    def __str__(self) -> str:
        """Give the entry, the mode and the bytes."""
        return f"{name_of(self.entry)} in {self.mode.value}: {self.raw.hex(' ')}"

    def reader(self, state: State) -> Byte:
        """Give what tells the bytes of a state's memory."""
        if not state.deltas:
            return self.ram.__getitem__
        shared = self.ram
        own = {address + at: byte for address, data in state.deltas for at, byte in enumerate(data)}
        return lambda address: own[address] if address in own else shared[address]

    def state(self) -> State:
        """Draw a state."""
        made = self._drawn()
        if self.source.random() < 0.5:
            edge = self.source.choice(EDGE_VALUES).to_bytes(8, "little")
            lay_operand_bytes(made, self.instance, edge)
        lay_scene(made, self.entry, self.instance)
        return State(vector_of(made), list(made.memory.items()), made)

    def start(self, state: State) -> Start:
        """Give a state as a replay's start."""
        return replace(state.made.start(), memory=self.memory | dict(state.deltas))

    def _drawn(self) -> Setting:
        source, base = self.source, self._base
        drawn = source.getrandbits(1024)
        gprs = {register: drawn >> 64 * register & 0xFFFF_FFFF_FFFF_FFFF for register in GPRS}
        for register in source.choices(GPRS, k=source.choice((0, 4, 12))):
            gprs[register] = source.choice(EDGE_VALUES)
        made = replace(
            base,
            gprs=gprs,
            controls=self._controls(),
            segments=self._segments() if self.odd else base.segments,
            memory={},
            gdtr=self._table() if source.random() < 0.05 else base.gdtr,
            idtr=TableRegister(source.getrandbits(32), source.getrandbits(16)),
            rip=source.choice(self._places),
            rflags=2 | source.getrandbits(22) & FLAG_MASK | source.choice(IOPL),
        )
        made.set(Gpr.RSP, STACK - 0x80 + source.randrange(0x40) * source.choice((8, 4, 1)))
        return made

    def _controls(self) -> dict[ControlRegister, int]:
        source, base = self.source, self._base.controls
        free = source.getrandbits(64)
        cr4 = base[ControlRegister.CR4] | free & CR4_MASK
        cr3 = base[ControlRegister.CR3]
        efer = base[ControlRegister.EFER] | free & EFER_MASK
        if self.mode is Mode.PROTECTED_32:
            efer |= (free >> 40 & 1) << Efer.LME
            cr4 |= (free >> 41 & 1) << Cr4.PAE | (free >> 42 & 1) << Cr4.LA57
            cr3 = source.choice((cr3, source.getrandbits(32)))
        elif source.random() < 0.1:
            cr4 |= 1 << Cr4.PCIDE
        return {
            ControlRegister.CR0: base[ControlRegister.CR0] | free & CR0_MASK,
            ControlRegister.CR2: free,
            ControlRegister.CR3: cr3,
            ControlRegister.CR4: cr4,
            ControlRegister.EFER: efer,
        }

    def _segments(self) -> dict[Segment, SegmentValue]:
        segments = dict(self._base.segments)
        for name in DATA_SEGMENTS:
            if self.source.random() < 0.25:
                segments[name] = odd_segment(self.source, name, segments[name])
        return segments

    def _table(self) -> TableRegister:
        return TableRegister(self._base.gdtr.base, self.source.randrange(0x10, 0x80))


STARTS = {
    Mode.LONG_64: long_mode,
    Mode.COMPATIBILITY: compatibility_mode,
    Mode.PROTECTED_32: protected_mode,
}


def _base(source: random.Random, mode: Mode) -> Setting:
    """Give a setting with flat segments and random descriptors, under 4 or 5 levels."""
    start = STARTS[mode](b"")
    controls = dict(start.controls)
    if mode is not Mode.PROTECTED_32 and source.random() < 0.3:
        controls[ControlRegister.CR4] |= CR4_LA57
        controls[ControlRegister.CR3] = PML5
    if source.random() < 0.1:
        controls[ControlRegister.CR3] |= source.getrandbits(12)
    far = mode.is_64 and source.random() < 0.2
    descriptors = [*GDT_ENTRIES, *(descriptor(source) for _ in range(11))]
    table = ABOVE_4G + 0x2000 + source.randrange(8) if far else GDT
    return Setting(
        source=source,
        mode=mode,
        gprs=dict.fromkeys(Gpr, 0),
        controls=controls,
        segments=dict(start.segments),
        memory={},
        gdtr=TableRegister(table, 8 * len(descriptors) - 1),
        idtr=TableRegister(0, 0),
        rip=CODE,
        descriptors=descriptors,
        identical=True,
    )


def _memory(base: Setting, places: list[int], raw: bytes) -> dict[int, bytes]:
    marked = {
        address: quads(*(entry | A | D for entry in _words(data)))
        for address, data in tables().items()
        if address in {PML4, PDPT, PML5}
    }
    gdt = {base.gdtr.base: quads(*base.descriptors)}
    data = {DATA_AREA: base.source.randbytes(0x2008), STACK - 0x100: base.source.randbytes(0x280)}
    return marked | gdt | data | dict.fromkeys(places, raw)


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]


def _places(source: random.Random, mode: Mode) -> list[int]:
    """Give where the code lies: in a page, across two, and in 64-bit mode above 4G."""
    places = [CODE + source.randrange(PAGE // 2), CODE + 2 * PAGE - source.randrange(1, 15)]
    return [*places, ABOVE_4G + 0x8000 + source.randrange(0x40)] if mode.is_64 else places
