"""The loops of the code as it lies in memory: a guide to what is worth cutting, no proof.

A wrong answer here costs time, never truth: whatever is executed is executed from the bytes
that are there by then, and every state that comes back to a loop's head is checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import networkx as nx

from verifier.machine.words import split
from verifier.semantics.instruction import LONGEST, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.machine.memory import Region
    from verifier.machine.registers import Mode
    from verifier.machine.state import State
    from verifier.semantics.instruction import Instruction

LARGEST_FUNCTION = 4000
"""Instructions of the largest piece of code whose loops are looked for."""
RELATIVE_CALL = 0xE8
SHORT_JUMP, NEAR_JUMP = 0xEB, 0xE9
RETURNS = (b"\xc3", b"\xc2", b"\xcb", b"\xca", b"\xcf", b"\xf4", b"\x0f\x0b", b"\xea")


@dataclass(frozen=True, slots=True)
class Loop:
    """The offsets of a loop's instructions in their region, that of its head among them."""

    region: str
    head: int
    body: frozenset[int]


@dataclass(slots=True)
class Flow:
    """Finds the loop that an instruction heads; what was found is kept by region and mode."""

    known: dict[tuple[str, Mode], dict[int, Loop | None]] = field(default_factory=dict)
    orders: dict[tuple[str, Mode], dict[int, int]] = field(default_factory=dict)

    def loop_at(self, state: State) -> Loop | None:
        """Give the loop whose head is the next instruction, None where it heads none."""
        found = located(state)
        if found is None:
            return None
        region, offset = found
        loops = self.known.setdefault((region.name, state.mode), {})
        if offset not in loops:
            orders = self.orders.setdefault((region.name, state.mode), {})
            _learn(loops, orders, region, offset, state.mode)
        return loops.get(offset)

    def order(self, state: State) -> int:
        """Give a number that grows along the code: what comes later has a larger one."""
        found = located(state)
        if found is None:
            return -1
        region, offset = found
        self.loop_at(state)
        return self.orders[region.name, state.mode].get(offset, -1)


def located(state: State) -> tuple[Region, int] | None:
    """Give the region of first content that the next instruction lies in, and its offset."""
    base, at = split(state.rip)
    for region in state.memory.regions:
        origin, start = split(region.base)
        if origin is base and isinstance(region.content, bytes):
            offset = at - start & (1 << 64) - 1
            if offset < len(region.content):
                return region, offset
    return None


def _learn(
    loops: dict[int, Loop | None],
    orders: dict[int, int],
    region: Region,
    offset: int,
    mode: Mode,
) -> None:
    graph = nx.DiGraph()
    pending = [offset]
    while pending and len(graph) < LARGEST_FUNCTION:
        at = pending.pop()
        if at in graph and graph.nodes[at].get("done"):
            continue
        graph.add_node(at, done=True)
        for following in _following(region, at, mode):
            graph.add_edge(at, following)
            pending.append(following)
    for at in graph:
        loops.setdefault(at, None)
    later = list(nx.dfs_postorder_nodes(graph, offset))
    for place, at in enumerate(reversed(later)):
        orders.setdefault(at, place)
    for head, body in _natural_loops(graph, offset):
        loops[head] = Loop(region.name, head, body)


def _natural_loops(graph: nx.DiGraph, start: int) -> Iterator[tuple[int, frozenset[int]]]:
    """Give each head that dominates the source of an edge to it, with all that leads there."""
    dominators = nx.immediate_dominators(graph, start)
    latches: dict[int, set[int]] = {}
    for source, target in graph.edges:
        if _dominates(dominators, target, source):
            latches.setdefault(target, set()).add(source)
    for head, sources in latches.items():
        without = nx.subgraph_view(graph, filter_node=lambda node, head=head: node != head)
        body = {head}
        for source in sources - {head}:
            body |= {source} | nx.ancestors(without, source)
        yield head, frozenset(body)


def _dominates(dominators: dict[int, int], one: int, other: int) -> bool:
    while other != one:
        above = dominators.get(other, other)
        if above == other:
            return False
        other = above
    return True


def _following(region: Region, offset: int, mode: Mode) -> list[int]:
    content = region.content
    if not isinstance(content, bytes) or not 0 <= offset < len(content):
        return []
    instruction = decode(content[offset : offset + LONGEST], mode)
    if instruction is None or instruction.opcode in RETURNS:
        return []
    after = offset + instruction.size
    target = _target(instruction, after)
    if instruction.opcode[0] in {SHORT_JUMP, NEAR_JUMP}:
        return [] if target is None else [target]
    if instruction.opcode == b"\xff" and instruction.modrm.reg in {4, 5}:
        return []
    return [after] if target is None else [after, target]


def _target(instruction: Instruction, after: int) -> int | None:
    first = instruction.opcode[0]
    if first == SHORT_JUMP or first & 0xF0 == 0x70 or first in {0xE0, 0xE1, 0xE2, 0xE3}:
        size = 1
    elif first == NEAR_JUMP or (
        len(instruction.opcode) == 2 and instruction.opcode[1] & 0xF0 == 0x80
    ):
        size = 4
    else:
        return None
    distance = int.from_bytes(instruction.raw[-size:], "little", signed=True)
    return after + distance
