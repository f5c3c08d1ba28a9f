"""A small spec to break, and a scope to read expressions in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.machine.registers import Gpr
from verifier.specification.events import Event
from verifier.specification.expression import Bound, Input, Number, Register
from verifier.specification.read import read_spec
from verifier.specification.scope import Extent, Scope, Symbols
from verifier.specification.vocabulary import When

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.specification.spec import Spec

SYMBOLS = Symbols(
    labels={"start": 0, "jump": 0x20, "lvl5": 0x33, "entry": 0, ".Lodd": 4, "size": 8},
    constants={"SELECTOR": 0x10, "MINUS_ONE": 2**64 - 1},
    size=0x80,
)

REGIONS = {
    "low": Extent(Number(0x7000), 0x1000),
    "stack": Extent(Register(Gpr.RSP, When.ENTRY), 64),
    "image": Extent(Input("load"), 0x80),
}

CLAIM = Scope(
    When.NOW, SYMBOLS, frozenset({"load", "end"}), REGIONS, bound={"every": Bound("every")}
)
"""The scope of a claim at the exit."""

ASSUMPTION = Scope(When.ENTRY, SYMBOLS, frozenset({"load", "end"}), REGIONS)
WRITE = Scope(When.NOW, SYMBOLS, frozenset({"load", "end"}), REGIONS, Event.WRITE)
TRANSFER = Scope(When.NOW, SYMBOLS, frozenset({"load", "end"}), REGIONS, Event.TRANSFER)

SPEC = """\
title = "A switch"

[image]
source = "code.S"
base = "load"

[inputs]
load = "where the image is"
end = "where the identity map ends"

[entry]
at = "start"
mode = "LONG_64"

[exit]
at = "jump"

[regions.image]
holds = "image"
rights = "rwx"

[regions.low]
base = 0x7000
size = 0x1000

[regions.tables]
base = "cr3"
size = "0x1000"

[paging]
levels = 4
identity_end = "end"
tables = "tables"

[[assume]]
id = "load-range"
text = "the load address is a page"
holds = "aligned(load, 4096)"

[[claim]]
id = "rsi-preserved"
text = "rsi keeps its bits"
at = "exit"
holds = "rsi == entry.rsi"
promises = ["retaining"]

[claim.expect]
retaining = "PROVED"
zeroing = { verdict = "REFUTED", reason = "rsi", boundary = "2**32" }

[[claim]]
id = "cr3-below-4g"
text = "CR3 is low"
event = "control-write"
register = "cr3"
when = "mode != LONG_64"
holds = "value == low.base"

[[without]]
drop = "load-range"
model = "retaining"
expect = { rsi-preserved = "REFUTED" }

[limits]
instructions = 100

[models]
use = ["retaining", "zeroing"]
"""


def write_spec(folder: Path, text: str = SPEC) -> Path:
    """Write a spec and the file its image comes from; give the spec's path."""
    (folder / "code.S").write_text("start: hlt\n")
    path = folder / "spec.toml"
    path.write_text(text)
    return path


def read_text(folder: Path, text: str = SPEC) -> Spec:
    """Read a spec's text with the symbols of these tests."""
    return read_spec(write_spec(folder, text), SYMBOLS)
