"""Where a call comes back: the instruction after it, with the stack as it was before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from verifier.execution.oracle import PathOracle
from verifier.execution.trail import Trail, same_place
from verifier.machine.oracle import About
from verifier.machine.registers import Gpr
from verifier.machine.words import plus
from verifier.solver import SolverGaveUp

if TYPE_CHECKING:
    from verifier.execution.oracle import Context

Stops = Callable[[Trail], bool]
"""Says whether a trail is handed back instead of followed further."""


def returning(context: Context, caller: Trail, called: Trail) -> Stops | None:
    """Give what recognises the return of the call that led from one trail to the other.

    None outside 64-bit mode, and for a call of the instruction that follows, which only
    asks for its own address.
    """
    before = caller.state
    size = called.steps[-1].instruction.size
    address, stack = plus(before.rip, size), before.gpr(Gpr.RSP)
    if not before.mode.is_64 or same_place(called.state.rip, address):
        return None

    def returned(trail: Trail) -> bool:
        state = trail.state
        if not state.mode.is_64 or not same_place(state.rip, address):
            return False
        if same_place(state.gpr(Gpr.RSP), stack):
            return True
        oracle = PathOracle(context, trail.knowledge, (), trail.number, state.rip)
        try:
            return oracle.holds(state.gpr(Gpr.RSP) == stack, About.CALL)
        except SolverGaveUp:
            return False

    return returned
