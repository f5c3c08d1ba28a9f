"""What our semantics may leave unmodelled, each with its reason.

A path that ends so is UNKNOWN to the prover, so none of these can hide a wrong proof. The
list keeps the tests honest: whatever else ends a case without a comparison fails them.
"""

from __future__ import annotations

import re

UNMODELLED = (
    # No trampoline here uses them, and their rules differ from those of flat segments.
    r"an expand-down segment",
    r"a stack segment of 16 bits",
    r"16-bit code is not modelled",
    r"a selector of the local descriptor table",
    r"a far (call|jump) through a system descriptor",
    r"a far return to an outer privilege level",
    r"leaving protected mode is not modelled",
    r"PAE paging outside IA-32e mode is not modelled",
    r"a change of CR4\.PAE while paging is on",
    r"CR8 is not modelled",
    r"model-specific register 0xc0000081 is not modelled",
    # Processors differ.
    r"a far transfer through m16:64, which processors take differently",
    r"a far call that changes mode on a stack that both address differently",
    r"an access that wraps around 4G",
    # One access is one run of physical bytes.
    r"an (access|instruction) crosses pages that are not adjacent",
    # The disassembler refuses a segment register that does not exist, where processors raise #UD.
    r"bytes ([0-9a-f]{2} ){0,3}8[ce] .* are no instruction to the decoder",
    # The lifter refuses a useless REX.W before a direct jump.
    r"the lifter does not know bytes (66 )*4[0-9a-f] (eb|e9) .*",
)
PATTERN = re.compile("|".join(UNMODELLED))


def is_allowed(reason: str) -> bool:
    """Say whether a case may end for this reason."""
    return PATTERN.fullmatch(reason) is not None
