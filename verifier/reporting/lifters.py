"""What a second lifter says of the ordinary instructions that were executed, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verifier.reporting.wording import counted, line, paragraph

if TYPE_CHECKING:
    from rich.text import Text

    from verifier.agreement.found import Comparison, Disagreed

BOTH = "by VEX and P-code"


def agreed_sentence(found: Comparison) -> str:
    """Count the forms of which both lifters mean the same, empty where nothing was compared."""
    if not (found.compared or found.disagreed or found.uncompared):
        return ""
    forms, instructions = len(found.forms), found.compared
    told = (
        f"agreed: {counted(forms, 'form')}, {counted(instructions, 'ordinary instruction')}, {BOTH}"
    )
    return f"{told}; not compared: {len(found.uncompared)}" if found.uncompared else told


def remarks(found: Comparison) -> list[str]:
    """Give a sentence for all that was not compared, or did not agree."""
    told = [f"not compared: {each.value} of {form}: {each.reason}" for form, each in found.apart]
    told += [f"not compared, so as one lifter says: {each.sentence}" for each in found.uncompared]
    return [*told, *(each.sentence for each in found.disagreed)]


def lifter_lines(found: Comparison, indent: str, width: int) -> list[Text]:
    """Give what both lifters agree on, and the two meanings of whatever they do not."""
    told = [line(indent, agreed_sentence(found))] if agreed_sentence(found) else []
    for sentence in remarks(found):
        told += paragraph(sentence, indent, width)
    for each in found.disagreed:
        told += _meanings(each, indent)
    return told


def _meanings(found: Disagreed, indent: str) -> list[Text]:
    deeper = indent + "  "
    return [
        line(indent, f"`{found.text}` by VEX:"),
        *(line(deeper, each.strip()) for each in found.vex),
        line(indent, f"`{found.text}` by P-code:"),
        *(line(deeper, each.strip()) for each in found.pcode),
    ]


def lifters_to_json(found: Comparison) -> dict[str, Any]:
    """Give the same as JSON values."""
    return {
        "forms": list(found.forms),
        "compared": found.compared,
        "apart": [
            {"form": form, "value": each.value, "reason": each.reason} for form, each in found.apart
        ],
        "uncompared": [
            {
                "form": each.form,
                "text": each.text,
                "bytes": each.raw.hex(" "),
                "reason": each.reason,
            }
            for each in found.uncompared
        ],
        "disagreed": [
            {
                "form": each.form,
                "text": each.text,
                "bytes": each.raw.hex(" "),
                "sentence": each.sentence,
                "vex": list(each.vex),
                "pcode": list(each.pcode),
            }
            for each in found.disagreed
        ],
    }
