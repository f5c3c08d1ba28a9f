"""Random starts around one instruction: registers, control registers, tables, segments, memory.

Linear addresses below 1 TiB are identity-mapped by large pages, but for one GiB whose pages
differ in what they allow. Most starts are ordinary; each peculiarity is rare by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.replay.build import (
    CODE_32,
    CODE_64,
    CR4_LA57,
    CR4_PAE,
    DATA,
    GDT,
    GDT_ENTRIES,
    PDPT,
    PML4,
    PML5,
    quads,
    segment,
    tables,
)
from tests.semantics.drawing import descriptor, odd_segment, rarely, value
from verifier.machine.concrete import SegmentValue, Start, TableRegister
from verifier.machine.registers import ControlRegister, Cr0, Cr4, Efer, Flag, Gpr, Mode, Segment

if TYPE_CHECKING:
    import random

CODE = 0x10_0000
DATA_AREA = 0x30_0000
STACK = 0x9_0000
ABOVE_4G = 0x12_3456_7000
FINE = 0xC000_0000
"""Linear address of the GiB with pages of 4 KiB and 2 MiB."""
FINE_FRAMES = 0x40_0000
DIRECTORY, PAGE_TABLE = 0x2_0000, 0x2_1000
TABLES = range(PML4, GDT)
"""Where a state's own bytes must not go."""
FINE_TABLES = range(DIRECTORY, PAGE_TABLE + 0x1000)
PAGE, LARGE_PAGE = 0x1000, 0x20_0000
P, RW, US, A, D, PS = 1, 2, 4, 1 << 5, 1 << 6, 1 << 7
NX = 1 << 63
FINE_PAGES = (
    *(P | RW, P | RW | A | D, P, 0, P | RW | NX, P | RW | US, P | US, P | RW),
    *(P | RW | A, P | RW | US | NX, P | RW | D, RW, P | RW, P | NX, P | RW, P | RW),
)
FINE_LARGE = (P | RW | PS, P | PS, P | RW | US | PS, P | RW | PS | 1 << 13, P | RW | PS | NX)
HARMLESS_CR4 = (Cr4.PSE, Cr4.PGE, Cr4.MCE, Cr4.OSFXSR, Cr4.UMIP, Cr4.DE, Cr4.TSD, Cr4.OSXSAVE)
FREE_CR0 = (Cr0.MP, Cr0.EM, Cr0.TS, Cr0.NE, Cr0.WP, Cr0.AM, Cr0.CD)
FREE_FLAGS = (
    *(Flag.CF, Flag.PF, Flag.AF, Flag.ZF, Flag.SF, Flag.DF, Flag.OF, Flag.NT),
    *(Flag.AC, Flag.ID),
)


@dataclass(slots=True)
class Setting:
    """A start that is still being put together.

    ``identical`` keeps addresses out of the pages that are not mapped to themselves.
    """

    source: random.Random
    mode: Mode
    gprs: dict[Gpr, int]
    controls: dict[ControlRegister, int]
    segments: dict[Segment, SegmentValue]
    memory: dict[int, bytes]
    gdtr: TableRegister
    idtr: TableRegister
    rflags: int = 2
    rip: int = CODE
    descriptors: list[int] = field(default_factory=list)
    steps: int = 1
    identical: bool = False

    @property
    def width(self) -> int:
        """Give the width of an address in this mode."""
        return 64 if self.mode.is_64 else 32

    @property
    def paged(self) -> bool:
        """Say whether paging is on."""
        return self.mode is not Mode.PROTECTED_32

    def address(self) -> int:
        """Give a linear address that an instruction may access."""
        return (_plain_address if self.identical else address)(self.source, self.mode)

    def put(self, linear: int, data: bytes) -> None:
        """Put bytes where a linear address leads if its page is mapped as most are."""
        fine = linear - FINE
        physical = FINE_FRAMES + fine if self.paged and 0 <= fine < LARGE_PAGE else linear
        tables = self.identical and TABLES.start - len(data) < physical < TABLES.stop
        if 0 <= physical < 1 << 39 and not tables:
            self.memory[physical] = data

    def set(self, register: Gpr, number: int) -> None:
        """Set a register; 32-bit code gets some upper half."""
        upper = 0 if self.mode.is_64 else self.gprs[register] & ~0xFFFF_FFFF
        self.gprs[register] = number % (1 << 64) if self.mode.is_64 else upper | number % (1 << 32)

    def start(self) -> Start:
        """Give the start."""
        gprs = dict(self.gprs)
        if not self.mode.is_64:
            # Bochs cuts RSP where 64-bit mode is left, so it never has more in 32-bit code.
            gprs[Gpr.RSP] %= 1 << 32
        return Start(
            gprs=gprs,
            rip=self.rip,
            rflags=self.rflags,
            controls=dict(self.controls),
            segments=dict(self.segments),
            gdtr=self.gdtr,
            idtr=self.idtr,
            memory=dict(self.memory),
        )


def address(source: random.Random, mode: Mode) -> int:
    """Give a linear address: mostly of plain memory, sometimes where an access is peculiar."""
    chance = source.random()
    if chance < 0.6:
        return DATA_AREA + source.randrange(0x2000)
    if chance < 0.7:
        page = source.randrange(len(FINE_PAGES)) * PAGE
        return FINE + page + source.choice((source.randrange(PAGE), PAGE - source.randrange(1, 9)))
    if chance < 0.75:
        large = (1 + source.randrange(len(FINE_LARGE))) * LARGE_PAGE
        return FINE + large + source.randrange(LARGE_PAGE - 8)
    if chance < 0.78:
        return source.choice((0, 0xFFFF_FFF0, 0xFFFF_FFF8, 0xFFFF_FFFC, 0xFFFF_FFFF))
    if not mode.is_64:
        return DATA_AREA + source.randrange(0x2000)
    if chance < 0.9:
        return ABOVE_4G + source.randrange(PAGE)
    edge = 1 << source.choice((40, 47, 47, 56, 63))
    edge = source.choice((edge, -edge)) + source.randrange(-9, 9)
    return edge % (1 << 64)


def _plain_address(source: random.Random, mode: Mode) -> int:
    """Give a linear address that is mapped to itself, or not canonical, or at the end of 4G."""
    chance = source.random()
    if chance < 0.85:
        return DATA_AREA + int(chance * (1 << 40)) % 0x2000
    if chance < 0.87:
        return source.choice((0, 0xFFFF_FFF0, 0xFFFF_FFF8, 0xFFFF_FFFC, 0xFFFF_FFFF))
    if not mode.is_64:
        return DATA_AREA + source.randrange(0x2000)
    if chance < 0.95:
        return ABOVE_4G + source.randrange(PAGE)
    edge = 1 << source.choice((47, 47, 56, 63))
    return (source.choice((edge, -edge)) + source.randrange(-9, 9)) % (1 << 64)


def setting(source: random.Random, mode: Mode) -> Setting:
    """Give a random setting in ``mode``."""
    made = Setting(
        source=source,
        mode=mode,
        gprs={register: value(source) for register in Gpr},
        controls=_controls(source, mode),
        segments=_segments(source, mode),
        memory=dict(tables()),
        gdtr=TableRegister(GDT, 0),
        idtr=TableRegister(value(source, 32), value(source, 16)),
        descriptors=[*GDT_ENTRIES, *(descriptor(source) for _ in range(11))],
    )
    for flag in FREE_FLAGS:
        made.rflags |= source.getrandbits(1) << flag
    made.rflags |= source.choice((0, 0, 1, 3)) << 12
    _lay_tables(made)
    _lay_gdt(made)
    made.rip = _code_address(made)
    made.memory[DATA_AREA] = source.randbytes(0x2008)
    made.set(Gpr.RSP, STACK - 0x80 + source.randrange(0x40) * source.choice((8, 4, 1)))
    made.memory[STACK - 0x100] = source.randbytes(0x280)
    return made


def _controls(source: random.Random, mode: Mode) -> dict[ControlRegister, int]:
    cr0, cr4, efer = 1 << Cr0.PE | 1 << Cr0.ET, 0, 0
    cr0 |= sum(rarely(source, 0.3) << bit for bit in FREE_CR0)
    cr4 |= sum(rarely(source, 0.3) << bit for bit in HARMLESS_CR4)
    cr4 |= rarely(source) << Cr4.SMEP | rarely(source) << Cr4.SMAP
    cr4 |= rarely(source) << Cr4.FSGSBASE
    cr3, deep = PML4, rarely(source, 0.3)
    if mode is Mode.PROTECTED_32:
        efer = rarely(source, 0.4) << Efer.LME
        cr4 |= rarely(source, 0.7) << Cr4.PAE | deep << Cr4.LA57
        cr3 = source.choice((0, PML4, PML5, value(source, 32)))
    else:
        cr0 |= 1 << Cr0.PG
        efer = 1 << Efer.LME | 1 << Efer.LMA
        cr4 |= CR4_PAE | (CR4_LA57 if deep else 0) | rarely(source) << Cr4.PCIDE
        cr3 = PML5 if deep else PML4
        cr3 |= source.getrandbits(12) if rarely(source) else 0
    efer |= rarely(source, 0.7) << Efer.NXE | rarely(source, 0.3) << Efer.SCE
    return {
        ControlRegister.CR0: cr0,
        ControlRegister.CR2: value(source),
        ControlRegister.CR3: cr3,
        ControlRegister.CR4: cr4,
        ControlRegister.EFER: efer,
    }


def _segments(source: random.Random, mode: Mode) -> dict[Segment, SegmentValue]:
    chosen = dict.fromkeys(Segment, segment(DATA, 0x3))
    if mode.is_64:
        chosen[Segment.CS] = segment(CODE_64, 0xB, long=True)
    else:
        chosen[Segment.CS] = segment(CODE_32, 0xB)
        if rarely(source, 0.05):
            base = source.choice((0x1000, 0x10, 0))
            chosen[Segment.CS] = replace(chosen[Segment.CS], base=base, limit=CODE + 0x7FFF)
    for name in (Segment.ES, Segment.SS, Segment.DS, Segment.FS, Segment.GS):
        if rarely(source, 0.1):
            chosen[name] = odd_segment(source, name, chosen[name])
    return chosen


def _lay_tables(made: Setting) -> None:
    source = made.source
    mapped = [
        FINE_FRAMES + number * PAGE | flags if flags & P else flags
        for number, flags in enumerate(FINE_PAGES)
    ]
    if rarely(source, 0.2):
        mapped[7] = FINE_FRAMES + 0x20_0000 | P | RW
    directory = [PAGE_TABLE | P | RW]
    directory += [
        (0x60_0000 + number * LARGE_PAGE) | flags for number, flags in enumerate(FINE_LARGE)
    ]
    accessed = A if rarely(source, 0.7) else 0
    spoiled = source.choice((RW, US, NX, PS, P, A)) if rarely(source) else 0
    made.memory[PAGE_TABLE] = quads(*mapped)
    made.memory[DIRECTORY] = quads(*directory)
    made.memory[PDPT + 8 * 3] = quads(DIRECTORY | P | RW | accessed)
    below = P | RW | accessed
    at = source.choice((PML4, PML5, DIRECTORY, PDPT + 8 * 3))
    made.memory[PML4] = quads(PDPT | below, PDPT + PAGE | below)
    made.memory[PML5] = quads(PML4 | below)
    if spoiled:
        old = int.from_bytes(made.memory[at][:8], "little")
        made.memory[at] = quads(old ^ spoiled) + made.memory[at][8:]


def _lay_gdt(made: Setting) -> None:
    source = made.source
    base = GDT
    if rarely(source) and made.mode.is_64:
        base = ABOVE_4G + 0x2000 + source.randrange(8)
    elif rarely(source):
        base = FINE + source.randrange(len(FINE_PAGES)) * PAGE + source.choice((0, PAGE - 0x14))
    limit = 8 * len(made.descriptors) - 1
    if rarely(source):
        limit = source.randrange(0x10, 0x80)
    made.gdtr = TableRegister(base, limit)
    made.put(base, quads(*made.descriptors))


def _code_address(made: Setting) -> int:
    source = made.source
    if made.paged and rarely(source, 0.06):
        page = source.randrange(len(FINE_PAGES))
        return FINE + page * PAGE + source.choice((0, PAGE - source.randrange(1, 9)))
    if made.mode.is_64 and rarely(source, 0.2):
        return ABOVE_4G + 0x8000 + source.randrange(0x40)
    return CODE + source.randrange(0x1000)
