"""What a spec takes for granted, what it claims, and the verdicts it expects."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from verifier.machine.registers import ControlRegister
from verifier.specification.events import Event
from verifier.specification.expression import Bound, Number
from verifier.specification.scope import Scope, suggestion
from verifier.specification.spec import (
    Assumption,
    Claim,
    EveryLoad,
    Expectation,
    Without,
)
from verifier.specification.verdict import Verdict
from verifier.specification.vocabulary import When

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from verifier.machine.models import ModelName
    from verifier.specification.contract import Contract
    from verifier.specification.document import Table
    from verifier.specification.spec import Boundary

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EVENTS = {event.value: event for event in Event}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_WRITTEN_BY_MOV = {
    register.value: register for register in ControlRegister if register is not ControlRegister.EFER
}


def read_id(table: Table, lines: dict[str, int]) -> str:
    """Read an id that is none of those read before, whose lines are given."""
    name = table.text("id")
    if not _ID.fullmatch(name):
        message = f"id '{name}' must be lower-case words and digits joined by '-'"
        raise table.mistake(message, "id")
    if name in lines:
        raise table.mistake(f"id '{name}' is that of line {lines[name]} already", "id")
    lines[name] = table.line("id")
    return name


def read_assumptions(top: Table, scope: Scope) -> tuple[Assumption, ...]:
    """Read every ``[[assume]]``; all its names speak of the entry."""
    made: list[Assumption] = []
    lines: dict[str, int] = {}
    for table in top.tables("assume"):
        table.allow("id", "text", "holds")
        name = read_id(table, lines)
        holds = table.truth("holds", scope)
        made.append(Assumption(name, table.text("text"), holds, table.line()))
    return tuple(made)


def read_claims(top: Table, scope: Scope, models: tuple[ModelName, ...]) -> tuple[Claim, ...]:
    """Read every ``[[claim]]``."""
    lines: dict[str, int] = {}
    claims = tuple(_read_claim(table, scope, models, lines) for table in top.tables("claim"))
    if not claims:
        raise top.mistake("the spec claims nothing; it needs a [[claim]]")
    return claims


def _read_claim(
    table: Table, scope: Scope, models: tuple[ModelName, ...], lines: dict[str, int]
) -> Claim:
    table.allow(
        "id", "text", "at", "event", "register", "when", "holds", "for_all", "promises", "expect"
    )
    name = read_id(table, lines)
    event = _read_event(table)
    scope = replace(scope, event=event)
    used = {model.value: model for model in models}
    expect = {
        used[model]: expectation
        for model, expectation in read_expectations(table.table("expect"), used).items()
    }
    return Claim(
        id=name,
        text=table.text("text"),
        event=event,
        register=table.choice("register", _WRITTEN_BY_MOV) if table.has("register") else None,
        when=table.truth("when", scope) if table.has("when") else None,
        holds=table.truth("holds", _with_bound(table, scope)),
        for_all=table.strings("for_all") if table.has("for_all") else (),
        promises=_read_promises(table, used, expect),
        expect=expect,
        line=table.line(),
    )


def _read_promises(
    table: Table, used: Mapping[str, ModelName], expect: Mapping[ModelName, Expectation]
) -> tuple[ModelName, ...]:
    """Read ``promises``, by default every model under which no other verdict is expected."""
    if not table.has("promises"):
        proved = Expectation(Verdict.PROVED)
        return tuple(model for model in used.values() if expect.get(model, proved) == proved)
    return () if table.values["promises"] == [] else table.choices("promises", used)


def _read_event(table: Table) -> Event | None:
    """Read what a claim speaks of: one kind of event, or the exit."""
    if table.exactly_one("at", "event") == "at":
        if table.text("at") != "exit":
            message = "'at' can only be \"exit\"; for a place in the code take event ="
            raise table.mistake(f'{message} "instruction" and when = "address == ..."', "at")
        for key in ("register", "when"):
            if table.has(key):
                raise table.mistake(f"'{key}' narrows events, and this claim has none", key)
        return None
    event = table.choice("event", _EVENTS)
    if table.has("register") and event is not Event.CONTROL_WRITE:
        message = f"'register' narrows the event control-write, not {event.value}"
        raise table.mistake(message, "register")
    return event


def _with_bound(table: Table, scope: Scope) -> Scope:
    """Give the scope with the names that a claim is about all values of."""
    if not table.has("for_all"):
        return scope
    for name in table.strings("for_all"):
        why = scope.why_not_new(name)
        if why is not None:
            raise table.mistake(why, "for_all")
        scope = replace(scope, bound={**scope.bound, name: Bound(name)})
    return scope


def read_expectations(table: Table, valid: Iterable[str]) -> Mapping[str, Expectation]:
    """Read a table of expected verdicts, each a word or a table that says more."""
    valid = tuple(valid)
    made: dict[str, Expectation] = {}
    for name, value in table.values.items():
        if name not in valid:
            message = f"'{name}' is not a name that 'expect' can have here"
            raise table.mistake(f"{message}; {suggestion(name, valid)}", name)
        if isinstance(value, dict):
            made[name] = read_expectation(table.table(name), "verdict", "reason", "boundary")
        else:
            made[name] = Expectation(table.choice(name, _VERDICTS))
    return made


def read_expectation(table: Table, *keys: str) -> Expectation:
    """Read a table with ``verdict`` and perhaps ``reason`` and ``boundary``."""
    table.allow(*keys)
    verdict = table.choice("verdict", _VERDICTS)
    for key, allowed in (
        ("reason", verdict is not Verdict.PROVED),
        ("boundary", verdict is Verdict.REFUTED),
    ):
        if table.has(key) and not allowed:
            raise table.mistake(f"a claim that is {verdict.value} has no '{key}'", key)
    return Expectation(
        verdict,
        table.value("reason", str) or None if table.has("reason") else None,
        _read_boundary(table) if table.has("boundary") else None,
    )


def _read_boundary(table: Table) -> Boundary:
    if table.values["boundary"] == EveryLoad.EVERY_LOAD.value:
        return EveryLoad.EVERY_LOAD
    boundary = table.word("boundary", Scope(When.ENTRY)).node
    if not isinstance(boundary, Number):
        raise table.mistake("'boundary' must be a constant or \"every load\"", "boundary")
    return boundary.value


def read_without(
    top: Table,
    assumptions: tuple[Assumption | Contract, ...],
    claims: tuple[Claim, ...],
    models: tuple[ModelName, ...],
) -> tuple[Without, ...]:
    """Read every ``[[without]]``: the verdicts that change when an assumption is dropped.

    A contract is an assumption about a callee.
    """
    made: list[Without] = []
    ids = {assumption.id: assumption.id for assumption in assumptions}
    used = {model.value: model for model in models}
    for table in top.tables("without"):
        table.allow("drop", "model", "expect")
        drop = table.named(table.text("drop"), ids, "drop")
        model = table.choice("model", used)
        expect = read_expectations(table.table("expect"), [claim.id for claim in claims])
        if not expect:
            raise table.mistake("[[without]] needs 'expect' with at least one claim")
        for other in made:
            if (other.drop, other.model) == (drop, model):
                raise table.mistake(
                    f"'{drop}' is dropped under {model.value} in line {other.line} already"
                )
        made.append(Without(drop, model, expect, table.line()))
    return tuple(made)
