"""Scripts to certify: small ones of each kind, and random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.certificate.operators import ASSOCIATIVE, BINARY, COMPARISONS, UNARY

if TYPE_CHECKING:
    import random

COMMUTES = """(set-logic QF_BV)
(declare-const x (_ BitVec 8))
(declare-const y (_ BitVec 8))
(assert (distinct (bvadd x y) (bvadd y x #x01)))
(assert (= (bvadd (bvadd x #x01) y) (bvsub y (bvneg x))))
(check-sat)
"""
"""Unsatisfiable by the second assertion alone."""

APART = """(set-logic QF_BV)
(declare-fun rsp () (_ BitVec 16))
(declare-fun load () (_ BitVec 16))
(assert (bvuge (bvsub (bvadd rsp #xfff0) load) #x0100))
(assert (bvuge (bvsub load (bvadd rsp #xfff0)) #x0010))
(assert (bvult (bvsub (bvadd rsp #xfff8) load) #x0100))
(check-sat)
"""
"""Unsatisfiable, as obligations on a stack and an image that are apart; each assertion counts."""

UNSATISFIABLE = (COMMUTES, APART)


def asking(*assertions: str, **widths: int) -> str:
    """Give the script of some assertions over symbols of some widths, 0 for Bool."""
    sorts = {name: f"(_ BitVec {width})" if width else "Bool" for name, width in widths.items()}
    return "\n".join(
        [
            "(set-logic QF_BV)",
            *(f"(declare-const {name} {sort})" for name, sort in sorts.items()),
            *(f"(assert {assertion})" for assertion in assertions),
            "(check-sat)\n",
        ]
    )


def weakened(script: str) -> list[str]:
    """Give the script without each of its assertions in turn."""
    lines = script.splitlines(keepends=True)
    return [
        "".join([*lines[:place], *lines[place + 1 :]])
        for place, line in enumerate(lines)
        if line.startswith("(assert")
    ]


class Random:
    """Draws terms over vectors ``x``, ``y`` and truths ``p``; remembers what it drew."""

    def __init__(self, rng: random.Random, width: int) -> None:
        """Draw vectors of ``width`` bits."""
        self.rng = rng
        self.width = width
        self.drawn: set[str] = set()

    def _of(self, names: list[str]) -> str:
        name = self.rng.choice(names)
        self.drawn.add(name)
        return name

    def vector(self, depth: int) -> str:
        """Give a vector's term, nested up to ``depth``."""
        if depth == 0:
            number = self.rng.getrandbits(self.width)
            return self.rng.choice(["x", "y", f"(_ bv{number} {self.width})"])
        name = self._of([*ASSOCIATIVE, *BINARY, *UNARY, "ite", "let", "concat", "index"])
        a, b = self.vector(depth - 1), self.vector(depth - 1)
        match name:
            case "ite":
                return f"(ite {self.truth(depth - 1)} {a} {b})"
            case "let":
                return f"(let ((x {a}) (y {b})) {self.vector(depth - 1)})"
            case "concat":
                return f"((_ extract {self.width} 1) (concat {a} {b}))"
            case "index":
                return self._indexed(a)
            case "bvcomp":
                return f"((_ zero_extend {self.width - 1}) (bvcomp {a} {b}))"
            case _:
                return f"({name} {a})" if name in UNARY else f"({name} {a} {b})"

    def _indexed(self, a: str) -> str:
        by = self.rng.randrange(self.width)
        match self._of(["zero_extend", "sign_extend", "rotate_left", "rotate_right", "repeat"]):
            case "repeat":
                return f"((_ extract {self.width + by - 1} {by}) ((_ repeat 2) {a}))"
            case "zero_extend" | "sign_extend" as name:
                return f"((_ extract {self.width + by - 1} {by}) ((_ {name} {self.width}) {a}))"
            case name:
                return f"((_ {name} {by}) {a})"

    def truth(self, depth: int) -> str:
        """Give a truth's term."""
        if depth == 0:
            return self.rng.choice(["p", "true", "false", "p"])
        name = self._of([*COMPARISONS, "=", "distinct", "and", "or", "xor", "=>", "not", "iff"])
        match name:
            case "not":
                return f"(not {self.truth(depth - 1)})"
            case "and" | "or" | "xor" | "=>":
                return f"({name} {self.truth(depth - 1)} {self.truth(depth - 1)})"
            case "iff":
                return f"(= {self.truth(depth - 1)} {self.truth(depth - 1)})"
            case _:
                return f"({name} {self.vector(depth - 1)} {self.vector(depth - 1)})"
