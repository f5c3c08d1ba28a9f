"""What rows need of a state to get past their first check: operands, frames, selectors.

What an instance is, is chosen by its row's shape; what a state holds for it, by its scene.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.semantics.drawing import rarely
from tests.semantics.encoding import Entry, Instance, random_instance
from tests.semantics.starts import CODE, DATA_AREA, FINE, PAGE, Setting
from verifier.machine.registers import EFER_MSR, ControlRegister, Gpr, Segment
from verifier.replay.bochs_models import bochs_model
from verifier.semantics.rows import Row

if TYPE_CHECKING:
    import random


SELECTORS = 16
CONTROL_NUMBERS = {
    0: ControlRegister.CR0,
    2: ControlRegister.CR2,
    3: ControlRegister.CR3,
    4: ControlRegister.CR4,
}
Scene = Callable[[Setting, Instance], None]
"""Lays out what one row needs of a state."""
Shape = Callable[[Setting, Instance], Instance]
"""Gives an instance of a row the fields that its meaning turns on."""


def shaped_instance(made: Setting, entry: Entry) -> Instance:
    """Give an instance of ``entry`` whose operand, where no register moves it, is at hand."""
    instance = random_instance(made.source, entry, made.mode)
    shape = SHAPES.get(form_of(entry))
    if shape is not None:
        instance = shape(made, instance)
    operand = instance.operand
    if operand is None or operand.register is not None:
        return instance
    if operand.base is not None and operand.base == operand.index:
        return replace(instance, operand=replace(operand, index=None, scale=0))
    if operand.base is not None:
        return instance
    displacement = (operand.displacement + _missing(made, instance)) % (1 << 32)
    return instance.at(displacement - (1 << 32 if displacement >> 31 else 0))


def lay_scene(made: Setting, entry: Entry, instance: Instance) -> None:
    """Lay out what an instance of ``entry`` needs of a state."""
    operand = instance.operand
    if operand is not None and operand.base is not None and not rarely(made.source, 0.05):
        register = Gpr(operand.base)
        made.set(register, made.gprs[register] + _missing(made, instance))
    scene = SCENES.get(form_of(entry))
    if scene is not None:
        scene(made, instance)


def form_of(entry: Entry) -> str:
    """Give the manual's form."""
    return entry.form if isinstance(entry, Row) else entry.name


def _missing(made: Setting, instance: Instance) -> int:
    """Give how far a memory operand is below an address that is worth an access."""
    assert instance.operand is not None
    target = made.address()
    stack = instance.operand.base in (Gpr.RSP, Gpr.RBP)
    if not made.mode.is_64:
        target -= made.segments[Segment.SS if stack else Segment.DS].base
    following = made.rip + len(instance.raw)
    return target - instance.operand.address(made.gprs, following, made.mode)


def lay_operand_bytes(made: Setting, instance: Instance, data: bytes) -> None:
    """Put bytes where an instance's memory operand is."""
    operand = instance.operand
    if operand is None or operand.register is not None:
        return
    following = made.rip + len(instance.raw)
    offset = operand.address(made.gprs, following, made.mode)
    if not made.mode.is_64:
        stack = operand.base in (Gpr.RSP, Gpr.RBP)
        offset += made.segments[Segment.SS if stack else Segment.DS].base
    made.put(offset, data)


def selector(source: random.Random) -> int:
    """Give a selector, most often a plain one of the GDT."""
    if rarely(source, 0.05):
        return source.randrange(4)
    privilege = source.randrange(4) if rarely(source) else 0
    local = 4 if rarely(source, 0.02) else 0
    index = source.randrange(1, SELECTORS + 1) if rarely(source, 0.6) else source.randrange(1, 5)
    return index << 3 | local | privilege


def target(made: Setting) -> int:
    """Give where a transfer may go."""
    source = made.source
    if rarely(source, 0.3):
        return made.address()
    return source.choice((CODE, DATA_AREA, FINE, 0xFFFF, 0x1_0000)) + source.randrange(PAGE)


def _near(source: random.Random, number: int, width: int) -> int:
    flips = source.choice((0, 1, 1, 1, 2, 3))
    for _ in range(flips):
        number ^= 1 << source.randrange(width)
    return number


def _numbered_control(made: Setting, instance: Instance) -> Instance:
    source = made.source
    reg = source.randrange(16) if rarely(source) else source.choice(tuple(CONTROL_NUMBERS))
    return replace(instance, reg=reg if made.mode.is_64 else reg & 7)


def _move_to_control(made: Setting, instance: Instance) -> None:
    source = made.source
    register = CONTROL_NUMBERS.get(instance.reg)
    operand = instance.operand
    if register is None or operand is None or operand.register is None:
        return
    number = made.controls[register]
    likely = (1 << 31, 1 << 31 | 1, 1 << 16, 1 << 29, 1 << 30, 1 << 5, 1 << 12, 1 << 17, 1)
    number ^= source.choice((0, *likely))
    if rarely(source, 0.3) or register is ControlRegister.CR3:
        number = _near(source, number, 64 if rarely(source, 0.2) else 32)
    upper = 0 if made.mode.is_64 else source.getrandbits(32) << 32
    made.gprs[Gpr(operand.register)] = number | upper


def _msr(made: Setting, _instance: Instance) -> None:
    source = made.source
    number = EFER_MSR if rarely(source, 0.95) else EFER_MSR + 1
    made.gprs[Gpr.RCX] = number | source.getrandbits(32) << 32
    efer = _near(source, made.controls[ControlRegister.EFER], 13 if rarely(source, 0.8) else 64)
    made.gprs[Gpr.RAX] = efer & 0xFFFF_FFFF | source.getrandbits(32) << 32
    made.gprs[Gpr.RDX] = efer >> 32 | source.getrandbits(32) << 32


def _cpuid(made: Setting, _instance: Instance) -> None:
    leaf, subleaf = made.source.choice(tuple(bochs_model(has_la57=True).cpuid))
    made.gprs[Gpr.RAX] = leaf | made.source.getrandbits(32) << 32
    made.gprs[Gpr.RCX] = subleaf | made.source.getrandbits(32) << 32


def _stack_words(made: Setting, size: int, *words: int) -> None:
    pointer = made.gprs[Gpr.RSP]
    if rarely(made.source):
        pointer = made.address()
        made.set(Gpr.RSP, pointer)
    if not made.mode.is_64:
        pointer = (pointer + made.segments[Segment.SS].base) % (1 << 32)
    data = b"".join((word % (1 << 8 * size)).to_bytes(size, "little") for word in words)
    made.put(pointer, data)


def _far_return(made: Setting, instance: Instance) -> None:
    wide = made.mode.is_64 and bool(instance.rex & 8)
    upper = made.source.getrandbits(16) << 16
    _stack_words(made, 8 if wide else 4, target(made), selector(made.source) | upper)


def _far_pointer(made: Setting) -> bytes:
    offset = target(made) % (1 << 32)
    return offset.to_bytes(4, "little") + selector(made.source).to_bytes(2, "little")


def _far_direct(made: Setting, instance: Instance) -> Instance:
    return replace(instance, immediate=_far_pointer(made))


def _far_indirect(made: Setting, instance: Instance) -> None:
    lay_operand_bytes(made, instance, _far_pointer(made))


def _table_pointer(made: Setting, instance: Instance) -> None:
    source = made.source
    base = made.address().to_bytes(8, "little")
    lay_operand_bytes(made, instance, source.randbytes(2) + base)


def _loaded_segment(made: Setting, instance: Instance) -> Instance:
    reg = made.source.randrange(8) if rarely(made.source) else made.source.choice((0, 2, 3, 4, 5))
    return replace(instance, reg=reg)


def _load_segment(made: Setting, instance: Instance) -> None:
    number = selector(made.source)
    operand = instance.operand
    if operand is not None and operand.register is not None:
        made.gprs[Gpr(operand.register)] = number | made.source.getrandbits(48) << 16
    lay_operand_bytes(made, instance, number.to_bytes(2, "little"))


def _stored_segment(made: Setting, instance: Instance) -> Instance:
    reg = made.source.randrange(8) if rarely(made.source) else made.source.randrange(6)
    return replace(instance, reg=reg)


def _repeated(made: Setting, instance: Instance) -> Instance:
    repeats = rarely(made.source, 0.7)
    return replace(instance, prefixes=b"\xf3" + instance.prefixes) if repeats else instance


def _string(made: Setting, _instance: Instance) -> None:
    source = made.source
    made.gprs[Gpr.RCX] = source.choice((0, 1, 2, source.randrange(40), source.randrange(40)))
    made.gprs[Gpr.RCX] |= 0 if made.mode.is_64 else source.getrandbits(32) << 32
    for register, name in ((Gpr.RSI, Segment.DS), (Gpr.RDI, Segment.ES)):
        base = 0 if made.mode.is_64 else made.segments[name].base
        made.set(register, made.address() - base)
    if rarely(source, 0.3):
        made.gprs[Gpr.RDI] = made.gprs[Gpr.RSI]
        made.set(Gpr.RDI, made.gprs[Gpr.RSI] + source.randrange(-40, 40))


def _pop_flags(made: Setting, _instance: Instance) -> None:
    _stack_words(made, 8, made.source.getrandbits(64))


def _near_return(made: Setting, _instance: Instance) -> None:
    _stack_words(made, 8 if made.mode.is_64 else 4, target(made))


def _near_indirect(made: Setting, instance: Instance) -> None:
    to = target(made)
    operand = instance.operand
    if operand is not None and operand.register is not None:
        made.set(Gpr(operand.register), to)
    lay_operand_bytes(made, instance, (to % (1 << 64)).to_bytes(8, "little"))


def _random_stack(made: Setting, _instance: Instance) -> None:
    if rarely(made.source, 0.2):
        made.set(Gpr.RSP, made.address())


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "MOV r, CRn": _numbered_control,
        "MOV CRn, r": _numbered_control,
        "JMP ptr16:32": _far_direct,
        "CALL ptr16:32": _far_direct,
        "MOV Sreg, r/m16": _loaded_segment,
        "MOV r/m, Sreg": _stored_segment,
        "MOVS m8, m8": _repeated,
        "MOVS m, m": _repeated,
        "STOS m8": _repeated,
        "STOS m": _repeated,
    }
)
"""By the manual's form."""
SCENES: Mapping[str, Scene] = MappingProxyType(
    {
        "MOV CRn, r": _move_to_control,
        "RDMSR": _msr,
        "WRMSR": _msr,
        "CPUID": _cpuid,
        "RET far": _far_return,
        "RET far imm16": _far_return,
        "JMP m16:32": _far_indirect,
        "CALL m16:32": _far_indirect,
        "LGDT m": _table_pointer,
        "LIDT m": _table_pointer,
        "MOV Sreg, r/m16": _load_segment,
        "MOVS m8, m8": _string,
        "MOVS m, m": _string,
        "STOS m8": _string,
        "STOS m": _string,
        "PUSHF": _random_stack,
        "POPF": _pop_flags,
        "RET": _near_return,
        "JMP r/m": _near_indirect,
        "CALL r": _near_indirect,
        "CALL m64": _near_indirect,
        "CALL rel32": _random_stack,
        "PUSH r": _random_stack,
        "POP r": _random_stack,
        "PUSH imm8": _random_stack,
        "PUSH imm32": _random_stack,
    }
)
"""By the manual's form."""
