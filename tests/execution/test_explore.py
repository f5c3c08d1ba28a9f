"""Exploration tells every path that ended outside the model or out of fuel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.execution.exits import ExitAfterBit
from verifier.execution.explore import Fuel, explore
from verifier.execution.oracle import Context, PathOracle
from verifier.execution.path import OutOfFuel, OutOfModel
from verifier.machine.models import ModelName
from verifier.machine.oracle import About
from verifier.machine.registers import ControlRegister, Cr4
from verifier.proving.entry import begin
from verifier.proving.exits import exit_rule
from verifier.proving.target import read_target
from verifier.solver import Solver, SolverGaveUp

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from claripy.ast.bool import Bool


def test_a_solver_that_gives_up_at_the_exit_ends_the_path_as_unknown(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question about the exit that is not answered never escapes, nor counts as "not there"."""
    target = read_target(root / "specs" / "la57-rfc")
    start = begin(target.spec, target.image, ModelName.RETAINING)
    rule = ExitAfterBit(ControlRegister.CR4, Cr4.LA57, start.state.control(ControlRegister.CR4))
    decide = PathOracle.decide

    def give_up(self: PathOracle, condition: Bool, about: About = About.INSTRUCTION) -> bool:
        if condition is asked:
            message = "out of patience"
            raise SolverGaveUp(message)
        return decide(self, condition, about)

    asked = rule.reached(start.state)
    monkeypatch.setattr(ExitAfterBit, "reached", lambda _self, _after: asked)
    monkeypatch.setattr(PathOracle, "decide", give_up)
    paths = explore(start.state, Context(Solver(), start.facts), rule)
    assert paths
    ending = paths[0].ending
    assert isinstance(ending, OutOfModel)
    assert "out of patience" in ending.reason


def test_a_limit_of_instructions_is_told(root: Path) -> None:
    """A path that is cut by the limit ends out of fuel, with the limit in the reason."""
    target = read_target(root / "specs" / "la57-rfc")
    start = begin(target.spec, target.image, ModelName.RETAINING)
    rule = exit_rule(start.evaluator)
    paths = explore(start.state, Context(Solver(), start.facts), rule, Fuel(instructions=5))
    assert paths
    ending = paths[0].ending
    assert isinstance(ending, OutOfFuel)
    assert "5 instructions" in ending.reason
