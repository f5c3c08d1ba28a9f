"""A circuit of gates over Boolean inputs, in which equal gates are one.

A *literal* is twice the number of a node, plus 1 if negated. Node 0 is the constant, so that
literal 0 is false and literal 1 is true. A gate's operands have smaller numbers than the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Literal = int

FALSE: Literal = 0
TRUE: Literal = 1


class Kind(Enum):
    """What a node is: the constant, an input, or a gate of two or three operands."""

    CONSTANT = "constant"
    INPUT = "input"
    AND = "and"
    XOR = "xor"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Node:
    """One node; the operands of a CHOICE are the condition, then what it is if true, if false."""

    kind: Kind
    operands: tuple[Literal, ...] = ()


class TooManyGates(Exception):
    """The circuit would be larger than allowed, or take more work to fold than one so large."""


ASKED_PER_NODE = 50
"""How much more may be asked of a circuit than it may keep: what folds away takes time too."""


class Circuit:
    """Gates in the order in which they were first asked for, which makes numbers repeatable."""

    def __init__(self, most: int) -> None:
        """Allow ``most`` nodes, inputs included."""
        self.nodes: list[Node] = [Node(Kind.CONSTANT)]
        self._known: dict[Node, Literal] = {}
        self._most = most
        self._left = ASKED_PER_NODE * most

    def spend(self, amount: int) -> None:
        """Count ``amount`` bits that were asked for, gates or not."""
        self._left -= amount
        if self._left < 0:
            raise TooManyGates

    def _append(self, node: Node) -> Literal:
        if len(self.nodes) > self._most:
            raise TooManyGates
        self.nodes.append(node)
        return 2 * len(self.nodes) - 2

    def _gate(self, kind: Kind, *operands: Literal) -> Literal:
        node = Node(kind, operands)
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = self._append(node)
        return known

    def input(self) -> Literal:
        """Give a new input."""
        return self._append(Node(Kind.INPUT))

    def both(self, a: Literal, b: Literal) -> Literal:
        """Give ``a and b``."""
        self.spend(1)
        if a > b:
            a, b = b, a
        if a == FALSE or a == b ^ 1:
            return FALSE
        return b if a in {TRUE, b} else self._gate(Kind.AND, a, b)

    def either(self, a: Literal, b: Literal) -> Literal:
        """Give ``a or b``."""
        return self.both(a ^ 1, b ^ 1) ^ 1

    def differ(self, a: Literal, b: Literal) -> Literal:
        """Give ``a xor b``; the gate itself has no negated operand."""
        self.spend(1)
        odd = (a ^ b) & 1
        a, b = sorted((a & ~1, b & ~1))
        if a == b:
            return odd
        return odd ^ (b if a == FALSE else self._gate(Kind.XOR, a, b))

    def choose(self, condition: Literal, yes: Literal, no: Literal) -> Literal:
        """Give ``if condition then yes else no``; condition and yes are not negated in the gate."""
        self.spend(1)
        if condition & 1:
            condition, yes, no = condition ^ 1, no, yes
        if condition == FALSE or yes == no:
            return no
        if yes == no ^ 1:
            return self.differ(condition, no)
        if yes in {TRUE, condition}:
            return self.either(condition, no)
        if yes in {FALSE, condition ^ 1}:
            return self.both(condition ^ 1, no)
        if no in {FALSE, condition}:
            return self.both(condition, yes)
        if no in {TRUE, condition ^ 1}:
            return self.either(condition ^ 1, yes)
        odd = yes & 1
        return odd ^ self._gate(Kind.CHOICE, condition, yes ^ odd, no ^ odd)

    def all(self, literals: tuple[Literal, ...]) -> Literal:
        """Give the conjunction, true for none."""
        result = TRUE
        for literal in literals:
            result = self.both(result, literal)
        return result
