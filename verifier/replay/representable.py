"""Whether a start is a processor state that an engine can be put into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.registers import ControlRegister, Cr0, Cr4, Efer, Flag
from verifier.replay.bochs_models import BOCHS_PHYSICAL_BITS, bochs_model
from verifier.replay.engine import Engine, NotRepresentable

if TYPE_CHECKING:
    from verifier.machine.concrete import Start

BOCHS_PHYSICAL_LIMIT = 1 << BOCHS_PHYSICAL_BITS
RFLAGS_REFUSED = 1 << Flag.TF | 1 << Flag.VM
"""No engine raises a pending single-step trap at once, and virtual-8086 mode is not modelled."""


def require_for_bochs(start: Start) -> None:
    """Raise NotRepresentable where Bochs cannot hold ``start``."""
    reason = contradiction(start) or _beyond_bochs(start)
    if reason:
        raise NotRepresentable(Engine.BOCHS, reason)


def memory_end(start: Start) -> int:
    """Give the first physical address above all that ``start`` names."""
    return max((address + len(data) for address, data in start.memory.items()), default=0)


def contradiction(start: Start) -> str | None:
    """Say why no processor can be in this state, or None."""
    cr0, cr4, efer = (
        start.controls.get(register, 0)
        for register in (ControlRegister.CR0, ControlRegister.CR4, ControlRegister.EFER)
    )
    paging = cr0 >> Cr0.PG & 1
    if cr0 >> 32:
        return "CR0 has bits above 31"
    if paging and not cr0 >> Cr0.PE & 1:
        return "CR0.PG is set without CR0.PE"
    if efer >> Efer.LMA & 1 != efer >> Efer.LME & paging:
        return "EFER.LMA is not EFER.LME and CR0.PG"
    if efer >> Efer.LMA & 1 and not cr4 >> Cr4.PAE & 1:
        return "EFER.LMA is set without CR4.PAE"
    if start.rflags & RFLAGS_REFUSED:
        return "RFLAGS.TF or RFLAGS.VM is set"
    return None


def _beyond_bochs(start: Start) -> str | None:
    model = bochs_model(has_la57=start.has_la57)
    cr4 = start.controls.get(ControlRegister.CR4, 0)
    efer = start.controls.get(ControlRegister.EFER, 0)
    if cr4 & ~model.cr4_supported:
        return f"CR4 is {cr4:#x}; the model accepts {model.cr4_supported:#x}"
    if efer & ~model.efer_supported:
        return f"EFER is {efer:#x}; the model accepts {model.efer_supported:#x}"
    if start.controls.get(ControlRegister.CR3, 0) >= BOCHS_PHYSICAL_LIMIT:
        return f"CR3 holds an address at or above 2^{BOCHS_PHYSICAL_BITS}"
    if memory_end(start) > BOCHS_PHYSICAL_LIMIT:
        return f"memory at or above 2^{BOCHS_PHYSICAL_BITS} is named"
    return None
