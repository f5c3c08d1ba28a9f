"""From the text of an SMT-LIB 2 script to a circuit that is true where its assertions hold.

The subset is what obligations are written in: QF_BV, constants and definitions without
parameters, ``let``, one ``check-sat`` at the end. Whatever else there is, is a BadInput.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.certificate.arithmetic import Bits, constant
from verifier.certificate.circuit import FALSE, TRUE, Literal
from verifier.certificate.expressions import Atom, Expression, Form, mistake, read
from verifier.certificate.operators import INDEXED, NAMES, WIDEST, Value, apply, apply_indexed
from verifier.certificate.sums import Sums
from verifier.errors import BadInput, nearest

RESERVED = {"true", "false", "let", "_", "!", "as", "forall", "exists", "match", "par", "BitVec"}
COMMENTS = {"set-info", "set-option", "exit"}


@dataclass(frozen=True, slots=True)
class Formula:
    """A circuit, the literal that says that all assertions hold, and the declared symbols."""

    circuit: Sums
    holds: Literal
    symbols: dict[str, Value]


def translate(text: str, most_gates: int) -> Formula:
    """Read a script; raise TooManyGates where its circuit is larger, BadInput with the place."""
    reader = _Reader(text, Sums(most_gates))
    for command in read(text):
        reader.obey(command)
    if not reader.asked:
        raise mistake("the script ends without (check-sat)", text, len(text))
    return Formula(reader.circuit, reader.holds, reader.symbols)


@dataclass(frozen=True, slots=True)
class _Apply:
    """What is to be done once the operands are known: the last ``count`` values."""

    form: Form
    count: int


@dataclass(frozen=True, slots=True)
class _Bind:
    """What is to be done once the values of a ``let`` are known."""

    names: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class _Forget:
    """The end of a ``let``."""

    names: tuple[str, ...]


def _index(expression: Expression) -> int | None:
    """Give a numeral below 2**31, None where it is none."""
    match expression:
        case Atom(text, _, False) if text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
        case _:
            return None


class _Reader:
    """Obeys the commands of one script."""

    def __init__(self, text: str, circuit: Sums) -> None:
        self.text = text
        self.circuit = circuit
        self.holds = TRUE
        self.asked = False
        self.symbols: dict[str, Value] = {}
        self._meaning: dict[str, list[Value]] = {}

    def _wrong(self, message: str, at: Expression) -> BadInput:
        return mistake(message, self.text, at.offset)

    def obey(self, command: Expression) -> None:
        match command:
            case Form((Atom(name), *_)) if name in COMMENTS:
                return
            case _ if self.asked:
                raise self._wrong("nothing that matters may follow (check-sat)", command)
            case Form((Atom("set-logic"), Atom("QF_BV"))):
                return
            case Form((Atom("declare-const"), Atom() as name, sort)):
                self._declare(name, sort)
            case Form((Atom("declare-fun"), Atom() as name, Form(()), sort)):
                self._declare(name, sort)
            case Form((Atom("define-fun"), Atom() as name, Form(()), sort, body)):
                width, value = self._width(sort), self._value(body)
                if width != (0 if isinstance(value, int) else len(value)):
                    raise self._wrong("the definition is not of the sort it says", body)
                self._name(name, value)
            case Form((Atom("assert"), body)):
                value = self._value(body)
                if not isinstance(value, int):
                    raise self._wrong("an assertion is a truth, not a bit-vector", body)
                self.holds = self.circuit.both(self.holds, value)
            case Form((Atom("check-sat"),)):
                self.asked = True
            case _:
                raise self._wrong("this is no command of the subset of SMT-LIB read here", command)

    def _name(self, name: Atom, value: Value) -> None:
        known = self._meaning.get(name.text) or name.text in RESERVED or name.text in NAMES
        if known or (not name.quoted and name.text[0] in '#0123456789":'):
            raise self._wrong(f"'{name.text}' cannot be given a meaning here", name)
        self._meaning[name.text] = [value]

    def _declare(self, name: Atom, sort: Expression) -> None:
        width = self._width(sort)
        fresh = tuple(self.circuit.input() for _ in range(max(width, 1)))
        value: Value = fresh if width else fresh[0]
        self._name(name, value)
        self.symbols[name.text] = value

    def _width(self, sort: Expression) -> int:
        """Give the bits of a sort, 0 for Bool."""
        match sort:
            case Atom("Bool"):
                return 0
            case Form((Atom("_"), Atom("BitVec"), number)):
                width = _index(number)
                if width and width <= WIDEST:
                    return width
                raise self._wrong(f"a bit-vector has 1 to {WIDEST} bits", number)
            case _:
                raise self._wrong("expected Bool or (_ BitVec width)", sort)

    def _value(self, expression: Expression) -> Value:
        """Give the value of a term; what is nested waits on a list, not on Python's stack."""
        waiting: list[Expression | _Apply | _Bind | _Forget] = [expression]
        values: list[Value] = []
        while waiting:
            match waiting.pop():
                case Atom() as atom:
                    values.append(self._atom(atom))
                case _Apply(form, count):
                    operands = values[len(values) - count :]
                    del values[len(values) - count :]
                    value = self._applied(form, operands)
                    self.circuit.spend(1 if isinstance(value, int) else len(value))
                    values.append(value)
                case _Bind(names, body):
                    for name in reversed(names):
                        self._meaning.setdefault(name, []).append(values.pop())
                    waiting += [_Forget(names), body]
                case _Forget(names):
                    for name in names:
                        self._meaning[name].pop()
                case Form((Atom("let", _, False), Form(bindings), body)) as form:
                    waiting += self._let(form, bindings, body)
                case Form((Atom("_", _, False), *_)) as form:
                    values.append(self._numeral(form))
                case Form((_, *operands)) as form if operands:
                    waiting += [_Apply(form, len(operands)), *reversed(operands)]
                case other:
                    raise self._wrong("expected a term", other)
        return values[0]

    def _let(
        self, form: Form, bindings: tuple[Expression, ...], body: Expression
    ) -> list[Expression | _Apply | _Bind | _Forget]:
        names: list[str] = []
        found: list[Expression] = []
        for binding in bindings:
            match binding:
                case Form((Atom(name), value)) if name not in RESERVED and name not in names:
                    names.append(name)
                    found.append(value)
                case _:
                    raise self._wrong("a binding is one new name and one term", binding)
        if not names:
            raise self._wrong("a let binds at least one name", form)
        return [_Bind(tuple(names), body), *reversed(found)]

    def _atom(self, atom: Atom) -> Value:
        word = atom.text
        if not atom.quoted:
            if word in {"true", "false"}:
                return TRUE if word == "true" else FALSE
            for mark, bits in (("#b", 1), ("#x", 4)):
                if word.startswith(mark):
                    return self._constant(atom, bits)
        meaning = self._meaning.get(word)
        if not meaning:
            raise self._wrong(f"'{word}' is not declared: {nearest(word, self._meaning)}", atom)
        return meaning[-1]

    def _constant(self, atom: Atom, bits: int) -> Bits:
        digits = atom.text[2:]
        valid = set("01" if bits == 1 else "0123456789abcdefABCDEF")
        if not 0 < len(digits) * bits <= WIDEST or not set(digits) <= valid:
            raise self._wrong(f"'{atom.text[:40]}' is no constant of 1 to {WIDEST} bits", atom)
        return constant(int(digits, 1 << bits), len(digits) * bits)

    def _numeral(self, form: Form) -> Bits:
        match form.items[1:]:
            case (Atom(word, _, False), number) if word.startswith("bv"):
                width = _index(number)
                digits = word[2:]
                plain = digits.isascii() and digits.isdigit() and len(digits) < 1300
                if plain and width and width <= WIDEST and int(digits) >> width == 0:
                    return constant(int(digits), width)
        raise self._wrong("expected (_ bvNUMBER width) with a number of that width", form)

    def _applied(self, form: Form, operands: list[Value]) -> Value:
        try:
            match form.items[0]:
                case Atom(name):
                    return apply(self.circuit, name, operands)
                case Form((Atom("_"), Atom(name), *numbers)) if name in INDEXED:
                    indices = [_index(number) for number in numbers]
                    known = [i for i in indices if i is not None]
                    return apply_indexed(self.circuit, name, known, operands)
        except BadInput as wrong:
            raise self._wrong(wrong.message, form) from None
        raise self._wrong("this operator is not known", form.items[0])
