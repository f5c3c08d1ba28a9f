"""The EFI stub's two functions: what they call, the variables they use, where they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.inspection.finding import Finding
from verifier.inspection.flow import branch_target, follow, loaded_word, taken_address
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
_RETURN = b"\xc3"
_PLAIN = ("efi_first_message", "efi_second_message")
_WITH_NUMBERS = ("efi_range_message",)
"""What messages are called, in the order that they lie in."""
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
    """Give what the function that changes a page's protection uses: variables, what prints."""
    yield from _loaded(code, "efi_protect", start, "efi_memory_attributes")
    body = [*code.sweep(start, _MODE, start + _REACH)]
    for placed in body:
        instruction = placed.instruction
        compares = instruction.opcode == _COMPARE and instruction.modrm.reg == _COMPARE_DIGIT
        if compares and instruction.rex_w and placed.address is not None:
            how = f"the first word that efi_protect compares in memory, at +{placed.offset:#x}"
            yield Finding("efi_dxe_services", placed.address, WORD_BYTES, None, how)
            break
    yield from _messages(code, body)


def _messages(code: Code, body: list[Placed]) -> Iterator[Finding]:
    """Give the function that prints, and the messages that ``body`` has up to its return."""
    end = next((each.offset for each in body if each.instruction.opcode == _RETURN), 0)
    taken: dict[int, int] = {}
    printer: int | None = None
    for moment in follow(each for each in body if each.offset < end):
        placed, handed = moment.placed, moment.known.get(Gpr.RDI)
        text = taken_address(placed)
        if text is not None and _message(code, text):
            taken[text] = placed.offset
        if printer is None and placed.is_call and handed in taken and placed.target is not None:
            printer = placed.target
            told = f"with the address of a message, +{handed:#x}, in rdi"
            how = f"called at +{placed.offset:#x} {told}"
            yield Finding("efi_print", printer, 0, _MODE, how)
            behind = code.sweep(printer, _MODE, printer + _REACH)
            yield from return_behind("efi_print_ret", behind, "where efi_print begins")
    if printer is not None:
        yield from _named(code, taken)


def _named(code: Code, taken: dict[int, int]) -> Iterator[Finding]:
    """Name messages by their order, those with numbers apart; ``taken`` says where by address."""
    names = {False: iter(_PLAIN), True: iter(_WITH_NUMBERS)}
    for text, place in sorted(taken.items()):
        whole = _message(code, text)
        name = next(names[b"%" in whole], None)
        if name is not None:
            how = f"a message, whose address efi_protect takes at +{place:#x}"
            yield Finding(name, text, len(whole), None, how)


def _message(code: Code, text: int) -> bytes:
    """Give the message at an offset, the zero byte at its end included, if there is one."""
    end = code.data.find(b"\0", text, text + _REACH) + 1
    whole = code.data[text:end]
    return whole if whole.startswith(_LEVEL) and whole[1:2].isdigit() else b""


def _loaded(code: Code, function: str, start: int, name: str) -> Iterator[Finding]:
    for placed in code.run(start, _MODE, start + _REACH):
        address = loaded_word(placed)
        if address is not None:
            told = f"the first that {function} loads, at +{placed.offset:#x}"
            yield Finding(name, address, WORD_BYTES, None, told)
            return
