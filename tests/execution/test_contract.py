"""What stands for a callee stands only where the next instruction is known to be its first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import claripy

from tests.execution.containment import begun_at
from verifier.execution.contract import Contract, stand_in
from verifier.execution.oracle import Context, Knowledge, PathOracle
from verifier.execution.path import OutOfModel
from verifier.machine.words import symbol
from verifier.solver import Solver, SolverGaveUp

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from claripy.ast.bool import Bool

    from verifier.machine.oracle import About


def test_a_solver_that_gives_up_on_the_callee_ends_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a contract stands here is never taken for "no": the path says what was asked."""

    def give_up(_self: PathOracle, _condition: Bool, _about: About) -> bool:
        message = "out of patience"
        raise SolverGaveUp(message)

    at, _ = begun_at(tmp_path, "leave: jmp out\nout: hlt")
    callee = Contract(
        *("callee", symbol("callee_at"), (), 0, 0, lambda *_: ()),
        *(lambda *_: claripy.true(), lambda *_: claripy.true()),
    )
    context = Context(Solver(), (), contracts=(callee,))
    oracle = PathOracle(context, Knowledge((), (), {}, frozenset()), (), 0)
    monkeypatch.setattr(PathOracle, "holds", give_up)
    taken = stand_in(context, replace(at(), rip=symbol("somewhere")), oracle, 0)
    assert taken is not None
    assert isinstance(taken.ending, OutOfModel)
    assert "out of patience" in taken.ending.reason
