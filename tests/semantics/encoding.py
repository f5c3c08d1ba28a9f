"""An encoder of random instances of a form: prefixes, REX, ModRM, SIB, displacement, immediate.

It shares nothing with the decoder under test but the tables' opcodes and their names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from verifier.machine.registers import Gpr, Mode
from verifier.semantics.forms import Form
from verifier.semantics.instruction import Prefix
from verifier.semantics.rows import Row

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

Entry = Row | Form

W, R, X, B = 8, 4, 2, 1
NO_INDEX = 4
DISPLACEMENT_ONLY = 5
SIB_FOLLOWS = 4
INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000)

ONE_BYTE_WITHOUT_MODRM = frozenset(
    {
        *(high | low for high in range(0, 0x40, 8) for low in (4, 5)),
        *(*range(0x40, 0x60), 0x68, 0x6A, *range(0x70, 0x80), *range(0x90, 0xA0)),
        *(*range(0xA4, 0xC0), 0xC3, 0xCA, 0xCB, 0xE8, 0xE9, 0xEA, 0xEB),
        *(0xF4, 0xF5, *range(0xF8, 0xFE)),
    }
)
"""First opcode bytes after which no ModRM comes (SDM vol. 2, "Opcode Map")."""
TWO_BYTE_WITHOUT_MODRM = frozenset(
    [0x09, 0x0B, 0x30, 0x32, 0xA2, *range(0x80, 0x90), *range(0xC8, 0xD0)]
)


@dataclass(frozen=True, slots=True)
class Operand:
    """What ModRM, SIB and displacement say: a register, or memory by its parts.

    ``displacement_size`` is 0, 1 or 4; ``relative`` means relative to RIP.
    """

    register: int | None = None
    base: int | None = None
    index: int | None = None
    scale: int = 0
    displacement: int = 0
    displacement_size: int = 0
    relative: bool = False

    def address(self, gprs: Mapping[Gpr, int], following: int, mode: Mode) -> int:
        """Give the effective address, before any segment base."""
        total = self.displacement + (following if self.relative else 0)
        total += 0 if self.base is None else gprs[Gpr(self.base)]
        total += 0 if self.index is None else gprs[Gpr(self.index)] << self.scale
        return total % (1 << (64 if mode.is_64 else 32))


@dataclass(frozen=True, slots=True)
class Instance:
    """One instruction before it is bytes."""

    prefixes: bytes
    rex: int
    opcode: bytes
    reg: int
    operand: Operand | None
    immediate: bytes

    @property
    def raw(self) -> bytes:
        """Give the bytes."""
        rex, tail = self.rex, b""
        if self.operand is not None:
            bits, tail = _modrm(self.operand, self.reg)
            rex |= bits | (R if self.reg & 8 else 0)
            rex |= 0x40 if rex else 0
        return self.prefixes + (bytes([rex]) if rex else b"") + self.opcode + tail + self.immediate

    def at(self, displacement: int) -> Instance:
        """Give the instance with another displacement of the same size."""
        if self.operand is None:
            return self
        return replace(self, operand=replace(self.operand, displacement=displacement))


def _modrm(operand: Operand, reg: int) -> tuple[int, bytes]:
    middle = (reg & 7) << 3
    if operand.register is not None:
        rex = B if operand.register & 8 else 0
        return rex, bytes([0xC0 | middle | operand.register & 7])
    size = operand.displacement_size
    displacement = operand.displacement.to_bytes(size, "little", signed=True)
    mod = 0 if operand.base is None or not size else (0x40 if size == 1 else 0x80)
    if operand.relative:
        return 0, bytes([middle | DISPLACEMENT_ONLY]) + displacement
    if operand.base is not None and operand.index is None and operand.base & 7 != SIB_FOLLOWS:
        rex = B if operand.base & 8 else 0
        return rex, bytes([mod | middle | operand.base & 7]) + displacement
    base = DISPLACEMENT_ONLY if operand.base is None else operand.base
    index = NO_INDEX if operand.index is None else operand.index
    rex = (B if base & 8 else 0) | (X if index & 8 else 0)
    sib = operand.scale << 6 | (index & 7) << 3 | base & 7
    return rex, bytes([mod | middle | SIB_FOLLOWS, sib]) + displacement


def has_modrm(opcode: bytes) -> bool:
    """Say whether a ModRM byte follows the opcode."""
    if len(opcode) == 1:
        return opcode[0] not in ONE_BYTE_WITHOUT_MODRM
    return opcode[1] not in TWO_BYTE_WITHOUT_MODRM


def modes_of(entry: Entry) -> tuple[Mode, ...]:
    """Give the modes in which an entry of the tables exists."""
    if isinstance(entry, Row):
        return tuple(mode for mode in Mode if mode in entry.modes)
    if entry.wide_only:
        return (Mode.LONG_64,)
    return tuple(mode for mode in Mode if not (entry.legacy_only and mode.is_64))


def name_of(entry: Entry) -> str:
    """Give the manual's form and its opcode line, which is unique."""
    name = entry.form if isinstance(entry, Row) else entry.name
    return f"{name} [{entry.line}]"


def random_instance(source: random.Random, entry: Entry, mode: Mode) -> Instance:
    """Give an instance of ``entry`` in ``mode``."""
    prefixes = _random_prefixes(source, entry)
    rex = 0
    if mode.is_64 and source.random() < 0.6:
        rex = 0x40 | source.choice((0, W, W, W | R | B, source.randrange(16)))
    if isinstance(entry, Form) and entry.without_rex_b:
        rex &= ~B
    if isinstance(entry, Form) and entry.wide_only:
        rex |= 0x40 | W
    operand, reg = None, 0
    if has_modrm(entry.opcode):
        rex &= 0x40 | W
        operand = _random_operand(source, entry, mode)
        reg = source.randrange(16 if mode.is_64 else 8)
        if entry.digit is not None:
            reg = entry.digit
    size = _immediate_size(entry, bytes([Prefix.OPERAND_SIZE.value]) in prefixes, bool(rex & W))
    return Instance(prefixes, rex, entry.opcode, reg, operand, random_bytes(source, size))


def random_bytes(source: random.Random, size: int) -> bytes:
    """Give ``size`` bytes, often of a number at an edge."""
    if not size:
        return b""
    number = source.choice((*INTERESTING, -1, -2, -128, source.getrandbits(8 * size)))
    return (number % (1 << 8 * size)).to_bytes(size, "little")


def _random_prefixes(source: random.Random, entry: Entry) -> bytes:
    if isinstance(entry, Form) and Prefix.REP in entry.prefixes:
        return bytes([Prefix.REP.value])
    allowed = sorted(prefix.value for prefix in entry.prefixes)
    chosen = [value for value in allowed if source.random() < 0.4]
    if chosen and source.random() < 0.1:
        chosen.append(source.choice(chosen))
    source.shuffle(chosen)
    return bytes(chosen)


def _allows(entry: Entry) -> tuple[bool, bool]:
    if isinstance(entry, Row):
        restriction = entry.register_operand
        return restriction is not False, restriction is not True
    return not entry.memory_only, not entry.register_only


def _random_operand(source: random.Random, entry: Entry, mode: Mode) -> Operand:
    count = 16 if mode.is_64 else 8
    register, memory = _allows(entry)
    if entry.opcode in (b"\x0f\x20", b"\x0f\x22"):
        memory = False
    if register and (not memory or source.random() < 0.45):
        return Operand(register=source.randrange(count))
    if source.random() < 0.2:
        relative = mode.is_64 and source.random() < 0.7
        index = source.choice([None, *(number for number in range(count) if number != NO_INDEX)])
        return Operand(
            index=None if relative else index,
            scale=0 if relative or index is None else source.randrange(4),
            displacement=source.randrange(-(1 << 31), 1 << 31),
            displacement_size=4,
            relative=relative,
        )
    base = source.randrange(count)
    index = None
    if source.random() < 0.4:
        index = source.choice([number for number in range(count) if number != NO_INDEX])
    size = source.choice((0, 1, 4))
    if base & 7 == DISPLACEMENT_ONLY and not size:
        size = 1
    return Operand(
        base=base,
        index=index,
        scale=0 if index is None else source.randrange(4),
        displacement=source.randrange(-(1 << 8 * size - 1), 1 << 8 * size - 1) if size else 0,
        displacement_size=size,
    )


def _immediate_size(entry: Entry, short: bool, wide: bool) -> int:
    name = entry.form if isinstance(entry, Row) else entry.name
    last = name.split()[-1].split(",")[-1]
    fixed = {"imm8": 1, "rel8": 1, "imm16": 2, "rel32": 4, "imm32": 4, "ptr16:32": 6}
    if last in fixed:
        return fixed[last]
    if last != "imm":
        return 0
    if wide:
        return 8 if entry.opcode[0] & 0xF8 == 0xB8 else 4
    return 2 if short else 4
