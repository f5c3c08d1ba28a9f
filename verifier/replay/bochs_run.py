"""One replay in Bochs: hooks that count, record, impose choices, and judge what Bochs omits.

A hook must not raise: an exception that leaves one corrupts the interpreter. Each is
guarded, and what went wrong is answered in place of an observation.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from verifier.replay.bochs_library import GPR_NAMES, INSERTED_OPCODE
from verifier.replay.bochs_memory import ADDRESS_BITS
from verifier.replay.far_transfer import (
    INSTRUCTION_BYTES,
    IRET,
    RETF,
    RETF_IMM16,
    FarContext,
    beyond_limit,
)
from verifier.replay.page_walk import Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.replay.bochs_machine import Machine
    from verifier.replay.message import RunReply, RunRequest

Parameters = ParamSpec("Parameters")

BREAKPOINT, GENERAL_PROTECTION, PAGE_FAULT = 3, 13, 14
HAS_ERROR_CODE = frozenset((8, 10, 11, 12, 13, 14, 17, 21))
RESERVED_BIT = 1 << 3
"""In a page fault's error code: a reserved bit was set in a table entry."""

BEYOND_WIDTH = (1 << 52) - (1 << ADDRESS_BITS)
"""Address bits that a processor may have and Bochs, as built, has not."""

PG, CR4_LA57, LMA, ATTRIBUTE_LONG, ATTRIBUTE_BIG = 1 << 31, 1 << 12, 1 << 10, 1 << 13, 1 << 14
FOUR_GIB = 1 << 32
RSP = 4


def guarded(
    hook: Callable[Concatenate[Run, Parameters], None],
) -> Callable[Concatenate[Run, Parameters], None]:
    """Keep every exception inside: end the run and remember it."""

    def safe(run: Run, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        if run.over:
            return
        try:
            hook(run, *args, **kwargs)
        except BaseException:  # noqa: BLE001 - nothing may leave a hook
            run.reply["failed"] = traceback.format_exc(limit=4)
            run.stop()

    return safe


class Run:
    """The hooks of one replay and what they have seen."""

    def __init__(self, machine: Machine, request: RunRequest) -> None:
        """Load the start; ``answer`` runs it."""
        machine.load(request)
        self.machine = machine
        self.request = request
        self.reply: RunReply = {}
        self.over = False
        self.steps: list[tuple[int, bool, bool, dict[int, int]]] = []
        self.written: set[tuple[int, int]] = set()
        self.fault: tuple[int, int | None, int] | None = None
        self.halted = False
        self.overrides: dict[int, list[tuple[int, int, int]]] = {}
        for index, *choice in request["overrides"]:
            self.overrides.setdefault(index, []).append((choice[0], choice[1], choice[2]))
        state = machine.library.cpu.state
        self.controls = machine.controls(state)
        self.rip = state.rip
        self.rsp = state.rsp
        self.linear = self.rip
        self.code = b""
        self.wide = False
        self.ia32e = False
        self.inside = False
        self.iterating = False
        self.wraps = False

    def answer(self) -> RunReply:
        """Run to the end and give what was seen."""
        hooks = self.machine.library.hooks(
            before_execution=self.before,
            after_execution=self.after,
            repeat_iteration=self.iteration,
            lin_access=self.linear_access,
            phy_access=self.physical_access,
            exception=self.exception,
            interrupt=self.interrupt,
            hlt=self.hlt,
        )
        if self.request["steps"]:
            self.machine.library.session.run(hooks)
        else:
            self.impose(0)
        if self.machine.memory.exhausted:
            self.reply["not_representable"] = "more pages touched than the worker can back"
        if not self.reply:
            self._finish()
        return self.reply

    def stop(self) -> None:
        """End the run at this hook: the instruction goes no further, no handler runs."""
        self.over = True
        self.machine.library.session.stop()

    @guarded
    def before(self, _session: object, _cpu: int, instruction: object) -> None:
        """Before an instruction, and again before what Bochs inserts at the end of a trace."""
        if self.machine.library.opcode(instruction) == INSERTED_OPCODE or self.inside:
            return
        if len(self.steps) == self.request["steps"]:
            self.stop()
            return
        self.inside = True
        self.iterating = self.wraps = False
        self.impose(len(self.steps))
        state = self.machine.library.cpu.state
        self.rip, self.rsp = state.rip, state.rsp
        self.linear = state.rip if state.cs.attr & ATTRIBUTE_LONG else self._linear(state)
        self.ia32e = bool(state.efer & LMA)
        self.wide = self.ia32e and bool(state.cs.attr & ATTRIBUTE_LONG)
        tables = self._tables(state)
        self.code = tables.read_linear(self.linear, INSTRUCTION_BYTES) if tables else b""
        if self.wide and tables:
            self._check_far_limit(state, tables)
        elif not self.wide:
            self._check_far_return_wrap(state)

    @guarded
    def after(self, _session: object, _cpu: int, _instruction: object) -> None:
        """After an instruction, or after a part of a ``rep`` that Bochs interrupted."""
        cpu = self.machine.library.cpu
        if not self.inside or (self.iterating and cpu.rip == self.rip):
            return
        if self.wraps and cpu.cs.attr & ATTRIBUTE_LONG and cpu.rsp >= FOUR_GIB:
            self.reply["not_representable"] = "a far return to 64-bit code that leaves ESP past 4G"
            self.stop()
            return
        self._count()
        if len(self.steps) == self.request["steps"]:
            self.impose(len(self.steps))
            self.stop()

    @guarded
    def iteration(self, _session: object, _cpu: int, _instruction: object) -> None:
        """After each iteration of a ``rep``."""
        self.iterating = True

    @guarded
    def linear_access(
        self,
        _session: object,
        _cpu: int,
        _linear: int,
        physical: int,
        size: int,
        _type: int,
        kind: int,
    ) -> None:
        """At each access of an instruction; odd kinds write, wholly or after a read."""
        if kind & 1:
            self.written.add((physical, size))

    @guarded
    def physical_access(
        self, _session: object, _cpu: int, physical: int, size: int, _type: int, kind: int
    ) -> None:
        """At each access of the table walk; odd kinds set accessed and dirty bits."""
        if kind & 1:
            self.written.add((physical, size))

    @guarded
    def exception(self, _session: object, _cpu: int, vector: int, error: int) -> None:
        """At an exception, before its handler is looked for."""
        reason = self._beyond_width(vector, error)
        if reason:
            self.reply["not_representable"] = reason
        self._end_with_fault(vector, error if vector in HAS_ERROR_CODE else None)

    @guarded
    def interrupt(self, _session: object, _cpu: int, vector: int) -> None:
        """At ``int``, ``int3``, ``into`` and ``icebp``, before the handler is looked for."""
        self._end_with_fault(vector, None)

    @guarded
    def hlt(self, _session: object, _cpu: int) -> None:
        """At ``hlt``: it counts as executed."""
        self._count()
        self.impose(len(self.steps))
        self.halted = True
        self.stop()

    def impose(self, index: int) -> None:
        """Set the bits that the start chose for just before instruction ``index``."""
        cpu = self.machine.library.cpu
        for number, mask, value in self.overrides.get(index, ()):
            if number < 0:
                self.machine.library.force_flags()
                cpu.rflags = cpu.rflags & ~mask | value & mask
            else:
                name = GPR_NAMES[number]
                setattr(cpu, name, getattr(cpu, name) & ~mask | value & mask)

    def _count(self) -> None:
        state = self.machine.library.cpu.state
        controls = self.machine.controls(state)
        changed = {
            index: new
            for index, (old, new) in enumerate(zip(self.controls, controls, strict=True))
            if old != new
        }
        self.steps.append((self.linear, self.wide, self.ia32e, changed))
        self.controls = controls
        self.inside = False
        self.rip, self.rsp, self.code = state.rip, state.rsp, b""
        self.linear = state.rip if state.cs.attr & ATTRIBUTE_LONG else self._linear(state)

    def _end_with_fault(self, vector: int, error: int | None) -> None:
        self.fault = (vector, error, self.linear)
        cpu = self.machine.library.cpu
        cpu.rip, cpu.rsp = self.rip, self.rsp
        self.stop()

    @staticmethod
    def _linear(state: Any) -> int:  # noqa: ANN401 - the package's own type
        return int(state.cs.base + state.rip) & (FOUR_GIB - 1)

    def _tables(self, state: Any) -> Tables | None:  # noqa: ANN401 - the package's own type
        """Give the translation in force, or None under 32-bit paging, which nobody here needs."""
        read = self.machine.memory.read
        if not state.cr0 & PG:
            return Tables(0, 0, read)
        if not state.efer & LMA:
            return None
        return Tables(state.cr3, 5 if state.cr4 & CR4_LA57 else 4, read)

    def _check_far_limit(self, state: Any, tables: Tables) -> None:  # noqa: ANN401
        context = FarContext(
            gprs=self.machine.gprs(),
            rip=state.rip,
            cpl=state.cs.selector & 3,
            fs_base=state.fs.base,
            gs_base=state.gs.base,
            gdtr=(state.gdtr.base, state.gdtr.limit),
            tables=tables,
        )
        if beyond_limit(context, self.code):
            self._end_with_fault(GENERAL_PROTECTION, 0)

    def _check_far_return_wrap(self, state: Any) -> None:  # noqa: ANN401
        """End before a 32-bit far return or IRET that reads across 4G; note one that ends there."""
        size, code = 4, self.code
        while code[:1] in (b"\x66", b"\x67", b"\xf2", b"\xf3"):
            size = 2 if code[0] == 0x66 else size  # noqa: PLR2004 - the operand-size prefix
            code = code[1:]
        if not code or code[0] not in (RETF, RETF_IMM16, IRET):
            return
        read = state.rsp % FOUR_GIB + size * (3 if code[0] == IRET else 2)
        released = int.from_bytes(code[1:3], "little") if code[0] == RETF_IMM16 else 0
        if not state.ss.attr & ATTRIBUTE_BIG:
            return
        self.wraps = read + released >= FOUR_GIB
        if read > FOUR_GIB:
            self.reply["not_representable"] = "a 32-bit far return that reads across 4G"
            self.stop()

    def _beyond_width(self, vector: int, error: int) -> str | None:
        """Say why Bochs is no judge of this exception, if it comes of its address width."""
        state = self.machine.library.cpu.state
        if vector == PAGE_FAULT and error & RESERVED_BIT and (tables := self._tables(state)):
            entry = tables.entries(state.cr2)[-1]
            if entry & BEYOND_WIDTH:
                return f"a page-table entry names an address at or above 2^{ADDRESS_BITS}"
        code = self.code[1:] if self.code[:1] and self.code[0] & 0xF0 == 0x40 else self.code  # noqa: PLR2004
        if vector == GENERAL_PROTECTION and code[:2] == b"\x0f\x22" and code[2] >> 3 & 7 == 3:  # noqa: PLR2004
            extension = (self.code[0] & 1) << 3 if code is not self.code else 0
            value = self.machine.gprs()[code[2] & 7 | extension]
            if value & BEYOND_WIDTH:
                return f"CR3 is loaded with an address at or above 2^{ADDRESS_BITS}"
        return None

    def _finish(self) -> None:
        library, memory = self.machine.library, self.machine.memory
        library.force_flags()
        state = library.cpu.state
        self.reply["steps"] = self.steps
        self.reply["halted"] = self.halted
        self.reply["fault"] = self.fault
        self.reply["gprs"] = self.machine.gprs()
        self.reply["rip"] = state.rip
        self.reply["rflags"] = state.rflags
        self.reply["controls"] = self.machine.controls(state)
        self.reply["segments"] = self.machine.segments(state)
        self.reply["gdtr"] = (state.gdtr.base, state.gdtr.limit)
        self.reply["written"] = [
            (address, memory.read(address, size)) for address, size in self.written
        ]
