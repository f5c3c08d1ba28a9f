"""The near call through memory: its target is read through DS, its return address goes to SS.

SDM vol. 2, "CALL". The lifter's form of it would not tell the two segments apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.registers import Mode
from verifier.semantics.operands import load_operand
from verifier.semantics.rows import Row
from verifier.semantics.stack import push

if TYPE_CHECKING:
    from verifier.semantics.cpu import Cpu
    from verifier.semantics.instruction import Instruction

TARGET_BYTES = 8


def call_indirect(cpu: Cpu, instruction: Instruction) -> None:
    """Push RIP, then go to the 64-bit address in memory."""
    target = load_operand(cpu, instruction, TARGET_BYTES)
    push(cpu, cpu.next_rip(instruction.size))
    cpu.jump(target)


ROWS = (
    Row(
        "CALL m64",
        b"\xff",
        call_indirect,
        digit=2,
        register_operand=False,
        modes=frozenset({Mode.LONG_64}),
    ),
)
