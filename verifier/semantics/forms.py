"""The ordinary instructions whose lifted meaning is trusted, by the manual's opcode forms.

What is neither here nor in the table of system instructions has no meaning: executing it
ends a path as UNKNOWN. The flags that an instruction leaves undefined or alone are SDM
vol. 1, appendix A, "EFLAGS Cross-Reference".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from verifier.machine.registers import Flag
from verifier.semantics.instruction import Prefix

if TYPE_CHECKING:
    from verifier.machine.registers import Mode
    from verifier.semantics.instruction import Instruction

_AF = frozenset({Flag.AF})
_LONG_SHIFT = frozenset({Flag.AF, Flag.OF})
_TOO_LONG_SHIFT = frozenset({Flag.AF, Flag.OF, Flag.CF})
_BIT_TEST = frozenset({Flag.OF, Flag.SF, Flag.AF, Flag.PF})
_ZF = frozenset({Flag.ZF})
_MULTIPLY = frozenset({Flag.SF, Flag.ZF, Flag.AF, Flag.PF})
_NONE: frozenset[Flag] = frozenset()


SAR = 7
"""The opcode's extension of the arithmetic shift."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of an instruction, by the manual's opcode line.

    ``digit`` is the opcode's extension in ModRM.reg. ``register_only`` and ``memory_only``
    say which operand in ModRM.rm is allowed. ``legacy_only`` marks what 64-bit mode lacks,
    ``wide_only`` what is another instruction or none without REX.W,
    ``without_rex_b`` what REX.B makes another instruction. ``shifts`` marks shifts by an
    immediate count, which decides what they leave undefined.
    """

    name: str
    opcode: bytes
    digit: int | None = None
    register_only: bool = False
    memory_only: bool = False
    legacy_only: bool = False
    wide_only: bool = False
    without_rex_b: bool = False
    shifts: bool = False
    uses_stack: bool = False
    transfers: bool = False
    undefined: frozenset[Flag] = _NONE
    unaffected: frozenset[Flag] = _NONE
    prefixes: frozenset[Prefix] = frozenset({Prefix.OPERAND_SIZE})

    @property
    def line(self) -> str:
        """Give the opcode line, as in ``0F BA /6``."""
        digit = "" if self.digit is None else f" /{self.digit}"
        return self.opcode.hex(" ").upper() + digit

    def undefined_flags(self, instruction: Instruction) -> frozenset[Flag]:
        """Give the flags that an instruction of this form leaves undefined.

        SDM vol. 2, "SAL/SAR/SHL/SHR", "Flags Affected".
        """
        if not self.shifts:
            return self.undefined
        count = instruction.immediate(1) & (63 if instruction.rex_w else 31)
        width = 8 if instruction.opcode[0] & 1 == 0 else instruction.operand_bits
        if count <= 1:
            return _AF if count else _NONE
        arithmetic = instruction.modrm.reg == SAR
        return _LONG_SHIFT if count < width or arithmetic else _TOO_LONG_SHIFT


def _alu() -> list[Form]:
    names = ("ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP")
    operands = ("r/m8, r8", "r/m, r", "r8, r/m8", "r, r/m", "AL, imm8", "eAX, imm")
    forms = []
    for number, name in enumerate(names):
        undefined = _AF if name in {"OR", "AND", "XOR"} else _NONE
        for low, operand in enumerate(operands):
            opcode = bytes([number << 3 | low])
            forms.append(Form(f"{name} {operand}", opcode, undefined=undefined))
        for byte, operand in ((0x80, "r/m8, imm8"), (0x81, "r/m, imm"), (0x83, "r/m, imm8")):
            forms.append(Form(f"{name} {operand}", bytes([byte]), number, undefined=undefined))
    return forms


def _shifts() -> list[Form]:
    forms = []
    counts = ((0xC0, "r/m8, imm8"), (0xC1, "r/m, imm8"), (0xD0, "r/m8, 1"), (0xD1, "r/m, 1"))
    for digit, name in ((4, "SHL"), (5, "SHR"), (SAR, "SAR")):
        for byte, operand in counts:
            counted = byte in {0xC0, 0xC1}
            form = Form(f"{name} {operand}", bytes([byte]), digit, shifts=counted, undefined=_AF)
            forms.append(form)
    return forms


def _conditional() -> list[Form]:
    conditions = (
        *("O", "NO", "B", "NB", "E", "NE", "BE", "NBE"),
        *("S", "NS", "P", "NP", "L", "NL", "LE", "NLE"),
    )
    forms = []
    for number, condition in enumerate(conditions):
        jump = f"J{condition}"
        short = bytes([0x70 | number])
        near = bytes([0x0F, 0x80 | number])
        forms.append(Form(f"{jump} rel8", short, transfers=True, prefixes=frozenset()))
        forms.append(Form(f"{jump} rel32", near, transfers=True, prefixes=frozenset()))
        forms.append(Form(f"CMOV{condition} r, r/m", bytes([0x0F, 0x40 | number])))
        forms.append(Form(f"SET{condition} r/m8", bytes([0x0F, 0x90 | number])))
    return forms


def _moves() -> list[Form]:
    forms = [
        Form("MOV r/m8, r8", b"\x88"),
        Form("MOV r/m, r", b"\x89"),
        Form("MOV r8, r/m8", b"\x8a"),
        Form("MOV r, r/m", b"\x8b"),
        Form("MOV r/m8, imm8", b"\xc6", 0),
        Form("MOV r/m, imm", b"\xc7", 0),
        Form("LEA r, m", b"\x8d", memory_only=True, prefixes=frozenset()),
        Form("MOVZX r, r/m8", b"\x0f\xb6"),
        Form("MOVZX r, r/m16", b"\x0f\xb7", prefixes=frozenset()),
        Form("MOVSX r, r/m8", b"\x0f\xbe"),
        Form("MOVSX r, r/m16", b"\x0f\xbf", prefixes=frozenset()),
        Form("MOVSXD r64, r/m32", b"\x63", wide_only=True, prefixes=frozenset()),
        Form("XCHG r/m8, r8", b"\x86", register_only=True),
        Form("XCHG r/m, r", b"\x87", register_only=True),
        Form("CBW/CWDE/CDQE", b"\x98"),
        Form("CWD/CDQ/CQO", b"\x99"),
    ]
    forms += [Form("XCHG r, eAX", bytes([0x90 | low])) for low in range(1, 8)]
    forms += [Form("MOV r8, imm8", bytes([0xB0 | low])) for low in range(8)]
    forms += [Form("MOV r, imm", bytes([0xB8 | low])) for low in range(8)]
    forms += [Form("BSWAP r", bytes([0x0F, 0xC8 | low]), prefixes=frozenset()) for low in range(8)]
    return forms


def _stack() -> list[Form]:
    stack = [Form("PUSH r", bytes([0x50 | low]), uses_stack=True) for low in range(8)]
    stack += [Form("POP r", bytes([0x58 | low]), uses_stack=True) for low in range(8)]
    stack += [
        Form("PUSH imm32", b"\x68", uses_stack=True, prefixes=frozenset()),
        Form("PUSH imm8", b"\x6a", uses_stack=True, prefixes=frozenset()),
        Form("PUSH r", b"\xff", 6, register_only=True, uses_stack=True),
    ]
    return stack


def _transfers() -> list[Form]:
    none: frozenset[Prefix] = frozenset()
    return [
        Form("JMP rel8", b"\xeb", transfers=True, prefixes=none),
        Form("JMP rel32", b"\xe9", transfers=True, prefixes=none),
        Form("CALL rel32", b"\xe8", transfers=True, uses_stack=True, prefixes=none),
        Form("JMP r/m", b"\xff", 4, transfers=True, prefixes=none),
        Form(
            "CALL r",
            b"\xff",
            2,
            register_only=True,
            transfers=True,
            uses_stack=True,
            prefixes=none,
        ),
        Form("RET", b"\xc3", transfers=True, uses_stack=True, prefixes=none),
    ]


def _rest() -> list[Form]:
    forms = [
        Form("TEST r/m8, r8", b"\x84", undefined=_AF),
        Form("TEST r/m, r", b"\x85", undefined=_AF),
        Form("TEST AL, imm8", b"\xa8", undefined=_AF),
        Form("TEST eAX, imm", b"\xa9", undefined=_AF),
        Form("TEST r/m8, imm8", b"\xf6", 0, undefined=_AF),
        Form("TEST r/m, imm", b"\xf7", 0, undefined=_AF),
        Form("NOT r/m8", b"\xf6", 2),
        Form("NOT r/m", b"\xf7", 2),
        Form("NEG r/m8", b"\xf6", 3),
        Form("NEG r/m", b"\xf7", 3),
        Form("INC r/m8", b"\xfe", 0),
        Form("INC r/m", b"\xff", 0),
        Form("DEC r/m8", b"\xfe", 1),
        Form("DEC r/m", b"\xff", 1),
        Form("IMUL r, r/m", b"\x0f\xaf", undefined=_MULTIPLY),
        Form("IMUL r, r/m, imm", b"\x69", undefined=_MULTIPLY),
        Form("IMUL r, r/m, imm8", b"\x6b", undefined=_MULTIPLY),
        Form("CMC", b"\xf5", prefixes=frozenset()),
        Form("CLC", b"\xf8", prefixes=frozenset()),
        Form("STC", b"\xf9", prefixes=frozenset()),
        Form("NOP", b"\x90", without_rex_b=True),
        Form("PAUSE", b"\x90", without_rex_b=True, prefixes=frozenset({Prefix.REP})),
        Form("NOP m", b"\x0f\x1f", 0, memory_only=True),
    ]
    forms += [Form("INC r", bytes([0x40 | low]), legacy_only=True) for low in range(8)]
    forms += [Form("DEC r", bytes([0x48 | low]), legacy_only=True) for low in range(8)]
    for digit, name in ((4, "BT"), (5, "BTS"), (6, "BTR"), (7, "BTC")):
        forms.append(
            Form(
                f"{name} r, imm8",
                b"\x0f\xba",
                digit,
                register_only=True,
                undefined=_BIT_TEST,
                unaffected=_ZF,
            )
        )
    return forms


FORMS: tuple[Form, ...] = (
    *_alu(),
    *_shifts(),
    *_conditional(),
    *_moves(),
    *_stack(),
    *_transfers(),
    *_rest(),
)
"""Every allowed form."""


@lru_cache(maxsize=1)
def _by_opcode() -> dict[bytes, list[Form]]:
    index: dict[bytes, list[Form]] = {}
    for form in FORMS:
        index.setdefault(form.opcode, []).append(form)
    return index


def find_form(instruction: Instruction) -> Form | None:
    """Give the allowed form of an instruction, None where there is none."""
    for form in _by_opcode().get(instruction.opcode, []):
        if _matches(form, instruction, instruction.mode):
            return form
    return None


def _matches(form: Form, instruction: Instruction, mode: Mode) -> bool:
    modrm = instruction.modrm
    return (
        form.digit in {None, modrm.reg}
        and not (form.register_only and not modrm.is_register)
        and not (form.memory_only and modrm.is_register)
        and not (form.legacy_only and mode.is_64)
        and not (form.wide_only and not (mode.is_64 and instruction.rex_w))
        and not (form.without_rex_b and instruction.rex & 1)
        and instruction.prefixes <= form.prefixes
        and (instruction.prefixes == form.prefixes or Prefix.REP not in form.prefixes)
    )
