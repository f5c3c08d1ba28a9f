"""Who copies the trampoline: from a reference to it to the copy, the patch and the call.

Two forms are known. In one a single function copies, patches and calls through a register; in
the other a first function keeps the copy's address in a variable, and a second calls through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.inspection.efi import find_setup, find_switch
from verifier.inspection.finding import Finding
from verifier.inspection.flow import (
    Moment,
    follow,
    is_string,
    loaded_word,
    stored_word,
)
from verifier.inspection.functions import Functions, return_behind
from verifier.machine.registers import Gpr, Mode

if TYPE_CHECKING:
    from verifier.inspection.code import Code, Placed
    from verifier.inspection.trampoline import Trampoline

_LEA = rb"[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]...."
_LEA_BYTES = 7
_CALL_THROUGH = rb"\xff\x15...."
_CALL_THROUGH_BYTES = 6
_REACH = 0x400
_ADD = b"\x01"
_OPTION = b"no5lvl\0"


@dataclass(frozen=True, slots=True)
class Copy:
    """The instruction that copies the trampoline, and that which patches the copy."""

    moment: Moment
    patch: Placed
    after: tuple[Placed, ...]


class Sites:
    """The search for copies of one trampoline."""

    def __init__(self, code: Code, trampoline: Trampoline) -> None:
        """Take the code and the trampoline; nothing is searched yet."""
        self._code = code
        self._trampoline = trampoline
        self._functions = Functions(code)

    def find(self) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """Give what is at the sites, and a sentence for each reference that is none."""
        found: dict[str, Finding] = {}
        missing = []
        for at in self._references():
            copy = self._copy(at)
            if copy is None:
                missing.append(
                    f"the reference to the trampoline at +{at:#x} leads to no copy and patch"
                )
                continue
            calls = [each for each in copy.after if each.is_indirect_call]
            site = self._by_register(at, copy, calls[0]) if calls else self._by_variable(at, copy)
            if any(each.name in found for each in site):
                missing.append(f"the copy at +{copy.moment.placed.offset:#x} is a further one")
            else:
                found |= {each.name: each for each in site}
        told = {
            "site_call": "no function that copies and patches the trampoline calls the copy itself",
            "efi_call": "no function keeps the copy's address in a variable that another calls",
        }
        missing += [sentence for name, sentence in told.items() if name not in found]
        return tuple(found.values()), tuple(missing)

    def _references(self) -> tuple[int, ...]:
        start, extent = self._trampoline.start, self._trampoline.extent
        found = self._functions.callers(_LEA, start, _LEA_BYTES)
        return tuple(at for at in found if at not in extent)

    def _copy(self, reference: int) -> Copy | None:
        """Sweep from the reference to what has it as its source, and on to the patch."""
        line = tuple(self._code.run(reference, Mode.LONG_64, reference + _REACH))
        moments = iter(follow(line))
        for moment in moments:
            copies = moment.placed.is_call or is_string(moment.placed, move=True)
            if copies and moment.known.get(Gpr.RSI) == self._trampoline.start:
                for later in moments:
                    if _is_patch(later.placed):
                        after = [each for each in line if each.offset > later.placed.offset]
                        return Copy(moment, later.placed, tuple(after))
        return None

    def _by_register(self, reference: int, copy: Copy, call: Placed) -> tuple[Finding, ...]:
        names = ("site_copy", "site_patch", "site_call", "site_continuation")
        how = "the first indirect call behind the patch, in the same run of code"
        found = [*_parts(names, reference, copy, call, how)]
        start = self._functions.start(reference)
        if start is None:
            return tuple(found)
        head = [*follow(self._code.sweep(start[0], Mode.LONG_64, call.offset))]
        function = _function("site_function", start, f"+{reference:#x}")
        behind = self._code.run(call.end, Mode.LONG_64, call.end + _REACH)
        found += return_behind("site_ret", behind)
        return (function, *found, *self._memory(head, copy, call), *_option(head, self._code))

    def _memory(self, head: list[Moment], copy: Copy, call: Placed) -> list[Finding]:
        """Give the variable that holds the page, and where what was in the page is saved."""
        at = copy.moment.placed.offset
        before = [each for each in head if each.placed.offset < at]
        stored = {stored_word(each.placed): each.placed.offset for each in before}
        found = []
        for placed in self._code.run(call.end, Mode.LONG_64, call.end + _REACH):
            address = loaded_word(placed)
            if address is not None and address in stored:
                how = (
                    f"stored to before the copy, at +{stored[address]:#x}, and the first of such"
                    f" loaded after the call, at +{placed.offset:#x}"
                )
                found.append(Finding("page_variable", address, 8, None, how))
                break
        for each in reversed(before):
            saved = each.known.get(Gpr.RDI)
            if is_string(each.placed, move=True) and saved is not None:
                how = f"what the string move at +{each.placed.offset:#x}, before the copy, fills"
                found.append(Finding("save_area", saved, 0, None, how))
                break
        return found

    def _by_variable(self, reference: int, copy: Copy) -> tuple[Finding, ...]:
        """Follow the variables that are stored to behind the copy to a call through one."""
        line = self._code.run(copy.moment.placed.end, Mode.LONG_64, reference + _REACH)
        for placed in line:
            pointer = stored_word(placed)
            if pointer is None:
                continue
            callers = self._functions.callers(_CALL_THROUGH, pointer, _CALL_THROUGH_BYTES)
            call = self._code.at(callers[0], Mode.LONG_64) if callers else None
            if call is not None:
                return self._efi(reference, copy, (placed, call), pointer)
        names = ("efi_copy", "efi_patch")
        return tuple(_parts(names, reference, copy, None, ""))

    def _efi(
        self, reference: int, copy: Copy, kept: tuple[Placed, Placed], pointer: int
    ) -> tuple[Finding, ...]:
        store, call = kept
        names = ("efi_copy", "efi_patch", "efi_call", "efi_continuation")
        how = f"the call through the variable at +{pointer:#x}, which keeps the copy's address"
        first, second = (self._functions.start(each) for each in (reference, call.offset))
        found = _parts(names, reference, copy, call, how)
        behind = self._code.run(call.end, Mode.LONG_64, call.end + _REACH)
        found += return_behind("efi_switch_ret", behind)
        found += find_setup(self._code, first, reference, copy.patch)
        if second:
            found.insert(2, _function("efi_switch_function", second, f"+{call.offset:#x}"))
            found += find_switch(self._code, second[0], call)
        if first:
            found.insert(0, _function("efi_setup_function", first, f"+{reference:#x}"))
        told = f"the store at +{store.offset:#x} behind the copy; the call reads it"
        found.append(Finding("efi_function_pointer", pointer, 8, None, told))
        return tuple(found)


def _is_patch(placed: Placed) -> bool:
    """Say whether it adds a 32-bit register to memory."""
    instruction = placed.instruction
    in_memory = instruction.opcode == _ADD and not instruction.modrm.is_register
    return in_memory and instruction.operand_bits == 32


def _parts(
    names: tuple[str, ...], reference: int, copy: Copy, call: Placed | None, how: str
) -> list[Finding]:
    """Give copy, patch, call and continuation under ``names``."""
    copying, mode = copy.moment.placed, Mode.LONG_64
    kind = "call" if copying.is_call else "string move"
    source = f"the lea at +{reference:#x} takes the trampoline's address, and "
    found = [
        Finding(
            names[0],
            copying.offset,
            copying.instruction.size,
            mode,
            f"{source}this {kind} has it as its source",
        ),
        Finding(
            names[1],
            copy.patch.offset,
            copy.patch.instruction.size,
            mode,
            "the first addition of a 32-bit register to memory behind the copy",
        ),
    ]
    if call is not None:
        found += [
            Finding(names[2], call.offset, call.instruction.size, mode, how),
            Finding(names[3], call.end, 0, mode, "the instruction behind the call"),
        ]
    return found


def _function(name: str, start: tuple[int, int], place: str) -> Finding:
    how = f"the nearest call target below {place}; called at +{start[1]:#x}"
    return Finding(name, start[0], 0, Mode.LONG_64, how)


def _option(head: list[Moment], code: Code) -> list[Finding]:
    """Give the function that is called with the address of the option's name."""
    for moment in head:
        name, target = moment.known.get(Gpr.RDI), moment.placed.target
        if not moment.placed.is_call or name is None or target is None:
            continue
        if code.data[name : name + len(_OPTION)] == _OPTION:
            how = (
                f"called at +{moment.placed.offset:#x} with the address of"
                f" 'no5lvl', +{name:#x}, in rdi"
            )
            return [Finding("find_option", target, 0, Mode.LONG_64, how)]
    return []
