"""Text to a tree, by Python's grammar; nothing of it is ever run as Python."""

from __future__ import annotations

import ast
import re
import warnings

from verifier.errors import BadInput

LONGEST = 10_000
"""Characters in one expression."""

DEEPEST = 100
"""Nested parts in one expression."""

_QUOTED = re.compile(r""""[^"\n]*"|'[^'\n]*'""")

_TOO_MUCH = "this is not an expression: nested too deep, or a number is too long"
_WRITTEN = {"=": "==", "&&": "and", "||": "or", "!": "not"}
_FOREIGN = re.compile(r"(?<![=!<>:])=(?!=)|&&|\|\||!(?!=)")


def tree_of(text: str) -> ast.expr:
    """Read one expression; a mistake is a BadInput with a column, counted from 1 in it."""
    flat = re.sub(r"[\t\r\n]", " ", text)
    _check_characters(flat)
    shift = len(flat) - len(flat.lstrip(" "))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(flat[shift:], mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(flat, shift, error) from None
    except (ValueError, RecursionError, MemoryError):
        raise BadInput(_TOO_MUCH, column=shift + 1) from None
    _check_depth(tree, shift)
    return tree


def _syntax_error(text: str, shift: int, error: SyntaxError) -> BadInput:
    """Give the user's mistake, with what to write where C's signs were used."""
    foreign = _FOREIGN.search(_QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text))
    if foreign is not None:
        message = f"write '{_WRITTEN[foreign[0]]}' instead of '{foreign[0]}'"
        return BadInput(message, column=foreign.start() + 1)
    if "Exceeds the limit" in error.msg:
        return BadInput(_TOO_MUCH, column=shift + 1)
    column = min(shift + max(error.offset or 1, 1), len(text))
    return BadInput(f"this is not an expression: {error.msg}", column=column)


def _check_characters(text: str) -> None:
    """Refuse what Python's grammar would skip or change in silence, such as a comment."""
    if not text.strip(" "):
        raise BadInput("the expression is empty", column=1)
    if len(text) > LONGEST:
        raise BadInput(f"the expression is longer than {LONGEST} characters", column=1)
    strange = re.search(r"[^ -~]|\\|\"\"\"|'''", text)
    if strange is None:
        strange = re.search("#", _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text))
    if strange is not None:
        message = f"an expression cannot contain {strange[0]!r}"
        raise BadInput(message, column=strange.start() + 1)


def _check_depth(tree: ast.expr, shift: int) -> None:
    """Refuse a tree too deep to walk; move its columns by the blanks in front."""
    pending: list[tuple[ast.AST, int, int]] = [(tree, 1, 0)]
    while pending:
        node, depth, column = pending.pop()
        if isinstance(node, (ast.expr, ast.keyword)):
            node.col_offset += shift
            node.end_col_offset = (node.end_col_offset or 0) + shift
            column = node.col_offset
        if depth > DEEPEST:
            message = f"the expression is nested deeper than {DEEPEST}"
            raise BadInput(message, column=column + 1)
        pending.extend((child, depth + 1, column) for child in ast.iter_child_nodes(node))
