"""One replay in Bochs: hooks that count, record, impose choices, and judge what Bochs omits.

A hook must not raise: an exception that leaves one corrupts the interpreter. Each is
guarded, and what went wrong is answered in place of an observation.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from verifier.replay.bochs_library import GPR_NAMES, INSERTED_OPCODE
from verifier.replay.bochs_limits import (
    APIC_PAGE,
    FOUR_GIB,
    GENERAL_PROTECTION,
    PAGE_FAULT,
    FarReturn,
    narrow_fault,
    narrow_load,
)
from verifier.replay.bochs_machine import ATTRIBUTE_LONG, EFER_LMA
from verifier.replay.far_transfer import INSTRUCTION_BYTES, beyond_limit
from verifier.replay.message import TRAPS_BY_INSTRUCTION
from verifier.replay.page_walk import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from verifier.replay.bochs_machine import Machine
    from verifier.replay.message import RunReply, RunRequest

Parameters = ParamSpec("Parameters")

ATTRIBUTE_BIG = 1 << 14
"""In a segment's attributes: 32-bit stack or code."""


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
        self.fault: tuple[int, int, int] | None = None
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
        self.code_pages: set[int] = set()
        self.overwrote_code = False
        self.inside = False
        self.iterating = False
        self.far_return: FarReturn | None = None

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
        if not self.request["steps"]:
            self.impose(0)
        else:
            self._look_ahead()
            if not self.over:
                self.machine.library.session.run(hooks)
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
        self.iterating = False
        self.far_return = None
        self.impose(len(self.steps))
        state = self.machine.library.cpu.state
        self.rip, self.rsp = state.rip, state.rsp
        self.linear = self.machine.instruction_pointer(state)
        self.ia32e = bool(state.efer & EFER_LMA)
        self.wide = self.ia32e and bool(state.cs.attr & ATTRIBUTE_LONG)
        tables = self.machine.tables(state)
        if self.wide and tables:
            if beyond_limit(self.machine.far_context(state, tables), self.code):
                self._end_with_fault(GENERAL_PROTECTION, 0)
        elif not self.wide and state.ss.attr & ATTRIBUTE_BIG:
            self.far_return = FarReturn(self.code, state.rsp)
            if self.far_return.reads_across:
                self.reply["not_representable"] = "a 32-bit far return that reads across 4G"
                self.stop()

    @guarded
    def after(self, _session: object, _cpu: int, _instruction: object) -> None:
        """After an instruction, or after a part of a ``rep`` that Bochs interrupted."""
        cpu = self.machine.library.cpu
        if not self.inside or (self.iterating and cpu.rip == self.rip):
            return
        if self._returned_past_4g():
            self.reply["not_representable"] = "a far return to 64-bit code that leaves ESP past 4G"
            self.stop()
            return
        self._count()
        if len(self.steps) == self.request["steps"]:
            self.impose(len(self.steps))
            self.stop()
            return
        if self.overwrote_code:
            # The library's own memory does not tell the decoder of stores.
            self.machine.library.flush_decoded()
            self.overwrote_code = False
        self._look_ahead()

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
        self._accessed(physical, size, kind)

    @guarded
    def physical_access(
        self, _session: object, _cpu: int, physical: int, size: int, _type: int, kind: int
    ) -> None:
        """At each access of the table walk; odd kinds set accessed and dirty bits."""
        self._accessed(physical, size, kind)

    @guarded
    def exception(self, _session: object, _cpu: int, vector: int, error: int) -> None:
        """At an exception, before its handler is looked for."""
        state = self.machine.library.cpu.state
        reason = None
        if vector == PAGE_FAULT:
            reason = narrow_fault(error, state.cr2, self.machine.tables(state))
        elif vector == GENERAL_PROTECTION:
            reason = narrow_load(self.code, self.machine.gprs())
        if reason:
            self.reply["not_representable"] = reason
        self._end_with_fault(vector, error)

    @guarded
    def interrupt(self, _session: object, _cpu: int, vector: int) -> None:
        """At ``int``, ``int3``, ``into`` and ``icebp``, before the handler is looked for."""
        if vector not in TRAPS_BY_INSTRUCTION:
            self.reply["not_representable"] = f"int {vector:#x}"
        self._end_with_fault(vector, 0)

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

    def _accessed(self, physical: int, size: int, kind: int) -> None:
        page = physical // PAGE_BYTES
        if page == APIC_PAGE:
            self._refuse_apic()
        elif kind & 1:
            self.written.add((physical, size))
            self.overwrote_code |= page in self.code_pages

    def _refuse_apic(self) -> None:
        self.reply["not_representable"] = "the page of the local APIC is accessed"
        self.stop()

    def _look_ahead(self) -> None:
        """Read the next instruction, and remember the pages that Bochs decodes from.

        This comes before Bochs's own fetch, which does not survive the local APIC's page.
        """
        tables = self.machine.tables(self.machine.library.cpu.state)
        spans = tables.spans(self.linear, INSTRUCTION_BYTES) if tables else []
        self.code = b"".join(self.machine.memory.read(*span) for span in spans)
        self.code_pages.update(physical // PAGE_BYTES for physical, _ in spans)
        if APIC_PAGE in self.code_pages:
            self._refuse_apic()

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
        self.linear = self.machine.instruction_pointer(state)

    def _returned_past_4g(self) -> bool:
        cpu = self.machine.library.cpu
        return (
            self.far_return is not None
            and self.far_return.releases_across
            and bool(cpu.cs.attr & ATTRIBUTE_LONG)
            and cpu.rsp >= FOUR_GIB
        )

    def _end_with_fault(self, vector: int, error: int) -> None:
        self.fault = (vector, error, self.linear)
        cpu = self.machine.library.cpu
        cpu.rip, cpu.rsp = self.rip, self.rsp
        self.stop()

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
