"""Expressions as SMT-LIB 2 text of the logic QF_BV, with constants in #b and #x.

Only operators of the standard (versions 2.0 to 2.7) are written, the associative ones with two
operands each. What occurs more than once is defined once, under a name of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from verifier.bundle.kinds import CHECK, LOGIC, STATUS
from verifier.errors import Bug

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claripy.ast import Base
    from claripy.ast.bool import Bool

NIBBLE, BYTE = 4, 8
WIDEST = 100
"""Characters of a term that is written where it is used; what is longer gets a name."""
CHAINED = {
    "__add__": "bvadd",
    "__mul__": "bvmul",
    "__and__": "bvand",
    "__or__": "bvor",
    "__xor__": "bvxor",
    "__sub__": "bvsub",
    "Concat": "concat",
    "And": "and",
    "Or": "or",
    "Xor": "xor",
}
PLAIN = {
    "__floordiv__": "bvudiv",
    "__mod__": "bvurem",
    "SDiv": "bvsdiv",
    "SMod": "bvsrem",
    "__lshift__": "bvshl",
    "__rshift__": "bvashr",
    "LShR": "bvlshr",
    "__invert__": "bvnot",
    "__neg__": "bvneg",
    "__eq__": "=",
    "__ne__": "distinct",
    "ULT": "bvult",
    "ULE": "bvule",
    "UGT": "bvugt",
    "UGE": "bvuge",
    "SLT": "bvslt",
    "SLE": "bvsle",
    "SGT": "bvsgt",
    "SGE": "bvsge",
    "Not": "not",
    "If": "ite",
}
EXTENSIONS = {"ZeroExt": "zero_extend", "SignExt": "sign_extend"}
ROTATIONS = {"RotateLeft": "rotate_left", "RotateRight": "rotate_right"}


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """An operator of claripy's with its operands, as it stands: nothing is simplified.

    It is a condition; as an operand it is taken where an expression is.
    """

    op: str
    args: tuple[Any, ...]

    def hash(self) -> int:
        """Give what tells it from every other one."""
        return id(self)


Condition = Union["Bool", Applied]


@dataclass(slots=True)
class Script:
    """The lines of one script, as expressions are asserted."""

    lines: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    symbols: dict[str, str] = field(default_factory=dict)
    uses: Counter[int] = field(default_factory=Counter)
    definitions: int = 0

    def count(self, conditions: Iterable[Condition]) -> None:
        """Learn which expressions occur more than once in all that will be asserted."""
        pending: list[Any] = list(conditions)
        while pending:
            expression = pending.pop()
            key = expression.hash()
            self.uses[key] += 1
            if self.uses[key] == 1:
                pending += children(expression)

    def assert_that(self, condition: Condition, comment: str = "") -> None:
        """Assert a condition, with a comment above it."""
        term = self.term(condition)
        self.lines += [*comments(comment), f"(assert {term})"]

    def term(self, expression: Base | Applied) -> str:
        """Give the term of an expression, what it needs declared and defined above."""
        pending: list[Any] = [expression]
        while pending:
            top = pending[-1]
            key = top.hash()
            if key in self.names:
                pending.pop()
                continue
            missing = [each for each in children(top) if each.hash() not in self.names]
            if missing:
                pending += missing
                continue
            pending.pop()
            self.names[key] = self._named(top, self._text(top))
        return self.names[expression.hash()]

    def _text(self, expression: Base) -> str:
        if expression.op in {"BVS", "BoolS"}:
            return self._symbol(expression)
        return applied(expression, [self.names[each.hash()] for each in children(expression)])

    def _named(self, expression: Base, text: str) -> str:
        if " " not in text or expression.op in {"BVS", "BoolS"}:
            return text
        if self.uses[expression.hash()] <= 1 and len(text) <= WIDEST:
            return text
        self.definitions += 1
        name = f"t{self.definitions}"
        self.lines.append(f"(define-fun {name} () {sort(expression)} {text})")
        return name

    def _symbol(self, expression: Any) -> str:  # noqa: ANN401  (claripy's arguments have many types)
        name = f"|{expression.args[0]}|"
        if not name.isprintable() or set(name[1:-1]) & set('|"\\'):
            raise Bug(f"a symbol's name is none of SMT-LIB: {name}")
        kind = sort(expression)
        if self.symbols.setdefault(name, kind) != kind:
            raise Bug(f"two symbols of different width have one name: {name}")
        line = f"(declare-const {name} {kind})"
        self.lines.append(line)
        return name


def children(expression: Any) -> list[Base]:  # noqa: ANN401 - as above
    """Give the operands that are expressions."""
    if expression.op in {"BVS", "BVV", "BoolS", "BoolV"}:
        return []
    return [each for each in expression.args if hasattr(each, "op")]


def sort(expression: Any) -> str:  # noqa: ANN401 - as above
    """Give the sort of an expression."""
    width = getattr(expression, "length", None)
    return "Bool" if width is None else f"(_ BitVec {width})"


def number(value: int, width: int) -> str:
    """Give a constant of ``width`` bits."""
    if width % NIBBLE == 0:
        return f"#x{value:0{width // NIBBLE}x}"
    return f"#b{value:0{width}b}"


def applied(expression: Any, operands: Sequence[str]) -> str:  # noqa: ANN401 - as above
    """Give an operator applied to the terms of its operands."""
    operator, arguments = expression.op, expression.args
    if operator == "BVV":
        return number(arguments[0], expression.length)
    if operator == "BoolV":
        return "true" if arguments[0] else "false"
    if operator in CHAINED:
        return chained(CHAINED[operator], operands)
    if operator in PLAIN:
        return f"({PLAIN[operator]} {' '.join(operands)})"
    if operator in EXTENSIONS:
        return f"((_ {EXTENSIONS[operator]} {arguments[0]}) {operands[0]})"
    if operator == "Extract":
        return f"((_ extract {arguments[0]} {arguments[1]}) {operands[0]})"
    if operator == "Reverse":
        return _reversed(operands[0], expression.length)
    if operator in ROTATIONS and arguments[1].op == "BVV":
        distance = arguments[1].args[0] % expression.length
        return f"((_ {ROTATIONS[operator]} {distance}) {operands[0]})"
    raise Bug(f"an operator without a form in SMT-LIB: {operator}")


def chained(operator: str, operands: Sequence[str]) -> str:
    """Apply an operator of two operands from the left; of one it is the operand itself."""
    result = operands[0]
    for each in operands[1:]:
        result = f"({operator} {result} {each})"
    return result


def _reversed(operand: str, width: int) -> str:
    parts = [f"((_ extract {low + BYTE - 1} {low}) {operand})" for low in range(0, width, BYTE)]
    return chained("concat", parts)


def comments(text: str) -> list[str]:
    """Give a text as comment lines, whatever characters it has."""
    return [
        f"; {''.join(each if each.isprintable() else '?' for each in line)}".rstrip()
        for line in text.splitlines()
    ]


def script(header: Iterable[str], asserted: Sequence[tuple[str, Condition]], status: str) -> str:
    """Give a whole file: comments, then each condition with its own; ``status`` is expected."""
    text = Script()
    text.count(condition for _, condition in asserted)
    for comment, condition in asserted:
        text.assert_that(condition, comment)
    head = [line for each in header for line in comments(each)]
    setting = [f"{STATUS}{status})", f"(set-logic {LOGIC})"]
    return "\n".join([*head, *setting, *text.lines, CHECK, ""])
