"""Names of the registers and of their bits, as the processor manuals give them."""

from __future__ import annotations

from enum import Enum, IntEnum


class Gpr(IntEnum):
    """A 64-bit general register; the value is its number in an instruction's encoding."""

    RAX = 0
    RCX = 1
    RDX = 2
    RBX = 3
    RSP = 4
    RBP = 5
    RSI = 6
    RDI = 7
    R8 = 8
    R9 = 9
    R10 = 10
    R11 = 11
    R12 = 12
    R13 = 13
    R14 = 14
    R15 = 15


LEGACY_GPRS = tuple(Gpr(number) for number in range(8))
"""The eight registers that 32-bit code can name."""


class Flag(IntEnum):
    """A bit of RFLAGS that is modelled; the value is its position."""

    CF = 0
    PF = 2
    AF = 4
    ZF = 6
    SF = 7
    TF = 8
    IF = 9
    DF = 10
    OF = 11
    NT = 14
    RF = 16
    VM = 17
    AC = 18
    VIF = 19
    VIP = 20
    ID = 21


STATUS_FLAGS = (Flag.CF, Flag.PF, Flag.AF, Flag.ZF, Flag.SF, Flag.OF)
"""The flags that arithmetic writes."""


class Segment(IntEnum):
    """A segment register; the value is its number in an instruction's encoding."""

    ES = 0
    CS = 1
    SS = 2
    DS = 3
    FS = 4
    GS = 5


class ControlRegister(Enum):
    """A register that holds modes and the root of the page tables, each 64 bits wide."""

    CR0 = "cr0"
    CR2 = "cr2"
    CR3 = "cr3"
    CR4 = "cr4"
    EFER = "efer"


class Cr0(IntEnum):
    """Bits of CR0, by position."""

    PE = 0
    MP = 1
    EM = 2
    TS = 3
    ET = 4
    NE = 5
    WP = 16
    AM = 18
    NW = 29
    CD = 30
    PG = 31


class Cr4(IntEnum):
    """Bits of CR4, by position."""

    VME = 0
    PVI = 1
    TSD = 2
    DE = 3
    PSE = 4
    PAE = 5
    MCE = 6
    PGE = 7
    PCE = 8
    OSFXSR = 9
    OSXMMEXCPT = 10
    UMIP = 11
    LA57 = 12
    VMXE = 13
    SMXE = 14
    FSGSBASE = 16
    PCIDE = 17
    OSXSAVE = 18
    KL = 19
    SMEP = 20
    SMAP = 21
    PKE = 22
    CET = 23
    PKS = 24


class Efer(IntEnum):
    """Bits of the EFER model-specific register, by position."""

    SCE = 0
    LME = 8
    LMA = 10
    NXE = 11
    SVME = 12
    LMSLE = 13
    FFXSR = 14
    TCE = 15


EFER_MSR = 0xC000_0080
"""The number of EFER for rdmsr and wrmsr."""


class Vector(IntEnum):
    """An exception, by its number in the interrupt descriptor table."""

    DE = 0
    DB = 1
    BP = 3
    OF = 4
    UD = 6
    NM = 7
    DF = 8
    TS = 10
    NP = 11
    SS = 12
    GP = 13
    PF = 14
    AC = 17
    MC = 18
    CP = 21

    @property
    def mnemonic(self) -> str:
        """Give the manuals' short name, as in ``#GP``."""
        return f"#{self.name}"


class Mode(Enum):
    """How instructions are decoded; the value is the manuals' name."""

    LONG_64 = "64-bit mode"
    COMPATIBILITY = "compatibility mode"
    PROTECTED_32 = "32-bit protected mode"

    @property
    def is_64(self) -> bool:
        """Say whether addresses and near branches are 64 bits wide."""
        return self is Mode.LONG_64
