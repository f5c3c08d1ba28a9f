"""What a call in an expression means."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.specification import build, meanings
from verifier.specification.expression import Cpuid, Implies, Memory, Number, Translate
from verifier.specification.scope import suggestion
from verifier.specification.vocabulary import CpuidRegister, Junction, Operator, Relation, When

if TYPE_CHECKING:
    from verifier.specification.expression import Node, Truth
    from verifier.specification.parse import Parser
    from verifier.specification.scope import Extent

MOST_ITERATIONS = 4096
"""How many values ``all`` and ``any`` may range over."""

_MEMORY = {"mem8": 1, "mem16": 2, "mem32": 4, "mem64": 8}

_CPUID = {f"cpuid_{register.value}": register for register in CpuidRegister}

MEMORY_FUNCTIONS = frozenset({*_MEMORY, "translate"})
"""What asks where an address lies, which only a path knows."""

SIGNATURES: dict[str, str] = {
    "mem8": "mem8(address)",
    "mem16": "mem16(address)",
    "mem32": "mem32(address)",
    "mem64": "mem64(address)",
    "translate": "translate(address)",
    "canonical": "canonical(address)",
    "low32": "low32(word)",
    "aligned": "aligned(word, power of two)",
    "implies": "implies(premise, conclusion)",
    "within": "within(address, size, region, ...)",
    "disjoint": "disjoint(region, region, ...)",
    **{name: f"{name}(leaf, subleaf)" for name in _CPUID},
    "label": 'label("symbol")',
    "sizeof": "sizeof(image)",
    "all": "all(truth for i in range(first, end))",
    "any": "any(truth for i in range(first, end))",
}
"""How each function is called."""

_COUNTS = {"aligned": 2, "implies": 2, "within": 3, "disjoint": 2, **dict.fromkeys(_CPUID, 2)}
_VARIADIC = {"within", "disjoint"}


def read_call(parser: Parser, node: ast.Call) -> Node:
    """Give the meaning of ``function(...)`` or ``entry.function(...)``."""
    name, when = _called(parser, node)
    arguments = node.args
    least = _COUNTS.get(name, 1)
    enough = len(arguments) >= least if name in _VARIADIC else len(arguments) == least
    if node.keywords or not enough or any(isinstance(one, ast.Starred) for one in arguments):
        raise parser.mistake(f"'{name}' is called as {SIGNATURES[name]}", node)
    if name in meanings.STATE_FUNCTIONS:
        made = _of_state(parser, name, arguments[0], when)
        if name in MEMORY_FUNCTIONS and parser.scope.when is When.ENTRY:
            _check_place(parser, made, node)
        return made
    if name in {"all", "any"}:
        return _repeated(parser, name, arguments[0])
    if name in _CPUID:
        leaf, subleaf = (_cpuid_input(parser, argument) for argument in arguments)
        return Cpuid(_CPUID[name], leaf, subleaf)
    return _plain(parser, name, node)


def _cpuid_input(parser: Parser, node: ast.expr) -> int:
    value = parser.constant(node)
    if value >> 32:
        raise parser.mistake(f"'{parser.source(node)}' does not fit in 32 bits", node)
    return value


def _called(parser: Parser, node: ast.Call) -> tuple[str, When]:
    match node.func:
        case ast.Name(id=name):
            when = parser.scope.when
            if name in SIGNATURES:
                return name, when
            valid = suggestion(name, SIGNATURES)
        case ast.Attribute(value=ast.Name(id="entry"), attr=name):
            if name in meanings.STATE_FUNCTIONS:
                return name, When.ENTRY
            valid = suggestion(name, meanings.STATE_FUNCTIONS)
        case _:
            name = parser.source(node.func)
            valid = suggestion(name, SIGNATURES)
    raise parser.mistake(f"unknown function '{name}'; {valid}", node.func)


def _of_state(parser: Parser, name: str, argument: ast.expr, when: When) -> Node:
    address = parser.word(argument)
    match name:
        case "translate":
            return Translate(address, when)
        case "canonical":
            return build.canonical(address, when, parser.labels)
        case _:
            return Memory(address, _MEMORY[name], when)


def _check_place(parser: Parser, made: Node, node: ast.Call) -> None:
    """Refuse to look into memory at the entry but where a region alone tells what is meant."""
    name, addresses = parser.source(node.func), parser.scope.addresses
    if addresses is None or not isinstance(made, Memory):
        allowed = "a claim or an assumption" if isinstance(made, Memory) else "a claim"
        raise parser.mistake(f"'{name}' looks into memory, which {allowed} alone may do", node)
    for extent in parser.scope.regions.values():
        distance = addresses.distance(extent.base, made.address)
        if distance is not None and distance + made.bytes <= extent.size:
            return
    shown = parser.source(node.args[0])
    message = f"'{shown}' must lie in a region, {made.bytes} bytes at a constant offset"
    raise parser.mistake(message, node.args[0])


def _plain(parser: Parser, name: str, node: ast.Call) -> Node:
    first, *rest = node.args
    match name:
        case "low32":
            return build.bits(parser.word(first), 31, 0)
        case "aligned":
            return _aligned(parser, first, rest[0])
        case "implies":
            return Implies(parser.truth(first), parser.truth(rest[0]))
        case "within":
            return _within(parser, node)
        case "disjoint":
            regions = [_region(parser, argument) for argument in node.args]
            names = [region for region, _ in regions]
            for argument, region in zip(node.args, names, strict=True):
                if names.count(region) > 1:
                    raise parser.mistake(f"region '{region}' is named twice", argument)
            return build.apart(regions, parser.labels)
        case "label":
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                raise parser.mistake(f"'{name}' is called as {SIGNATURES[name]}", first)
            return meanings.label(parser, first.value, first)
        case _:
            if not (isinstance(first, ast.Name) and first.id == "image"):
                message = "'sizeof' is called as sizeof(image); of a region, write name.size"
                raise parser.mistake(message, first)
            return Number(parser.scope.symbols.size)


def _aligned(parser: Parser, argument: ast.expr, power: ast.expr) -> Truth:
    word, size = parser.word(argument), parser.constant(power)
    if size.bit_count() != 1:
        raise parser.mistake(f"'{parser.source(power)}' is not a power of two", power)
    low = build.arithmetic(Operator.AND, word, Number(size - 1), parser.labels)
    return build.compare(Relation.EQUAL, low, Number(0))


def _within(parser: Parser, node: ast.Call) -> Truth:
    address, size = parser.word(node.args[0]), parser.word(node.args[1])
    if size == Number(0):
        raise parser.mistake("a range of 0 bytes lies nowhere", node.args[1])
    ranges = [_region(parser, argument) for argument in node.args[2:]]
    return build.joined(
        Junction.OR,
        [build.inside(address, size, region, parser.labels) for region in ranges],
    )


def _region(parser: Parser, node: ast.expr) -> tuple[str, Extent]:
    regions = parser.scope.regions
    if isinstance(node, ast.Name) and node.id in regions:
        return node.id, regions[node.id]
    name = parser.source(node)
    raise parser.mistake(f"unknown region '{name}'; {suggestion(name, regions)}", node)


def _repeated(parser: Parser, name: str, argument: ast.expr) -> Truth:
    """Write out ``all`` or ``any``, once for each value of its variable."""
    match argument:
        case ast.GeneratorExp(
            elt=body,
            generators=[
                ast.comprehension(
                    target=ast.Name(id=variable) as target,
                    iter=ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]),
                    ifs=[],
                    is_async=0,
                )
            ],
        ) if len(bounds) in {1, 2}:
            pass
        case _:
            raise parser.mistake(f"'{name}' is called as {SIGNATURES[name]}", argument)
    why = parser.scope.why_not_new(variable)
    if why is not None:
        raise parser.mistake(why, target)
    limits = [parser.constant(bound) for bound in bounds]
    first, end = (0, *limits)[-2:]
    if not 0 < end - first <= MOST_ITERATIONS:
        message = f"range({first}, {end}) must have 1 to {MOST_ITERATIONS} values"
        raise parser.mistake(message, argument)
    junction = Junction.AND if name == "all" else Junction.OR
    return build.joined(
        junction,
        [_instance(parser, variable, value).truth(body) for value in range(first, end)],
    )


def _instance(parser: Parser, variable: str, value: int) -> Parser:
    bound = {**parser.scope.bound, variable: Number(value)}
    scope = replace(parser.scope, bound=bound)
    return type(parser)(scope, parser.text, parser.visits)
