"""The EFI stub's two functions: what they call, the variables they use, where they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.inspection.finding import Finding
from verifier.inspection.flow import branch_target, follow, loaded_word
from verifier.inspection.functions import return_behind
from verifier.machine.registers import Gpr, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.inspection.code import Code, Placed

_REACH = 0x400
_MODE = Mode.LONG_64
_LOAD_BYTE, _COMPARE, _COMPARE_DIGIT = b"\x8a", b"\x83", 7
_LEVEL = b"\x01"
"""What a message of the kernel's begins with, before the digit of its level."""
WORD_BYTES = 8


def find_switch(code: Code, start: int, call: Placed) -> Iterator[Finding]:
    """Give what is in the function that calls the copy, from its ``start`` up to that call."""
    loads, returns = True, True
    for placed in code.sweep(start, _MODE, call.offset):
        if loads and placed.instruction.opcode == _LOAD_BYTE and placed.address is not None:
            loads = False
            how = f"the first byte that efi_switch_function loads, at +{placed.offset:#x}"
            yield Finding("efi_no5lvl", placed.address, 1, None, how)
        target = branch_target(placed)
        if returns and target is not None:
            returns = False
            behind = code.run(target, _MODE, target + _REACH)
            what = f"the branch at +{placed.offset:#x}, the first in efi_switch_function"
            yield from return_behind("efi_switch_early_ret", behind, what)


def find_setup(
    code: Code, start: tuple[int, int] | None, reference: int, patch: Placed
) -> Iterator[Finding]:
    """Give what the function that makes the copy calls before it and after, and its return.

    ``reference`` is where it takes the trampoline's address, ``start`` where it begins.
    """
    behind = [*code.run(patch.end, _MODE, patch.end + _REACH)]
    yield from return_behind("efi_setup_ret", behind, "the patch")
    how = "what the call at +{:#x} calls, {}"
    after = next((each for each in behind if each.is_call and each.target is not None), None)
    if after is not None and after.target is not None:
        told = how.format(after.offset, "the first behind the patch")
        yield Finding("efi_protect", after.target, 0, _MODE, told)
        yield from _protection(code, after.target)
    if start is None:
        return
    before = [each for each in code.sweep(start[0], _MODE, reference) if each.is_call]
    if not before or before[-1].target is None:
        return
    callee, told = before[-1].target, "the last before the trampoline's address is taken"
    yield Finding("efi_allocate", callee, 0, _MODE, how.format(before[-1].offset, told))
    yield from _loaded(code, "efi_allocate", callee, "efi_system_table")


def _protection(code: Code, start: int) -> Iterator[Finding]:
    """Give the variables of the function that changes a page's protection, and what prints."""
    yield from _loaded(code, "efi_protect", start, "efi_memory_attributes")
    body = [*code.sweep(start, _MODE, start + _REACH)]
    for placed in body:
        instruction = placed.instruction
        compares = instruction.opcode == _COMPARE and instruction.modrm.reg == _COMPARE_DIGIT
        if compares and instruction.rex_w and placed.address is not None:
            how = f"the first word that efi_protect compares in memory, at +{placed.offset:#x}"
            yield Finding("efi_dxe_services", placed.address, WORD_BYTES, None, how)
            break
    for moment in follow(body):
        text, target = moment.known.get(Gpr.RDI), moment.placed.target
        if not moment.placed.is_call or text is None or target is None:
            continue
        if code.data[text : text + 1] == _LEVEL and code.data[text + 1 : text + 2].isdigit():
            place = moment.placed.offset
            how = f"called at +{place:#x} with the address of a message, +{text:#x}, in rdi"
            yield Finding("efi_print", target, 0, _MODE, how)
            return


def _loaded(code: Code, function: str, start: int, name: str) -> Iterator[Finding]:
    for placed in code.run(start, _MODE, start + _REACH):
        address = loaded_word(placed)
        if address is not None:
            told = f"the first that {function} loads, at +{placed.offset:#x}"
            yield Finding(name, address, WORD_BYTES, None, told)
            return
