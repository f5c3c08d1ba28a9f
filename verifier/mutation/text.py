"""The strength of a spec as text: what killed how many, then every mutant that was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.mutation.assumptions import Keeps
from verifier.mutation.fate import Equivalent, Killed, Surviving, Unreachable
from verifier.reporting.wording import FAINT, STRONG, columns, counted, elapsed, line, paragraph

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.loading import Image
    from verifier.mutation.assumptions import Negated
    from verifier.mutation.fate import Ended, Strength

INDENT, DEEPER = "  ", "    "
WIDTH = 100


def strength_lines(found: Strength, image: Image) -> list[Text]:
    """Give the report on the mutants of one target."""
    models = ", ".join(model.value for model in found.models)
    of_all = "all" if len(found.ended) == found.total else f"{len(found.ended)} of {found.total}"
    drawn = "" if found.seed is None else f", drawn with seed {found.seed}"
    before = f", {found.resumed} of them by an earlier run" if found.resumed else ""
    return [
        line((found.spec.name, STRONG), "  ", found.spec.description.title),
        line(f"{of_all} mutants judged under {models}{drawn}{before}"),
        *_counts(found),
        *_section("killed by", _killers(found)),
        *_told(found, "equal in effect", Equivalent, image),
        *_told(found, "not reached by any path", Unreachable, image),
        *_explained(found, image),
        *_surviving(found, image),
        *(each for told in found.stale for each in paragraph(told, "", WIDTH)),
        line((f"{elapsed(found.seconds)}, {found.per_second:.2f} mutants a second", FAINT)),
    ]


def _counts(found: Strength) -> list[Text]:
    survived = found.count(Surviving)
    unexplained = len(found.unexplained)
    rows = [
        ("killed", str(found.count(Killed))),
        ("equivalent", str(found.count(Equivalent))),
        ("unreachable", str(found.count(Unreachable))),
        ("surviving", f"{survived}, {unexplained} of them unexplained"),
    ]
    return columns(rows, INDENT)


def _killers(found: Strength) -> list[tuple[str, ...]]:
    return [
        (str(count), claim, verdict.lower()) for (claim, verdict), count in found.killers().items()
    ]


def _section(name: str, rows: list[tuple[str, ...]]) -> list[Text]:
    return [line((name, FAINT)), *columns(rows, INDENT)] if rows else []


def _told(
    found: Strength, name: str, kind: type[Equivalent | Unreachable], image: Image
) -> list[Text]:
    return _section(
        name, [_row(each, image) for each in found.ended if isinstance(each.fate, kind)]
    )


def _row(ended: Ended, image: Image) -> tuple[str, ...]:
    mutant = ended.mutant
    place = image.symbol_at(mutant.offset)
    return place, mutant.kind.value, f"{mutant.original}  ->  {mutant.text}"


def _surviving(found: Strength, image: Image) -> list[Text]:
    told: list[Text] = []
    for each in found.unexplained:
        place, kind, change = _row(each, image)
        mutant = each.mutant
        told += [
            line(("survives", "bold red"), f"  {place}  {kind}: {change}"),
            line(DEEPER, (f"{mutant.before.hex(' ')}  becomes  {mutant.after.hex(' ')}", FAINT)),
            *paragraph(f"may differ: {_differing(each)}", DEEPER, WIDTH),
        ]
    return told


def _explained(found: Strength, image: Image) -> list[Text]:
    """Tell the survivors that the spec explains, those of one explanation together."""
    told: list[Text] = []
    for why in found.spec.survivors:
        rows = [
            (*_row(each, image), _differing(each))
            for each in found.ended
            if isinstance(each.fate, Surviving) and each.fate.why is why
        ]
        if rows:
            head = f"surviving, as line {why.line} of the spec explains: {why.why}"
            told += [*paragraph(head, "", WIDTH), *columns(rows, INDENT)]
    return told


def _differing(each: Ended) -> str:
    return ", ".join(each.fate.differs) if isinstance(each.fate, Surviving) else ""


def closing(found: Strength) -> Text:
    """Give the last line: whether every change judged is seen, equal, unreachable or explained."""
    unexplained = len(found.unexplained)
    judged = "" if len(found.ended) == found.total else f" of the {len(found.ended)} judged"
    if unexplained:
        what = "that no claim sees and the spec does not explain"
        told = f"{counted(unexplained, 'mutant')}{judged} {what}"
        return line((told, "bold red"))
    if found.stale:
        return line((counted(len(found.stale), "explanation") + " that nothing needs", "bold red"))
    return line((f"no mutant{judged} survives unexplained", "bold green"))


def negated_line(each: Negated) -> list[Text]:
    """Give what one assumption keeps away."""
    model = "" if each.model is None else f" ({each.model.value})"
    broken = "" if each.claim is None else f": {each.claim}{model}"
    style = "" if each.keeps is Keeps.FAILURE else "yellow"
    head = line((each.assumption, "cyan"), "  keeps away ", (each.keeps.value, style), broken)
    return [head, *paragraph(each.reason, DEEPER, WIDTH)]
