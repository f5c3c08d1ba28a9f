"""The meaning of ordinary instructions, by angr: the only file that touches a lifter.

An instruction is lifted alone, unoptimised, at two nominal addresses. A constant of the two
lifts that moved by exactly their difference is relative to the code's address; one that
stayed is absolute; anything else has no meaning here. So nothing that the code computes
ever comes from a nominal address.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import claripy

logging.getLogger("angr.state_plugins.unicorn_engine").setLevel(logging.CRITICAL)

import archinfo
import pyvex
from angr.engines.vex.claripy.datalayer import ClaripyDataMixin
from angr.errors import AngrError

from verifier.machine.oracle import Unmodelled
from verifier.machine.paging import Intent
from verifier.machine.registers import STATUS_FLAGS, Gpr, Segment
from verifier.machine.words import bit, bits, concat, constant, known, split, width_of
from verifier.semantics.stack import name_pointer, require_big_stack

if TYPE_CHECKING:
    from claripy.ast.bv import BV

    from verifier.semantics.cpu import Cpu
    from verifier.semantics.forms import Form
    from verifier.semantics.instruction import Instruction

NOMINALS_64 = (0x0000_0000_1A2B_3C40, 0x0000_5D6E_7F81_92A7)
"""Two bases on either side of 4G that differ in every 16-bit part and in the low bits."""
NOMINALS_32 = (0x1A2B_3C40, 0x5D6E_92A7)
HELPERS = {True: "amd64g_calculate_rflags_all", False: "x86g_calculate_eflags_all"}
"""What makes flag bits of the lifter's thunk, by whether the code is 64-bit."""
CC_COPY = 0
"""The lifter's number for "the flags are the bits of CC_DEP1", in both architectures."""


class _Register:
    """Offsets of one architecture's registers in the lifter's register file."""

    def __init__(self, arch: archinfo.Arch, names: list[str]) -> None:
        offsets = {name: arch.registers[name][0] for name in arch.registers}
        self.width = arch.bits
        self.arch = arch
        self.gprs: dict[int, int] = {offsets[name]: number for number, name in enumerate(names)}
        self.cc_op = offsets["cc_op"]
        self.cc_dep1 = offsets["cc_dep1"]
        self.cc_dep2 = offsets["cc_dep2"]
        self.cc_ndep = offsets["cc_ndep"]
        self.ip = arch.ip_offset
        self.thunk = {self.cc_op, self.cc_dep1, self.cc_dep2, self.cc_ndep}


@lru_cache(maxsize=2)
def _file(*, is_64: bool) -> _Register:
    if is_64:
        return _Register(archinfo.ArchAMD64(), [register.name.lower() for register in Gpr])
    return _Register(archinfo.ArchX86(), ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"])


@dataclass(frozen=True, slots=True, eq=False)
class _Lift:
    """A lift at one nominal address; ``moving`` has what is relative to it, as offsets."""

    block: pyvex.IRSB
    moving: dict[int, int]

    @property
    def updates(self) -> bool:
        """Say whether it both loads and stores."""
        statements = self.block.statements
        expressions = [part for each in statements for part in each.expressions]
        return any(isinstance(part, pyvex.expr.Load) for part in expressions) and any(
            isinstance(each, pyvex.stmt.Store) for each in statements
        )

    def continues(self, const: Any) -> bool:
        """Say whether a constant of the lift is the address of the instruction that follows."""
        mask = (1 << self.block.arch.bits) - 1
        return bool(const.value == (self.block.addr + self.block.size & mask))


def execute(cpu: Cpu, instruction: Instruction, form: Form) -> None:
    """Execute an ordinary instruction, which has an allowed form, by its lift.

    Raises Fault as the processor does, Unmodelled where the lift says more than it may.
    """
    base, offset = split(cpu.state.rip)
    lift = _lift(instruction.raw, offset, instruction.mode.is_64, relative=base is not None)
    try:
        _Meaning(cpu, instruction, form, lift).run()
    except (AngrError, claripy.ClaripyError, NotImplementedError) as error:
        raise Unmodelled(f"the lifter cannot evaluate `{instruction.text}`: {error}") from error


@lru_cache(maxsize=8192)
def _lift(raw: bytes, offset: int, is_64: bool, *, relative: bool) -> _Lift:  # noqa: FBT001 - lru_cache's key
    arch = _file(is_64=is_64).arch
    mask = (1 << arch.bits) - 1
    if not relative:
        return _Lift(_block(raw, offset & mask, arch), {})
    nominals = NOMINALS_64 if is_64 else NOMINALS_32
    addresses = [nominal + offset & mask for nominal in nominals]
    one, other = (_block(raw, address, arch) for address in addresses)
    if _shape(one) != _shape(other):
        raise Unmodelled("the two lifts of an instruction have different shapes")
    moving: dict[int, int] = {}
    for here, there in zip(_constants(one), _constants(other), strict=True):
        change = int(there.value) - int(here.value)
        if change == 0:
            continue
        whole = pyvex.const.get_type_size(here.type) == arch.bits
        if not whole or (change - addresses[1] + addresses[0]) & mask:
            raise Unmodelled("a constant of the lift is neither absolute nor relative")
        moving[id(here)] = int(here.value) - nominals[0] & mask
    return _Lift(one, moving)


def forget_lifts() -> None:
    """Forget every lift, so that the next ones are made at the nominal bases of that time."""
    _lift.cache_clear()


def listing(instruction: Instruction) -> list[str]:
    """Give the lift of an instruction, line by line, at a nominal address."""
    return str(_lift(instruction.raw, 0, instruction.mode.is_64, relative=True).block).splitlines()


def _block(raw: bytes, address: int, arch: archinfo.Arch) -> pyvex.IRSB:
    try:
        block: pyvex.IRSB = pyvex.lift(
            raw, address, arch, max_bytes=len(raw), max_inst=1, opt_level=0
        )
    except pyvex.PyVEXError as error:
        raise Unmodelled(f"the lifter does not know bytes {raw.hex(' ')}") from error
    if block.jumpkind in {"Ijk_NoDecode", "Ijk_SigILL"} or block.size != len(raw):
        raise Unmodelled(f"the lifter does not know bytes {raw.hex(' ')}")
    return block


def _shape(block: pyvex.IRSB) -> str:
    return re.sub(r"0x[0-9a-f]+", "#", str(block))


def _constants(block: pyvex.IRSB) -> list[Any]:
    found = [
        const
        for statement in block.statements
        if not isinstance(statement, pyvex.stmt.IMark)
        for const in statement.constants
    ]
    return [*found, *block.next.constants]


class _Meaning(ClaripyDataMixin):
    """Evaluates one lifted instruction on the draft of a processor."""

    def __init__(self, cpu: Cpu, instruction: Instruction, form: Form, lift: _Lift) -> None:
        self.file = _file(is_64=instruction.mode.is_64)
        super().__init__(SimpleNamespace(arch=self.file.arch))
        self.state = SimpleNamespace(options=frozenset(), arch=self.file.arch)
        self.cpu = cpu
        self.instruction = instruction
        self.form = form
        self.lift = lift
        base, _ = split(cpu.state.rip)
        self.base = None if base is None else bits(base, self.file.width - 1, 0)
        self.thunk = self._initial_thunk()
        self.flags_written = False
        self.ip: BV | None = None
        self.continues = False
        self.left = False

    def run(self) -> None:
        """Execute the statements, then make flag bits of the thunk and continue."""
        if self.form.uses_stack and self.instruction.mode.is_64:
            name_pointer(self.cpu)
        elif self.form.uses_stack:
            require_big_stack(self.cpu)
        self.handle_vex_block(self.lift.block)

    # Constants

    def _handle_vex_const(self, const: Any) -> Any:
        moving = self.lift.moving.get(id(const))
        if moving is None or self.base is None:
            return super()._handle_vex_const(const)
        return self.base + moving if moving else self.base

    # Registers

    def _initial_thunk(self) -> dict[int, BV]:
        width, file = self.file.width, self.file
        parts = [constant(0, 1)] * width
        for flag in STATUS_FLAGS:
            parts[flag] = self.cpu.state.flags[flag]
        word = concat(*reversed(parts))
        zero = constant(0, width)
        copy = constant(CC_COPY, width)
        return {file.cc_op: copy, file.cc_dep1: word, file.cc_dep2: zero, file.cc_ndep: zero}

    def _perform_vex_expr_Get(self, offset: Any, ty: str, **_: Any) -> BV:
        width = pyvex.get_type_size(ty)
        where = known(offset)
        if where is None:
            raise Unmodelled("the lift reads a register chosen at run time")
        if where in self.thunk and width == self.file.width:
            return self.thunk[where]
        if where == self.file.ip and self.ip is not None:
            return self.ip
        register, low = self._gpr_at(where)
        return bits(self.cpu.gpr(register), low + width - 1, low)

    def _perform_vex_stmt_Put(self, offset: Any, data: Any, **_: Any) -> None:
        where = known(offset)
        if where is None:
            raise Unmodelled("the lift writes a register chosen at run time")
        if where in self.thunk:
            self.thunk[where] = data
            self.flags_written = True
        elif where == self.file.ip:
            self.ip = data
        else:
            register, low = self._gpr_at(where)
            self._set_gpr(register, low, data)

    def _gpr_at(self, where: int) -> tuple[int, int]:
        for low in (0, 8):
            register = self.file.gprs.get(where - low // 8)
            if register is not None:
                return register, low
        raise Unmodelled(f"the lift uses a register that is not modelled (offset {where})")

    def _set_gpr(self, register: int, low: int, data: BV) -> None:
        if low:
            value = self.cpu.gpr(register)
            upper = bits(value, 63, low + width_of(data))
            data = concat(upper, data, bits(value, low - 1, 0))
        self.cpu.set_gpr(register, data)

    # Memory

    def _segment(self) -> Segment:
        operand = self.instruction.memory
        if self.form.uses_stack or (operand is not None and operand.stack):
            return Segment.SS
        return Segment.DS

    def _perform_vex_expr_Load(self, addr: BV, ty: str, *_: Any, **__: Any) -> BV:
        size = pyvex.get_type_size(ty) // 8
        updates = self.lift.updates and not self.form.uses_stack
        intent = Intent.WRITE if updates else Intent.READ
        linear = self.cpu.linear(self._segment(), addr, size, intent)
        return self.cpu.load(linear, size, updates=updates)

    def _perform_vex_stmt_Store(self, addr: BV, data: BV, *_: Any, **__: Any) -> None:
        linear = self.cpu.linear(self._segment(), addr, width_of(data) // 8, Intent.WRITE)
        self.cpu.store(linear, data)

    # What no allowed form lifts to

    def _perform_vex_stmt_Dirty_call(self, func_name: str, *_: Any, **__: Any) -> Any:
        raise Unmodelled(f"the lift calls the helper {func_name}")

    def _perform_vex_stmt_CAS(self, *_: Any, **__: Any) -> None:
        raise Unmodelled("the lift compares and swaps")

    # Transfers

    def _handle_vex_stmt(self, stmt: Any) -> None:
        if not self.left:
            super()._handle_vex_stmt(stmt)

    def _handle_vex_stmt_Put(self, stmt: Any) -> None:
        if stmt.offset == self.file.ip:
            fixed = isinstance(stmt.data, pyvex.expr.Const)
            self.continues = fixed and self.lift.continues(stmt.data.con)
        super()._handle_vex_stmt_Put(stmt)

    def _handle_vex_stmt_Exit(self, stmt: Any) -> None:
        if stmt.jk != "Ijk_Boring":
            raise Unmodelled(f"the lift leaves by {stmt.jk}")
        if self.cpu.oracle.decide(self._handle_vex_expr(stmt.guard) == 1):
            self.left = True
            self._leave(self._handle_vex_const(stmt.dst), continues=self.lift.continues(stmt.dst))

    def _perform_vex_defaultexit(self, expr: BV, jumpkind: str) -> None:
        if jumpkind not in {"Ijk_Boring", "Ijk_Call", "Ijk_Ret", "Ijk_Yield"}:
            raise Unmodelled(f"the lift leaves by {jumpkind}")
        if not self.left:
            always = self.form.transfers and not self._conditional
            continues = self.continues and expr is self.ip and not always
            self._leave(expr, continues=continues)
        self._settle_flags()

    @property
    def _conditional(self) -> bool:
        return any(isinstance(each, pyvex.stmt.Exit) for each in self.lift.block.statements)

    def _leave(self, target: BV, *, continues: bool) -> None:
        if continues:
            self.cpu.advance(self.instruction.size)
        elif self.form.transfers:
            self.cpu.jump(target)
        else:
            raise Unmodelled("the lift transfers where the instruction does not")

    def _settle_flags(self) -> None:
        if not self.flags_written:
            return
        helper = HELPERS[self.instruction.mode.is_64]
        thunk = list(self.thunk.values())
        word = self._perform_vex_expr_CCall(helper, f"Ity_I{self.file.width}", thunk)
        undefined = self.form.undefined_flags(self.instruction)
        for flag in STATUS_FLAGS:
            if flag in undefined:
                self.cpu.set_flag(flag, self.cpu.undefined(f"rflags.{flag.name}", 1))
            elif flag not in self.form.unaffected:
                self.cpu.set_flag(flag, bit(word, flag))
