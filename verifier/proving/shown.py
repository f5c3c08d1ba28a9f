"""Expressions as a person writes them: ``load + 0x33``, ``rsi[31:0]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from verifier.machine.words import known, signed, split

if TYPE_CHECKING:
    from claripy.ast.bv import BV

INFIX = {
    "__add__": "+",
    "__sub__": "-",
    "__mul__": "*",
    "__and__": "&",
    "__or__": "|",
    "__xor__": "^",
    "__lshift__": "<<",
    "LShR": ">>",
    "__eq__": "==",
    "__ne__": "!=",
    "And": "and",
    "Or": "or",
    "ULT": "<",
    "ULE": "<=",
    "UGT": ">",
    "UGE": ">=",
}
LONGEST = 96
"""Characters of the longest text; what is longer is cut in the middle."""


def shown(value: BV) -> str:
    """Give a readable text of at most about 100 characters."""
    text = _text(value, 0)
    return text if len(text) <= LONGEST else f"{text[:60]} ... {text[-30:]}"


def _text(value: Any, depth: int) -> str:  # noqa: ANN401  (claripy's arguments have many types)
    if not hasattr(value, "op"):
        return hex(value) if isinstance(value, int) else str(value)
    if value.op == "BVV":
        return f"{value.args[0]:#x}"
    if value.op in {"BVS", "BoolS"}:
        return str(value.args[0])
    if depth > 6:
        return "..."
    if value.op == "__add__":
        return _sum(cast("BV", value), depth)
    return _applied(value, depth)


def _sum(value: BV, depth: int) -> str:
    base, offset = split(value)
    if base is None or not offset or value.length != 64:
        return "(" + " + ".join(_text(part, depth + 1) for part in value.args) + ")"
    distance = signed(offset)
    sign = "-" if distance < 0 else "+"
    return f"{_text(base, depth + 1)} {sign} {abs(distance):#x}"


def _applied(value: Any, depth: int) -> str:  # noqa: ANN401 - claripy's arguments have many types
    arguments = value.args
    match value.op:
        case "Extract":
            high, low, whole = arguments
            inner = _text(whole, depth + 1)
            inner = inner if whole.op == "BVS" else f"({inner})"
            return f"{inner}[{high}:{low}]" if high != low else f"{inner}[{high}]"
        case "ZeroExt":
            return f"zext({_text(arguments[1], depth + 1)})"
        case "SignExt":
            return f"sext({_text(arguments[1], depth + 1)})"
        case "Concat":
            if all(known(part) == 0 for part in arguments[:-1]):
                return f"zext({_text(arguments[-1], depth + 1)})"
            return "(" + " : ".join(_text(part, depth + 1) for part in arguments) + ")"
        case "If":
            condition, then, otherwise = (_text(part, depth + 1) for part in arguments)
            return f"({then} if {condition} else {otherwise})"
        case operator if operator in INFIX:
            return "(" + f" {INFIX[operator]} ".join(_text(a, depth + 1) for a in arguments) + ")"
        case operator:
            return f"{operator.strip('_')}({', '.join(_text(a, depth + 1) for a in arguments)})"
