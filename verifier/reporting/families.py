"""A hundred names of inputs in a line or two: parts under their register, registers by kind."""

from __future__ import annotations

import re
from collections.abc import Iterable

from verifier.machine.registers import ControlRegister, Gpr, Segment

_STEM = re.compile(r"[^.\[@]+")
_TABLES = ("gdtr", "idtr")
_KINDS = (
    [register.name.lower() for register in Gpr],
    [register.value for register in ControlRegister],
    [*(segment.name.lower() for segment in Segment), *_TABLES],
    ["rflags", "cpu"],
)
_MEMORY = re.compile(r"(.+)\[0x[0-9a-f]+\]$")


_LOOP = re.compile(r"(?:head of|in) the loop@|rounds of .*@")


def of_the_start(name: str) -> bool:
    """Say whether an input is of the start, not a number that a loop's rounds have by it."""
    return _LOOP.search(name) is None


def families(names: Iterable[str]) -> str:
    """Give ``rax, rbx; parts of cr0, cr4; bytes of low`` for the names of many inputs."""
    whole: set[str] = set()
    parts: set[str] = set()
    memory: set[str] = set()
    for name in names:
        stem = _STEM.match(name)
        if stem is None or stem[0] == name:
            whole.add(name)
        elif found := _MEMORY.match(name):
            memory.add(found[1].partition("@")[0])
        else:
            parts.add(stem[0])
    groups = [", ".join(group) for group in _by_kind(whole)]
    if parts - whole:
        groups.append(
            f"parts of {', '.join(each for kind in _by_kind(parts - whole) for each in kind)}"
        )
    if memory:
        groups.append(f"bytes of {', '.join(sorted(memory))}")
    return "; ".join(groups)


def _by_kind(names: set[str]) -> list[list[str]]:
    kinds = [[name for name in kind if name in names] for kind in _KINDS]
    known = {name for kind in kinds for name in kind}
    return [kind for kind in [*kinds, sorted(names - known)] if kind]
