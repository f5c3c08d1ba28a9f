"""The QEMU engine: the second opinion, one instruction at a time through its debugger stub.

It runs straight through many faults that processors raise; Bochs is the judge of those.
What it shows as written is what differs from the start: a byte stored with the value it
had is not seen. Code that loads an IDT and then faults has its handler's frame pushed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.concrete import EndKind, FaultSeen, Observation, StepSeen
from verifier.machine.registers import (
    LEGACY_GPRS,
    ControlRegister,
    Cr0,
    Cr4,
    Efer,
    Gpr,
    Mode,
    Segment,
    Vector,
)
from verifier.replay.engine import Engine, NotRepresentable
from verifier.replay.far_transfer import INSTRUCTION_BYTES, FarContext, beyond_limit, split_prefixes
from verifier.replay.message import TRAPS_BY_INSTRUCTION
from verifier.replay.page_walk import PAGE_BYTES, Tables
from verifier.replay.qemu_load import QemuLoader
from verifier.replay.qemu_process import QemuProcess, deadline_after
from verifier.replay.qemu_registers import (
    GPR_NUMBERS,
    RFLAGS_NUMBER,
    RIP_NUMBER,
    QemuState,
    parse_fault,
)
from verifier.replay.translation import fault_seen, mode

if TYPE_CHECKING:
    from verifier.machine.concrete import Override, Start

HLT = 0xF4
STRING_OPCODES = frozenset(b"\x6c\x6d\x6e\x6f\xa4\xa5\xa6\xa7\xaa\xab\xac\xad\xae\xaf")
REPEAT_PREFIXES = frozenset(b"\xf2\xf3")
MOV_TO_CONTROL = b"\x0f\x22"
LOW_HALF = 0xFFFF_FFFF


class QemuEngine:
    """A QEMU process, kept between replays until one ends in a fault, which stops it."""

    def __init__(self, *, has_la57: bool) -> None:
        """Start the process and return at once."""
        self._has_la57 = has_la57
        self._process = QemuProcess(has_la57=has_la57)
        self._loader: QemuLoader | None = None

    def run(self, start: Start, steps: int, seconds: float) -> Observation:
        """Replay in QEMU; after ReplayFailed the engine is of no more use."""
        try:
            self._process.greet(deadline_after(seconds))
            if self._loader is None:
                self._loader = QemuLoader(self._process)
            self._loader.load(start)
            seen = _QemuRun(self._loader, start).observe(steps)
        except TimeoutError:
            raise self._process.failure("no answer in time") from None
        except (EOFError, OSError):
            raise self._process.failure("the process ended") from None
        except NotRepresentable:
            self._restart()
            raise
        if seen.end is EndKind.FAULTED:
            self._restart()
        return seen

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def _restart(self) -> None:
        self._process.close()
        self._process = QemuProcess(has_la57=self._has_la57)
        self._loader = None


class _QemuRun:
    """One replay: the state between two instructions, and what has been seen so far."""

    def __init__(self, loader: QemuLoader, start: Start) -> None:
        self.loader = loader
        self.process = loader.process
        self.start = start
        self.state = loader.state()
        self.steps: list[StepSeen] = []
        self.hidden: list[Override] = []

    def observe(self, limit: int) -> Observation:
        """Step to the end and read everything."""
        end, fault = EndKind.RAN, None
        while end is EndKind.RAN and fault is None and len(self.steps) < limit:
            self._impose()
            fault, halted = self._step()
            end = EndKind.HALTED if halted else end
        if fault is None:
            self._impose()
        written = self._written()
        state = self.state
        return Observation(
            engine=Engine.QEMU.value,
            steps=tuple(self.steps),
            end=end if fault is None else EndKind.FAULTED,
            fault=fault,
            gprs=self._all_gprs(),
            rip=state.rip,
            rflags=state.rflags,
            controls=state.controls,
            segments=state.segments,
            gdtr=state.gdtr,
            written=written,
        )

    def _mode(self) -> Mode:
        ia32e = bool(self.state.controls[ControlRegister.EFER] >> Efer.LMA & 1)
        return mode(wide=ia32e and self.state.segments[Segment.CS].long, ia32e=ia32e)

    def _step(self) -> tuple[FaultSeen | None, bool]:
        """Execute one instruction: give its fault, and whether it was ``hlt``."""
        before, at_mode, tables = self.state, self._mode(), self._tables()
        linear = before.rip
        if not at_mode.is_64:
            linear = (linear + before.segments[Segment.CS].base) & LOW_HALF
        code = tables.read_linear(linear, INSTRUCTION_BYTES) if tables else b""
        if at_mode.is_64 and tables and beyond_limit(self._far_context(tables), code):
            return FaultSeen(Vector.GP, 0, linear), False
        self._remember_page(tables, linear)
        if code[:1] == bytes([HLT]):
            self.process.stub.set_register(RIP_NUMBER, before.rip + 1)
        else:
            self._execute(linear, code)
        self.state = self.loader.state()
        if found := parse_fault(self.process.new_log()):
            if found.software and found.vector not in TRAPS_BY_INSTRUCTION:
                raise NotRepresentable(Engine.QEMU, f"int {found.vector:#x}")
            return fault_seen(Engine.QEMU, found.vector, found.error, linear), False
        if self.state.rip == before.rip and _opcode(code).startswith(MOV_TO_CONTROL):
            # QEMU leaves a virtual machine that nobody entered, into memory at address 0.
            raise NotRepresentable(Engine.QEMU, "a control register refuses the value")
        changed = {
            control: value
            for control, value in self.state.controls.items()
            if before.controls[control] != value
        }
        self.steps.append(StepSeen(linear, at_mode, changed))
        return None, code[:1] == bytes([HLT])

    def _execute(self, linear: int, code: bytes) -> None:
        prefixes, rex, opcode = split_prefixes(code)
        if REPEAT_PREFIXES.isdisjoint(prefixes) or not opcode or opcode[0] not in STRING_OPCODES:
            self.process.stub.command(b"s")
            return
        # A step is one iteration; so run to the instruction behind.
        behind = linear + len(prefixes) + bool(rex) + 1
        self.process.stub.command(b"Z0,%x,1" % behind)
        self.process.stub.command(b"c")
        self.process.stub.command(b"z0,%x,1" % behind)

    def _impose(self) -> None:
        wide = self._mode().is_64
        choices = (*self.hidden, *self.start.overrides.get(len(self.steps), ()))
        if not choices:
            return
        self.hidden = []
        for choice in choices:
            if choice.register is None:
                value = _imposed(self.state.rflags, choice)
                self.process.stub.set_register(RFLAGS_NUMBER, value, 4)
            elif wide:
                value = _imposed(self.state.gprs[choice.register], choice)
                self.process.stub.set_register(GPR_NUMBERS[choice.register], value)
            else:
                self._impose_narrow(choice.register, choice)
            self.state = self.loader.state()

    def _impose_narrow(self, register: Gpr, choice: Override) -> None:
        """Set what shows outside 64-bit mode now, and the rest on the way back to it.

        32-bit code clears an upper half or leaves it; zero is the one value that survives both.
        """
        if register not in LEGACY_GPRS:
            self.hidden.append(choice)
            return
        value = _imposed(self.state.gprs[register], choice)
        self.process.stub.set_register(GPR_NUMBERS[register], value & LOW_HALF)
        upper = choice.mask & ~LOW_HALF
        if upper & choice.value:
            reason = f"the upper half of {register.name} is chosen in 32-bit code"
            raise NotRepresentable(Engine.QEMU, reason)
        if upper:
            self.hidden.append(type(choice)(register, upper, 0))

    def _all_gprs(self) -> dict[Gpr, int]:
        """Give the registers in 64 bits, leaving the start's mode and memory if it must."""
        state: QemuState = self.state
        if not self._mode().is_64:
            if not self.loader.enter_own_mode():
                raise NotRepresentable(Engine.QEMU, "upper halves are out of reach at the end")
            state = self.loader.state()
        gprs = dict(state.gprs)
        for choice in self.hidden:
            if choice.register is not None:
                gprs[choice.register] = _imposed(gprs[choice.register], choice)
        return gprs

    def _tables(self) -> Tables | None:
        controls = self.state.controls
        if not controls[ControlRegister.CR0] >> Cr0.PG & 1:
            return Tables(0, 0, self.process.read)
        if not controls[ControlRegister.EFER] >> Efer.LMA & 1:
            return None
        levels = 5 if controls[ControlRegister.CR4] >> Cr4.LA57 & 1 else 4
        return Tables(controls[ControlRegister.CR3], levels, self.process.read)

    def _far_context(self, tables: Tables) -> FarContext:
        state = self.state
        return FarContext(
            gprs=[state.gprs[gpr] for gpr in Gpr],
            rip=state.rip,
            cpl=state.segments[Segment.CS].selector & 3,
            fs_base=state.segments[Segment.FS].base,
            gs_base=state.segments[Segment.GS].base,
            gdtr=(state.gdtr.base, state.gdtr.limit),
            tables=tables,
        )

    def _remember_page(self, tables: Tables | None, linear: int) -> None:
        spans = tables.spans(linear, INSTRUCTION_BYTES) if tables else []
        self.loader.executed.update(physical & -PAGE_BYTES for physical, _ in spans)

    def _written(self) -> dict[int, int]:
        """Give every byte that differs from the start's."""
        touched = self.process.touched()
        before = {page: bytearray(PAGE_BYTES) for page in touched}
        for address, data in self.start.memory.items():
            for index in range(0, len(data) + PAGE_BYTES, PAGE_BYTES):
                page = (address + index) & -PAGE_BYTES
                if page in before:
                    first, last = max(address, page), min(address + len(data), page + PAGE_BYTES)
                    if first < last:
                        part = data[first - address : last - address]
                        before[page][first - page : last - page] = part
        return {
            page + index: new
            for page, data in touched.items()
            if data != before[page]
            for index, (old, new) in enumerate(zip(before[page], data, strict=True))
            if old != new
        }


def _opcode(code: bytes) -> bytes:
    return split_prefixes(code)[2]


def _imposed(value: int, choice: Override) -> int:
    return value & ~choice.mask | choice.value & choice.mask
