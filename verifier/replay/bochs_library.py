"""The one door to the ``bochscpu`` package: which CPU, its session, and what has no setter.

The package ships no usable types, so ``Any`` ends here. Only a worker process imports this:
a process has one session, and the CPU model is chosen before it.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import bochscpu._bochscpu as native
from bochscpu import memory

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL_WITH_LA57 = 28
MODEL_WITHOUT_LA57 = 27
"""Indices in the library's ``cpu.model`` list, as of 0.3.1."""

GPR_NAMES = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
)
SEGMENT_NAMES = ("es", "cs", "ss", "ds", "fs", "gs")
CONTROL_NAMES = ("cr0", "cr2", "cr3", "cr4", "efer")

INSERTED_OPCODE = 1
"""The opcode of what Bochs puts at the end of a trace: hooks see it, the program has no such."""


class Library:
    """The loaded library with one CPU model, its only session, and the hooks in use."""

    def __init__(self, *, has_la57: bool) -> None:
        """Choose the model and start the session."""
        self._library = ctypes.CDLL(native.__file__)
        self._choose(MODEL_WITH_LA57 if has_la57 else MODEL_WITHOUT_LA57)
        self.session: Any = native.Session()
        self.cpu: Any = self.session.cpu
        self._force_flags = self._library["_ZN8BX_CPU_C11force_flagsEv"]
        self._force_flags.argtypes = [ctypes.c_void_p]
        self._force_flags.restype = None
        self._flush_decoded = self._library["_Z12flushICachesv"]
        self._flush_decoded.argtypes, self._flush_decoded.restype = [], None
        self._cpu_address = ctypes.addressof(ctypes.c_char.in_dll(self._library, "bx_cpu"))

    def _choose(self, model: int) -> None:
        find = self._library.sim_get_param_enum
        find.argtypes, find.restype = [ctypes.c_char_p], ctypes.c_void_p
        choose = self._library["_ZN15bx_param_enum_c3setEl"]
        choose.argtypes, choose.restype = [ctypes.c_void_p, ctypes.c_long], None
        choose(find(b"cpu.model"), model)

    def force_flags(self) -> None:
        """Make ``cpu.rflags`` hold the flags that Bochs computes only when asked."""
        self._force_flags(self._cpu_address)

    def flush_decoded(self) -> None:
        """Forget decoded instructions, also those right behind the one that runs."""
        self._flush_decoded()

    def hooks(self, **callbacks: Callable[..., None]) -> list[Any]:
        """Give the hook list for ``session.run``."""
        hook = native.Hook()
        for name, callback in callbacks.items():
            setattr(hook, name, callback)
        return [hook]

    @staticmethod
    def opcode(instruction: object) -> int:
        """Give Bochs's number of the instruction that a hook was handed."""
        return int(native.instr_bx_opcode(instruction))

    @staticmethod
    def segment(selector: int, base: int, limit: int, attributes: int, *, present: bool) -> Any:  # noqa: ANN401 - the package's own type, field by field
        """Make a segment register's value."""
        value = native.Segment()
        value.selector, value.base, value.limit = selector, base, limit
        value.attr, value.present = attributes, present
        return value

    @staticmethod
    def table(base: int, limit: int) -> Any:  # noqa: ANN401 - the package's own type
        """Make a GDTR or IDTR value."""
        value = native.GlobalSegment()
        value.base, value.limit = base, limit
        return value

    @staticmethod
    def insert_page(physical: int, host: int) -> None:
        """Back a guest page by a host page."""
        memory.page_insert(physical, host)

    @staticmethod
    def remove_page(physical: int) -> None:
        """Take a guest page's backing away."""
        memory.page_remove(physical)
