"""Expressions of claripy as Python over plain numbers, each node computed once.

A node becomes one assignment to a temporary. One text says what an operation means, whether
it is evaluated at once or becomes part of a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import claripy

from verifier.machine.words import width_of

if TYPE_CHECKING:
    from claripy.ast.base import Base
    from claripy.ast.bv import BV


Byte = Callable[[int], int]
"""Gives the byte at a physical address."""
Choices = Mapping[str, int]
"""Values that the manuals leave open, by name; 0 where there is none."""
Function = Callable[[list[int], Byte, Choices], tuple[int, object]]
"""Of a state's registers, memory and choices."""


def _mask(width: int) -> int:
    return (1 << width) - 1


def _signed(text: str, width: int) -> str:
    return f"(({text} ^ {1 << width - 1}) - {1 << width - 1})"


def _modulo(operator: str) -> Callable[[int, list[str]], str]:
    return lambda width, parts: f"({f' {operator} '.join(parts)}) & {_mask(width)}"


def _chain(operator: str) -> Callable[[int, list[str]], str]:
    return lambda _, parts: f" {operator} ".join(parts)


def _shifted(operator: str) -> Callable[[int, list[str]], str]:
    def text(width: int, parts: list[str]) -> str:
        value, count = parts
        whole = f"({value} {operator} {count}) & {_mask(width)}"
        return f"{whole} if {count} < {width} else 0"

    return text


def _shifted_arithmetically(width: int, parts: list[str]) -> str:
    value, count = parts
    return f"({_signed(value, width)} >> min({count}, {width})) & {_mask(width)}"


OPERATIONS: Mapping[str, Callable[[int, list[str]], str]] = MappingProxyType(
    {
        "__add__": _modulo("+"),
        "__sub__": _modulo("-"),
        "__mul__": _modulo("*"),
        "__and__": _chain("&"),
        "__or__": _chain("|"),
        "__xor__": _chain("^"),
        "__invert__": lambda width, parts: f"{parts[0]} ^ {_mask(width)}",
        "__neg__": lambda width, parts: f"-{parts[0]} & {_mask(width)}",
        "__lshift__": _shifted("<<"),
        "LShR": _shifted(">>"),
        "__rshift__": _shifted_arithmetically,
        "If": lambda _, parts: f"{parts[1]} if {parts[0]} else {parts[2]}",
        "And": _chain("and"),
        "Or": _chain("or"),
        "Not": lambda _, parts: f"not {parts[0]}",
    }
)
"""What gives a value of the width given, or a truth value."""
COMPARISONS = MappingProxyType(
    {"__eq__": "==", "__ne__": "!=", "ULT": "<", "ULE": "<=", "UGT": ">", "UGE": ">="}
)
SIGNED_COMPARISONS = MappingProxyType({"SLT": "<", "SLE": "<=", "SGT": ">", "SGE": ">="})


class Emitter:
    """Collects assignments, and what each gives for one choice of the symbols.

    ``leaf`` gives the text of a symbol by its name and width, and its number.
    """

    def __init__(self, leaf: Callable[[str, int], tuple[str, int]]) -> None:
        """Start with no lines."""
        self.lines: list[str] = []
        self.numbers: dict[str, int] = {}
        self._leaf = leaf
        self._texts: dict[int, str] = {}
        self._alive: list[Base] = []

    def text(self, expression: Base) -> str:
        """Give the name or number that has the expression's value after the lines so far."""
        for node in self._missing(expression):
            self._emit(node)
        return self._texts[expression.hash()]

    def name(self, text: str) -> str:
        """Assign a text to a new temporary and give its name."""
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name

    def number(self, expression: Base) -> int:
        """Give the expression's number."""
        return self.numbers[self.text(expression)]

    def _missing(self, expression: Base) -> Iterator[Base]:
        """Give the nodes that have no text yet, each after its operands."""
        waiting: list[tuple[Base, bool]] = [(expression, False)]
        while waiting:
            node, ready = waiting.pop()
            if node.hash() in self._texts:
                continue
            if ready:
                yield node
                continue
            waiting.append((node, True))
            waiting += [(each, False) for each in node.args if isinstance(each, claripy.ast.Base)]

    def _emit(self, node: Base) -> None:
        # Hashes are told from one another only while their nodes live.
        self._alive.append(node)
        match node.op:
            case "BVV" | "BoolV":
                text, number = str(node.args[0]), cast("int", node.args[0])
            case "BVS":
                text, number = self._leaf(str(node.args[0]), width_of(cast("BV", node)))
            case _:
                operands = [each for each in node.args if isinstance(each, claripy.ast.Base)]
                parts = [self._texts[each.hash()] for each in operands]
                places = [f"a{place}" for place in range(len(parts))]
                meaning = _evaluated(_operation(node, places), len(parts))
                number = meaning(*(self.numbers[part] for part in parts))
                text = self.name(_operation(node, parts))
        self._texts[node.hash()] = text
        self.numbers[text] = number


@lru_cache(maxsize=4096)
def _evaluated(text: str, count: int) -> Callable[..., int]:
    """Give the function of ``a0`` and so on that a text is."""
    given = ", ".join(f"a{place}" for place in range(count))
    return cast("Callable[..., int]", eval(f"lambda {given}: {text}"))  # noqa: S307 - made above


def _operation(node: Base, parts: list[str]) -> str:
    width = width_of(node) if isinstance(node, claripy.ast.BV) else 0
    if node.op in OPERATIONS:
        return OPERATIONS[node.op](width, parts)
    if node.op in COMPARISONS:
        return f"{parts[0]} {COMPARISONS[node.op]} {parts[1]}"
    operands = [each for each in node.args if isinstance(each, claripy.ast.BV)]
    if node.op in SIGNED_COMPARISONS:
        one, other = (_signed(text, width_of(operands[0])) for text in parts)
        return f"{one} {SIGNED_COMPARISONS[node.op]} {other}"
    match node.op:
        case "Extract":
            high, low = cast("tuple[int, int]", node.args[:2])
            shifted = f"{parts[0]} >> {low}" if low else parts[0]
            return f"{shifted} & {_mask(high - low + 1)}"
        case "Concat":
            return _joined(operands, parts)
        case "ZeroExt":
            return parts[0]
        case "SignExt":
            return f"{_signed(parts[0], width_of(operands[0]))} & {_mask(width)}"
    raise NotImplementedError(f"claripy's {node.op}")


def _joined(operands: list[BV], parts: list[str]) -> str:
    position, terms = 0, []
    for operand, text in zip(reversed(operands), reversed(parts), strict=True):
        if text != "0":
            terms.append(f"{text} << {position}" if position else text)
        position += width_of(operand)
    return " | ".join(terms) or "0"


def function(lines: list[str], result: str) -> Function:
    """Give the function of ``v, m, u`` that runs the lines and returns ``result``."""
    body = "".join(f"    {line}\n" for line in [*lines, f"return {result}"])
    names: dict[str, object] = {}
    exec(f"def made(v, m, u):\n{body}", names)  # noqa: S102 - text made of expressions above
    return cast("Function", names["made"])
