"""Expressions with some symbols replaced, all at once; what is shared is gone through once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from verifier.bundle.smtlib import children

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claripy.ast import Base
    from claripy.ast.bool import Bool
    from claripy.ast.bv import BV

Expression = TypeVar("Expression", "Bool", "BV")


@dataclass(slots=True)
class Renaming:
    """What symbols, by ``names``, are replaced by; ``done`` has results by an expression's hash."""

    names: set[str] = field(default_factory=set)
    done: dict[int, Base] = field(default_factory=dict)

    def add(self, pairs: Iterable[tuple[BV, BV]]) -> None:
        """Replace further symbols, each by the value beside it."""
        for symbol, value in pairs:
            self.names |= symbol.variables
            self.done[symbol.hash()] = value

    def touches(self, expression: Base) -> bool:
        """Say whether anything in an expression is replaced."""
        return not self.names.isdisjoint(expression.variables)

    def of(self, expression: Expression) -> Expression:
        """Give the expression with every symbol replaced."""
        pending: list[Base] = [expression]
        while pending:
            top = pending[-1]
            missing = [] if top.hash() in self.done or not self.touches(top) else children(top)
            missing = [each for each in missing if each.hash() not in self.done]
            if missing:
                pending += missing
                continue
            if top.hash() not in self.done:
                self.done[top.hash()] = self._made(top)
            pending.pop()
        return cast("Expression", self.done[expression.hash()])

    def _made(self, expression: Base) -> Base:
        if not self.touches(expression):
            return expression
        own: tuple[Any, ...] = expression.args
        parts = [self.done[each.hash()] if hasattr(each, "op") else each for each in own]
        return expression.make_like(expression.op, tuple(parts))
