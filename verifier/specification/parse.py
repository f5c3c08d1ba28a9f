"""Text to expression: words and truths, checked as they are read.

A mistake is a BadInput whose column counts from 1 within the expression.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.specification import build, functions, meanings
from verifier.specification.expression import Conditional, Number, Truth, children
from verifier.specification.grammar import tree_of
from verifier.specification.vocabulary import Junction, Operator, Relation

if TYPE_CHECKING:
    from verifier.specification.expression import Node, Word
    from verifier.specification.scope import Scope

LARGEST = 200_000
"""Parts of one expression after ``all`` and ``any`` were written out."""

_SHOWN = 40

_OPERATORS: dict[type[ast.operator], Operator] = {
    ast.Add: Operator.ADD,
    ast.Sub: Operator.SUBTRACT,
    ast.Mult: Operator.MULTIPLY,
    ast.BitAnd: Operator.AND,
    ast.BitOr: Operator.OR,
    ast.BitXor: Operator.XOR,
    ast.LShift: Operator.SHIFT_LEFT,
    ast.RShift: Operator.SHIFT_RIGHT,
}

_RELATIONS: dict[type[ast.cmpop], Relation] = {
    ast.Eq: Relation.EQUAL,
    ast.NotEq: Relation.UNEQUAL,
    ast.Lt: Relation.LESS,
    ast.LtE: Relation.LESS_OR_EQUAL,
    ast.Gt: Relation.GREATER,
    ast.GtE: Relation.GREATER_OR_EQUAL,
}


def parse_word(text: str, scope: Scope, visits: list[int] | None = None) -> Word:
    """Read an expression whose value is a word of 64 bits."""
    tree = tree_of(text)
    parser = Parser(scope, text)
    word = parser.word(tree)
    if visits is not None:
        visits[0] += parser.visits[0]
    parser.check_size(word, tree)
    return word


def parse_truth(text: str, scope: Scope, visits: list[int] | None = None) -> Truth:
    """Read an expression that holds or not."""
    tree = tree_of(text)
    parser = Parser(scope, text)
    truth = parser.truth(tree)
    if visits is not None:
        visits[0] += parser.visits[0]
    parser.check_size(truth, tree)
    return truth


class Parser:
    """Reads the parts of one expression in one scope."""

    def __init__(self, scope: Scope, text: str, visits: list[int] | None = None) -> None:
        """Share ``visits``, a single count, with the parsers of what ``all`` repeats."""
        self.scope = scope
        self.text = text
        self.visits = [0] if visits is None else visits
        self.labels = scope.symbols.labels

    def mistake(self, message: str, at: ast.expr) -> BadInput:
        """Give the user's mistake at a part of the expression, to be raised."""
        return BadInput(message, column=at.col_offset + 1)

    def source(self, node: ast.expr) -> str:
        """Give a part as it was written, cut when long."""
        text = " ".join(self.text[node.col_offset : node.end_col_offset].split())
        return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."

    def check_size(self, node: Node, at: ast.expr) -> None:
        """Refuse an expression whose parts, written out, are too many to work with."""
        sizes: dict[int, int] = {}
        pending = [node]
        while pending:
            current = pending[-1]
            parts = children(current)
            waiting = [part for part in parts if id(part) not in sizes]
            if waiting:
                pending.extend(waiting)
                continue
            pending.pop()
            sizes[id(current)] = 1 + sum(sizes[id(part)] for part in parts)
        if sizes[id(node)] > LARGEST:
            raise self.mistake(f"written out, this has more than {LARGEST} parts", at)

    def word(self, node: ast.expr) -> Word:
        """Read a part that must be a word."""
        made = self.read(node)
        if isinstance(made, Truth):
            raise self.mistake(f"'{self.source(node)}' holds or not; a number is needed here", node)
        return made

    def truth(self, node: ast.expr) -> Truth:
        """Read a part that must hold or not."""
        made = self.read(node)
        if not isinstance(made, Truth):
            shown = self.source(node)
            raise self.mistake(f"'{shown}' is a number; compare it, as in '{shown} == 1'", node)
        return made

    def constant(self, node: ast.expr) -> int:
        """Read a part that must be a constant."""
        made = self.word(node)
        if not isinstance(made, Number):
            raise self.mistake(f"'{self.source(node)}' is not a constant", node)
        return made.value

    def read(self, node: ast.expr) -> Node:
        """Read any part."""
        self.visits[0] += 1
        if self.visits[0] > LARGEST:
            raise self.mistake(f"written out, the expression has more than {LARGEST} parts", node)
        match node:
            case ast.Constant(value=value):
                return self._literal(value, node)
            case ast.Name() | ast.Attribute():
                return meanings.read_name(self, node)
            case ast.Call():
                return functions.read_call(self, node)
            case ast.Compare():
                return self._comparison(node)
            case ast.BoolOp(op=op, values=values):
                junction = Junction.AND if isinstance(op, ast.And) else Junction.OR
                return build.joined(junction, [self.truth(value) for value in values])
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.Subscript(value=value, slice=index):
                return self._slice(self.word(value), index)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return Conditional(self.truth(test), self.word(body), self.word(orelse))
            case _:
                raise self.mistake(f"'{self.source(node)}' is not part of the language", node)

    def _literal(self, value: object, node: ast.expr) -> Number:
        if isinstance(value, bool):
            raise self.mistake(
                f"'{value}' is not part of the language; write {str(value).lower()}", node
            )
        if not isinstance(value, int):
            raise self.mistake(f"'{self.source(node)}' is not a whole number", node)
        if value > build.MASK:
            raise self.mistake(f"'{self.source(node)}' does not fit in 64 bits", node)
        return Number(value)

    def _unary(self, node: ast.UnaryOp) -> Node:
        match node.op:
            case ast.Not():
                return build.negation(self.truth(node.operand))
            case ast.Invert():
                return build.invert(self.word(node.operand))
            case ast.USub():
                return build.negate(self.word(node.operand))
            case _:
                return self.word(node.operand)

    def _arithmetic(self, node: ast.BinOp) -> Word:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        operator = _OPERATORS.get(type(node.op))
        if operator is None:
            message = f"'{self.source(node)}' uses an operator the language does not have"
            raise self.mistake(f"{message}; it has + - * & | ^ << >> and ** of constants", node)
        return build.arithmetic(operator, self.word(node.left), self.word(node.right), self.labels)

    def _power(self, node: ast.BinOp) -> Number:
        base, exponent = self.constant(node.left), self.constant(node.right)
        if base > 1 and exponent >= build.WIDTH:
            raise self.mistake(f"'{self.source(node)}' does not fit in 64 bits", node)
        value = int(exponent == 0) if base == 0 else base ** (exponent if base > 1 else 0)
        if value > build.MASK:
            raise self.mistake(f"'{self.source(node)}' does not fit in 64 bits", node)
        return Number(value)

    def _comparison(self, node: ast.Compare) -> Truth:
        mode = meanings.read_mode(self, node)
        if mode is not None:
            return mode
        words = [self.word(part) for part in (node.left, *node.comparators)]
        relations: list[Relation] = []
        for op in node.ops:
            relation = _RELATIONS.get(type(op))
            if relation is None:
                raise self.mistake("compare with == != < <= > or >=", node)
            relations.append(relation)
        pairs = zip(relations, words, words[1:], strict=False)
        return build.joined(Junction.AND, [build.compare(*pair) for pair in pairs])

    def _slice(self, word: Word, index: ast.expr) -> Word:
        match index:
            case ast.Slice(lower=ast.expr() as upper, upper=ast.expr() as lower, step=None):
                high, low = self.constant(upper), self.constant(lower)
            case ast.Slice() | ast.Tuple():
                raise self.mistake("write bits as [high:low], both included, or [bit]", index)
            case _:
                high = low = self.constant(index)
        if not low <= high < build.WIDTH:
            message = f"bits [{high}:{low}] are not [high:low] with 63 >= high >= low >= 0"
            raise self.mistake(message, index)
        return build.bits(word, high, low)
