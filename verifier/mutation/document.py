"""The strength of a spec as JSON. Bytes are in hexadecimal, offsets are numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, assert_never

from verifier.mutation.fate import Equivalent, Killed, Surviving, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verifier.loading import Image
    from verifier.mutation.assumptions import Negated
    from verifier.mutation.fate import Ended, Fate, Strength

SCHEMA = "verifier-mutants"
NEGATED_SCHEMA = "verifier-assumptions"
VERSION = 1


def dumped(found: Strength, image: Image, exit_code: int) -> str:
    """Give what came of a target's mutants as the text of a JSON file."""
    return json.dumps(document(found, image, exit_code), indent=1) + "\n"


def document(found: Strength, image: Image, exit_code: int) -> dict[str, Any]:
    """Give what came of a target's mutants as JSON values."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "exit_code": exit_code,
        "target": found.spec.name,
        "digest": image.digest,
        "models": [model.value for model in found.models],
        "seed": found.seed,
        "mutants": found.total,
        "judged": len(found.ended),
        "resumed": found.resumed,
        "killed": found.count(Killed),
        "equivalent": found.count(Equivalent),
        "unreachable": found.count(Unreachable),
        "surviving": found.count(Surviving),
        "unexplained": len(found.unexplained),
        "killers": [
            {"claim": claim, "verdict": verdict, "count": count}
            for (claim, verdict), count in found.killers().items()
        ],
        "stale": list(found.stale),
        "seconds": round(found.seconds, 3),
        "fates": [ended_document(each, image) for each in found.ended],
    }


def ended_document(each: Ended, image: Image) -> dict[str, Any]:
    """Give one mutant with its fate as JSON values."""
    mutant = each.mutant
    return {
        "offset": mutant.offset,
        "place": image.symbol_at(mutant.offset),
        "kind": mutant.kind.value,
        "bytes": mutant.before.hex(" "),
        "becomes": mutant.after.hex(" "),
        "original": mutant.original,
        "mutant": mutant.text,
        **_fate(each.fate),
    }


def _fate(fate: Fate) -> dict[str, Any]:
    match fate:
        case Killed(claim, model, verdict, reason, replayed):
            return {
                "fate": "killed",
                "claim": claim,
                "model": model.value,
                "verdict": verdict.value,
                "reason": reason,
                "replayed": replayed,
            }
        case Equivalent(samples):
            return {"fate": "equivalent", "samples_replayed": samples}
        case Unreachable(samples):
            return {"fate": "unreachable", "samples_replayed": samples}
        case Surviving(differs, why, samples):
            return {
                "fate": "surviving",
                "differs": list(differs),
                "why": None if why is None else why.why,
                "samples_replayed": samples,
            }
        case _:
            assert_never(fate)


def negated_dumped(target: str, found: Sequence[Negated]) -> str:
    """Give what the opposite of each assumption breaks as the text of a JSON file."""
    told = {
        "schema": NEGATED_SCHEMA,
        "version": VERSION,
        "target": target,
        "assumptions": [
            {
                "id": each.assumption,
                "keeps": each.keeps.name.lower(),
                "claim": each.claim,
                "model": None if each.model is None else each.model.value,
                "reason": each.reason,
            }
            for each in found
        ],
    }
    return json.dumps(told, indent=1) + "\n"
