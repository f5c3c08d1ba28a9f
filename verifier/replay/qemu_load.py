"""A start into QEMU: registers through the debugger stub, the rest through code it steps.

The stub takes control registers as they are, but loads a segment from the descriptor that
its selector names, and hides the upper halves outside 64-bit mode. So a start is laid out
from a 64-bit mode of the loader's own, with a table that holds each hidden part where the
selector points. All of that is gone from memory before the start's own bytes come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.registers import ControlRegister, Efer, Segment
from verifier.replay.engine import Engine, NotRepresentable
from verifier.replay.qemu_process import MEMORY_BYTES, PAGE_BYTES, QemuProcess
from verifier.replay.qemu_registers import (
    BASE_OFFSETS,
    CONTROL_OFFSETS,
    FS_BASE_NUMBERS,
    GPR_NUMBERS,
    RFLAGS_NUMBER,
    RIP_NUMBER,
    SEGMENT_NUMBERS,
    QemuState,
    parse_state,
)
from verifier.replay.representable import contradiction, memory_end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verifier.machine.concrete import SegmentValue, Start

ROOT, DIRECTORIES, CODE, POINTERS, TABLE = 0x2_0000, 0x2_1000, 0x2_4000, 0x2_5000, 0x3_0000
"""Where the loader keeps page tables, code, pseudo-descriptors and descriptors."""

LARGE_PAGES = 1024
"""Of 1 GiB each: the loader's tables map all of the memory to itself."""

TABLE_LIMIT = 0xFFFF
OWN_SELECTOR = 8
OWN_CODE_64 = 0x00AF_9A00_0000_FFFF
CR0_UNPAGED, CR0_PAGED, CR4_PAE, EFER_LME = 0x11, 0x8000_0011, 0x20, 0x100

GDT_POINTER, IDT_POINTER, OWN_POINTER = POINTERS, POINTERS + 0x10, POINTERS + 0x20
LOAD_OWN_TABLE = CODE
LOAD_NO_IDT = CODE + 0x10
LOAD_GDT_64 = CODE + 0x20
LOAD_GDT_32 = CODE + 0x30
LOADER_CODE = {
    LOAD_OWN_TABLE: b"\x0f\x01\x14\x25" + OWN_POINTER.to_bytes(4, "little"),
    LOAD_NO_IDT: b"\x0f\x01\x1c\x25" + IDT_POINTER.to_bytes(4, "little"),
    LOAD_GDT_64: b"\x0f\x01\x14\x25" + GDT_POINTER.to_bytes(4, "little"),
}
"""``lgdt`` and ``lidt`` of absolute addresses."""
THROUGH_CS = b"\x2e\x0f\x01\x15"
"""``lgdt`` in 32-bit code; the address in the code segment follows."""
FOUR_GIB = 1 << 32


class QemuLoader:
    """Puts one process into starts; keeps what QEMU must be told to forget."""

    def __init__(self, process: QemuProcess) -> None:
        """Take a process that has been greeted."""
        self.process = process
        self.executed: set[int] = {CODE}
        self._fs_base = self._find_fs_base()

    def state(self) -> QemuState:
        """Give what the monitor shows."""
        return parse_state(self.process.stub.monitor("info registers"))

    def load(self, start: Start) -> None:
        """Put the process into ``start``; NotRepresentable where QEMU cannot be."""
        _require(start)
        stub, process = self.process.stub, self.process
        process.clear()
        if not self.enter_own_mode():
            raise self._refuse("its own descriptor table is out of reach")
        process.write(OWN_POINTER, _pointer(TABLE, TABLE_LIMIT))
        process.write(GDT_POINTER, _pointer(start.gdtr.base, start.gdtr.limit))
        for selector, raw in _descriptors(start.segments).items():
            process.write(TABLE + selector, raw)
        for address, code in LOADER_CODE.items():
            stub.write_physical(address, code)
        self._step(LOAD_OWN_TABLE)
        self._step(LOAD_NO_IDT)
        for gpr, number in GPR_NUMBERS.items():
            stub.set_register(number, start.gprs.get(gpr, 0))
        self._load_segments(start)
        self._load_controls(start.controls)
        stub.set_register(RIP_NUMBER, start.rip)
        stub.set_register(RFLAGS_NUMBER, start.rflags, 4)
        self._load_memory(start)
        self._check(start)

    def enter_own_mode(self) -> bool:
        """Go to 64-bit mode with the loader's tables, executing nothing; say whether it worked.

        It overwrites memory. General registers keep all 64 bits, which then show.
        """
        stub, process = self.process.stub, self.process
        gdtr = self.state().gdtr
        if gdtr.limit < OWN_SELECTOR + 7 or gdtr.base + OWN_SELECTOR + 8 > MEMORY_BYTES:
            return False
        tables = b"".join(((n << 30) + 0x83).to_bytes(8, "little") for n in range(LARGE_PAGES))
        process.write(DIRECTORIES, tables)
        for index in range(len(tables) // PAGE_BYTES):
            entry = DIRECTORIES + index * PAGE_BYTES + 3
            process.write(ROOT + 8 * index, entry.to_bytes(8, "little"))
        process.write(gdtr.base + OWN_SELECTOR, OWN_CODE_64.to_bytes(8, "little"))
        self.set_control(ControlRegister.CR0, CR0_UNPAGED)
        self.set_control(ControlRegister.CR4, CR4_PAE)
        self.set_control(ControlRegister.CR3, ROOT)
        self.set_control(ControlRegister.EFER, EFER_LME)
        self.set_control(ControlRegister.CR0, CR0_PAGED)
        stub.set_register(SEGMENT_NUMBERS[Segment.CS], 0, 4)
        return stub.set_register(SEGMENT_NUMBERS[Segment.CS], OWN_SELECTOR, 4)

    def set_control(self, control: ControlRegister, value: int) -> None:
        """Set a control register as it is, unchecked."""
        self.process.stub.set_register(self._fs_base + CONTROL_OFFSETS[control], value)

    def _find_fs_base(self) -> int:
        mark = 0x1234_5000
        for number in FS_BASE_NUMBERS:
            self.process.stub.set_register(number, mark)
            if self.state().segments[Segment.FS].base == mark:
                return number
        raise self._refuse("its debugger stub numbers registers in an unknown way")

    def _step(self, rip: int) -> None:
        self.process.stub.set_register(RIP_NUMBER, rip)
        self.process.stub.command(b"s")
        if self.process.new_log():
            raise self._refuse("the descriptor tables cannot be loaded in the start's mode")

    def _load_segments(self, start: Start) -> None:
        stub = self.process.stub
        for segment in sorted(start.segments, key=lambda segment: segment is Segment.CS):
            value = start.segments[segment]
            # The stub skips a selector that is there already.
            stub.set_register(SEGMENT_NUMBERS[segment], value.selector ^ 0x10, 4)
            stub.set_register(SEGMENT_NUMBERS[segment], value.selector, 4)
            if segment in BASE_OFFSETS:
                stub.set_register(self._fs_base + BASE_OFFSETS[segment], value.base)
        self._load_gdt(start.segments[Segment.CS])

    def _load_gdt(self, code: SegmentValue) -> None:
        if code.long:
            self._step(LOAD_GDT_64)
            return
        pointer = (GDT_POINTER - code.base) % FOUR_GIB
        self.process.stub.write_physical(LOAD_GDT_32, THROUGH_CS + pointer.to_bytes(4, "little"))
        self._step((LOAD_GDT_32 - code.base) % FOUR_GIB)

    def _load_controls(self, controls: Mapping[ControlRegister, int]) -> None:
        if not controls.get(ControlRegister.EFER, 0) >> Efer.LMA & 1:
            self.set_control(ControlRegister.CR0, CR0_UNPAGED)
        order = (
            *(ControlRegister.EFER, ControlRegister.CR4, ControlRegister.CR3),
            *(ControlRegister.CR2, ControlRegister.CR0),
        )
        for control in order:
            self.set_control(control, controls.get(control, 0))

    def _load_memory(self, start: Start) -> None:
        self.process.clear()
        for address, data in start.memory.items():
            self.process.write(address, data)
        for page in self.executed:
            self.process.stub.write_physical(page, self.process.read(page, PAGE_BYTES))
        self.executed = {CODE}

    def _check(self, start: Start) -> None:
        state = self.state()
        for control, value in start.controls.items():
            if state.controls[control] != value:
                raise self._refuse(f"{control.name} reads {state.controls[control]:#x}")
        if state.gdtr != start.gdtr:
            raise self._refuse(f"GDTR reads {state.gdtr}")
        for segment, wanted in start.segments.items():
            if not wanted.null and state.segments[segment] != wanted:
                raise self._refuse(f"{segment.name} reads {state.segments[segment]}")

    @staticmethod
    def _refuse(reason: str) -> NotRepresentable:
        return NotRepresentable(Engine.QEMU, reason)


def _require(start: Start) -> None:
    reason = contradiction(start)
    if not reason and memory_end(start) > MEMORY_BYTES:
        reason = "memory is named beyond what QEMU is given"
    if not reason and start.segments[Segment.CS].selector & 3:
        reason = "the start is not at privilege level 0"
    if not reason and not start.segments[Segment.CS].long and start.gdtr.base >> 32:
        reason = "a start in 32-bit code with the GDT above 4G"
    if reason:
        raise NotRepresentable(Engine.QEMU, reason)


def _pointer(base: int, limit: int) -> bytes:
    return limit.to_bytes(2, "little") + base.to_bytes(8, "little")


def _descriptors(segments: Mapping[Segment, SegmentValue]) -> dict[int, bytes]:
    """Give the descriptors that make these hidden parts, by selector without its low bits."""
    found: dict[int, bytes] = {}
    for segment, value in segments.items():
        raw = _descriptor(segment, value)
        if found.setdefault(value.selector & 0xFFF8, raw) != raw:
            reason = f"two segment registers hold {value.selector:#x} with different hidden parts"
            raise NotRepresentable(Engine.QEMU, reason)
    return found


def _descriptor(segment: Segment, value: SegmentValue) -> bytes:
    if not value.present:
        return bytes(8)
    base = 0 if segment in BASE_OFFSETS else value.base
    limit = value.limit >> 12 if value.granular else value.limit
    exact = limit << 12 | 0xFFF if value.granular else limit
    if exact != value.limit or limit >> 20 or base >> 32:
        reason = f"no descriptor gives {segment.name} the limit {value.limit:#x} and that base"
        raise NotRepresentable(Engine.QEMU, reason)
    kind = value.type | value.s << 4 | value.dpl << 5 | value.present << 7
    flags = limit >> 16 | value.long << 5 | value.default_big << 6 | value.granular << 7
    low = limit.to_bytes(3, "little")[:2] + base.to_bytes(4, "little")[:3]
    return low + bytes((kind, flags, base >> 24))
