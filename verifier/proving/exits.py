"""What a spec's exit means for the execution: an address, a changed bit, or ranges left."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from verifier.execution.exits import (
    ExitAfterBit,
    ExitAtInstruction,
    ExitLeavesRanges,
    ExitRule,
)
from verifier.proving.evaluate import Moment
from verifier.specification.expression import RegionBase
from verifier.specification.spec import ExitAfter, ExitAt, ExitLeaves

if TYPE_CHECKING:
    from verifier.proving.evaluate import Evaluator


def exit_rule(words: Evaluator) -> ExitRule:
    """Give the rule by which a path ends, in the entry state's values."""
    moment = Moment(words.entry)
    match words.spec.exit:
        case ExitAt(addresses):
            return ExitAtInstruction(tuple(words.word(term.node, moment) for term in addresses))
        case ExitAfter(register, bit):
            return ExitAfterBit(register, bit, words.entry.control(register))
        case ExitLeaves(names):
            sizes = {region.name: region.size for region in words.spec.regions}
            return ExitLeavesRanges(
                tuple((words.word(RegionBase(name), moment), sizes[name]) for name in names)
            )
        case _:
            assert_never(words.spec.exit)
