"""A call's ways come back as one trail, and only where it really returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.execution.containment import explored
from verifier.execution.path import OutOfModel, Reached, Subsumed

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.proving.session import Session

WAYS = "\ttestb $1, (%rsi)\n\tje 1f\n\tmovl $3, %eax\n\tret\n1:\tmovl $4, %eax\n\tret"
LEAVE = "leave:\tjmp out"


def endings(session: Session, kind: type) -> int:
    """Count paths by how they end."""
    return sum(isinstance(path.ending, kind) for path in session.paths)


def test_ways_through_a_callee_become_one(tmp_path: Path) -> None:
    """Two returns, one trail behind the call; the ways end as parts of it."""
    code = f"\tcall way\n\taddl $1, %eax\n{LEAVE}\nway:\n{WAYS}\nout:\thlt"
    session = explored(tmp_path, code, windows=True)
    assert (endings(session, Reached), endings(session, Subsumed)) == (1, 2)


def test_a_callee_that_drops_its_return_address_does_not_return(tmp_path: Path) -> None:
    """Jumping back past the call with another stack is no return, and is followed as it is."""
    code = f"\tcall way\nback:\taddl $1, %eax\n{LEAVE}\nway:\taddq $8, %rsp\n\tjmp back\nout:\thlt"
    session = explored(tmp_path, code, windows=True)
    assert endings(session, Reached) == 1
    code = f"\tcall way\nback:\taddl $1, %eax\n{LEAVE}\nway:\tjmp back\nout:\thlt"
    session = explored(tmp_path / "kept", code, windows=True)
    assert endings(session, Reached) == 1


def test_asking_for_ones_own_address_is_no_call(tmp_path: Path) -> None:
    """A call of the next instruction leaves its return address for the pop."""
    code = f"\tcall 1f\n1:\tpopq %rax\n{LEAVE}\nout:\thlt"
    session = explored(tmp_path, code, windows=True)
    assert (endings(session, Reached), endings(session, OutOfModel)) == (1, 0)


def test_calls_in_calls_return_inside_out(tmp_path: Path) -> None:
    """Each call's ways are joined behind that very call, however often a function is called."""
    outer = "outer:\tcall way\n\tcall way\n\tret"
    code = f"\tcall outer\n\tcall way\n{LEAVE}\n{outer}\nway:\n{WAYS}\nout:\thlt"
    session = explored(tmp_path, code, windows=True)
    assert (endings(session, Reached), endings(session, OutOfModel)) == (1, 0)
    assert endings(session, Subsumed) == 6
