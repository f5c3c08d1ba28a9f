"""A spec as text: what it takes for granted, what it claims, and where the exit is."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from verifier.reporting.wording import (
    FAINT,
    STRONG,
    beside,
    columns,
    counted,
    line,
    number,
    paragraph,
)
from verifier.specification.spec import (
    EveryLoad,
    ExitAfter,
    ExitAt,
    ExitLeaves,
    Expectation,
    Rights,
    SegmentState,
)

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.loading.image import Image
    from verifier.specification.spec import Claim, Exit, Patch, Region, Spec

INDENT = "  "
DEEPER = "    "
RIGHTS = ((Rights.READ, "r"), (Rights.WRITE, "w"), (Rights.EXECUTE, "x"))


def spec_lines(spec: Spec, image: Image) -> list[Text]:
    """Give a whole spec."""
    described = spec.description
    return [
        line((spec.name, STRONG), "  ", described.title),
        *paragraph(described.text, INDENT),
        *_section(
            "image",
            [
                (image.name, f"{len(image.data)} bytes at {spec.base.text}"),
                ("sha256", image.digest),
            ],
        ),
        *_section("inputs", list(spec.inputs.items())),
        *_section("entry", _entry(spec)),
        *_section("exit", [("", exit_text(spec.exit))]),
        *_section("regions", [_region(each) for each in spec.regions]),
        *_section("patches", [_patch(patch) for each in spec.regions for patch in each.patches]),
        *_section("paging", _paging(spec)),
        *_assumptions(spec),
        *_contracts(spec),
        *_claims(spec),
        *_section("models", [("", ", ".join(each.value for each in spec.models))]),
    ]


def _section(name: str, rows: list[tuple[str, ...]]) -> list[Text]:
    shown = [tuple(" ".join(cell.split()) for cell in row) for row in rows]
    return [line(), line((name, FAINT)), *columns(shown, INDENT)] if rows else []


def _entry(spec: Spec) -> list[tuple[str, ...]]:
    entry = spec.entry
    rows = [("at", entry.at.text), ("mode", entry.mode.value)]
    for state in SegmentState:
        names = [each.name.lower() for each, held in entry.segments.items() if held is state]
        if names:
            rows.append((state.value, ", ".join(names)))
    if entry.gdt is not None:
        limit = "" if entry.gdt.limit is None else f", limit {number(entry.gdt.limit)}"
        rows.append(("gdt", f"at {entry.gdt.base.text}{limit}"))
    return list(rows)


def exit_text(leaving: Exit) -> str:
    """Say what counts as the exit."""
    match leaving:
        case ExitAt(addresses):
            return f"the transfer at {' or '.join(each.text for each in addresses)}"
        case ExitAfter(register, bit):
            return f"the first transfer to 64-bit code after bit {bit} of {register.value} changed"
        case ExitLeaves(regions):
            return f"the first transfer out of {', '.join(regions)}"
        case _:
            assert_never(leaving)


def _region(region: Region) -> tuple[str, ...]:
    rights = "".join(letter if right in region.rights else "-" for right, letter in RIGHTS)
    where = f"{number(region.size)} bytes at {region.base.text}"
    return region.name, rights, where, region.text


def _patch(patch: Patch) -> tuple[str, ...]:
    return f"{counted(patch.size, 'byte')} at {patch.at.text}", f"from {patch.value.text}"


def _paging(spec: Spec) -> list[tuple[str, ...]]:
    paging = spec.paging
    if paging is None:
        return [("", "off")]
    levels = "as CR4.LA57 says" if paging.levels is None else str(paging.levels)
    rows: list[tuple[str, ...]] = [
        ("levels", levels),
        ("root", f"{paging.tables.root.text}, in {paging.tables.region}"),
        ("identity", f"below {paging.identity_end.text}"),
    ]
    if paging.other is not None:
        told = f"{paging.other.root.text}, in {paging.other.region}"
        rows.append(("other root", f"{told}, with the other number of levels"))
    return rows


def _assumptions(spec: Spec) -> list[Text]:
    told = [line(), line(("assumed", FAINT))]
    for each in spec.assumptions:
        told += beside(each.id, each.text, INDENT)
        told += paragraph(each.holds.text, DEEPER)
    return told


def _contracts(spec: Spec) -> list[Text]:
    told = [line(), line(("callees that are not executed", FAINT))] if spec.contracts else []
    for each in spec.contracts:
        told += beside(each.id, each.granted, INDENT)
        told.append(line(DEEPER, f"at {each.entry.text}, {each.abi.value}"))
        written = [(of.size, f"at {of.at.text}") for of in each.writes]
        for size, where in (*written, (each.stack, "below the stack pointer")):
            told.append(line(DEEPER, f"writes {counted(size, 'byte')} {where}"))
        told += paragraph(f"requires: {each.requires.text}", DEEPER) if each.requires else []
        told += paragraph(f"ensures: {each.ensures.text}", DEEPER) if each.ensures else []
    return told


def _claims(spec: Spec) -> list[Text]:
    told = [line(), line(("claimed", FAINT))]
    for each in spec.claims:
        told += beside(each.id, each.text, INDENT)
        told += paragraph(f"{_when(each)}: {each.holds.text}", DEEPER)
        promised = ", ".join(model.value for model in each.promises) or "no model"
        told.append(line(DEEPER, (f"promised under {promised}", FAINT)))
        recorded = [f"{model.value} {_expected(each.expect[model])}" for model in each.expect]
        told += [line(DEEPER, (f"recorded: {'; '.join(recorded)}", FAINT))] if recorded else []
    return told


def _when(claim: Claim) -> str:
    if claim.event is None:
        subject = "at the exit"
    else:
        register = f" of {claim.register.value}" if claim.register else ""
        subject = f"at each {claim.event.value}{register}"
    condition = f" where {' '.join(claim.when.text.split())}" if claim.when else ""
    bound = f", for all {', '.join(claim.for_all)}" if claim.for_all else ""
    return f"{subject}{condition}{bound}"


def _expected(expected: Expectation) -> str:
    boundary = expected.boundary
    if boundary is None:
        return expected.verdict.value
    if isinstance(boundary, EveryLoad):
        return f"{expected.verdict.value} at {boundary.value}"
    return f"{expected.verdict.value} from {number(boundary)}"
