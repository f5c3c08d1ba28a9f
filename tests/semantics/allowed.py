"""What our semantics may leave unmodelled, and where Bochs is wrong, each with its reason.

A path that ends unmodelled is UNKNOWN to the prover, so none of these can hide a wrong proof.
The lists keep the tests honest: whatever else ends a case without agreement fails them.
"""

from __future__ import annotations

import re

from verifier.replay import Engine

UNMODELLED = (
    # No trampoline here uses them, and their rules differ from those of flat segments.
    r"an expand-down segment",
    r"a stack segment of 16 bits",
    r"16-bit code is not modelled",
    r"a selector of the local descriptor table",
    r"a far (call|jump) through a system descriptor",
    r"a far return to an outer privilege level",
    r"leaving protected mode is not modelled",
    r"PAE paging outside IA-32e mode is not modelled",
    r"a change of CR4\.PAE while paging is on",
    r"CR8 is not modelled",
    r"model-specific register 0xc0000081 is not modelled",
    # Processors differ.
    r"a far transfer through m16:64, which processors take differently",
    r"a far call that changes mode on a stack that both address differently",
    r"an access that wraps around 4G",
    # One access is one run of physical bytes.
    r"an (access|instruction) crosses pages that are not adjacent",
    # The disassembler refuses a segment register that does not exist, where processors raise #UD.
    r"bytes ([0-9a-f]{2} ){0,3}8[ce] .* are no instruction to the decoder",
    # The lifter refuses a useless REX.W before a direct jump.
    r"the lifter does not know bytes (66 )*4[0-9a-f] (eb|e9) .*",
)
PATTERN = re.compile("|".join(UNMODELLED))


def is_allowed(reason: str) -> bool:
    """Say whether a case may end for this reason."""
    return PATTERN.fullmatch(reason) is not None


LEFT_TO_NUMBERS = (
    # Over symbols, memory is mapped to itself up to 2^40, and not looked at beyond.
    r"an address beyond the loader's identity map is used",
    # Two addresses over different symbols may overlap: a proof needs them to be apart.
    r"a store hits the loader's top-level table",
    r"two accesses outside every region may be the same memory",
    r"an access straddles the edge of region code",
    r"the count of a repetition is not fixed by the start",
)
NUMBERS = re.compile("|".join(LEFT_TO_NUMBERS))


def is_left_to_numbers(reason: str) -> bool:
    """Say whether a path over symbols may end for this reason, which one over numbers may not."""
    return NUMBERS.fullmatch(reason) is not None


EXCEPTIONS = (
    # "RET", "Protected Mode Exceptions": the whole frame is checked before any of it is read.
    # Bochs reads the selector first, and may find a page missing under it.
    ("RET far", r"we raise #SS\(0\): the address is not canonical; Bochs #PF\([09]\)"),
)
"""Differences in which the manual is with us: the start of the form's name, what is told."""


QEMU_EXCEPTIONS = (
    # It answers for another processor, and its start leaves IDTR alone.
    ("CPUID", r".*"),
    ("SIDT m", r"\[0x[0-9a-f]+\]: .*"),
    # One step of its debugger goes past PAUSE and the instruction behind it.
    ("PAUSE", r".*"),
    # Its flags are not settled when it halts.
    ("HLT", r"RFLAGS: .*"),
    # It keeps reserved bits of CR0.
    ("MOV CRn, r", r"CR0: .*"),
    # With 66 it cuts the base to 24 bits in 64-bit mode, too.
    ("LIDT m", r"\[0x[0-9a-f]+\]: ours 0x[0-9a-f]+, Bochs 0x0"),
    ("LGDT m", r"GDTR.base: .*"),
    # It takes the immediate as signed.
    ("RET far imm16", r"RSP: .*"),
    # It marks no code descriptor as accessed.
    *(
        (form, r"\[0x[0-9a-f]+\]: ours 0x[0-9a-f]?[9bdf], Bochs 0x[0-9a-f]?[8ace]")
        for form in ("RET far", "JMP ptr", "JMP m16", "CALL ptr", "CALL m16")
    ),
)
"""Differences from QEMU in which Bochs is with us."""


def is_excepted(name: str, differences: list[str], engine: Engine = Engine.BOCHS) -> bool:
    """Say whether a form differs in nothing but what an engine is known to get wrong."""
    exceptions = EXCEPTIONS if engine is Engine.BOCHS else QEMU_EXCEPTIONS
    return bool(differences) and all(
        any(name.startswith(form) and re.fullmatch(told, each) for form, told in exceptions)
        for each in differences
    )
