"""Writes what was proved into a folder: one part for each target and processor model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.bundle.kinds import Answer
from verifier.bundle.layout import (
    MANIFEST,
    SPEC,
    digest,
)
from verifier.bundle.smtlib import script
from verifier.bundle.tree import Tree
from verifier.errors import BadInput
from verifier.proving.entry import PROCESSOR_STATE
from verifier.reporting.files import file_name

if TYPE_CHECKING:
    from verifier.bundle.stated import Stated
    from verifier.proving.result import Report
    from verifier.proving.session import Session

PROCESSOR_WORDS = "what processors guarantee of their own state"


MakeCertificate = Callable[[str], "str | None"]
"""Gives a proof in LRAT that a script has no model, None where it makes none."""


def write_parts(
    folder: Path, report: Report, certificates: MakeCertificate | None = None
) -> tuple[str, ...]:
    """Write a part for each model into ``folder``; give their names."""
    make = certificates or (lambda _: None)
    try:
        return tuple(_write_part(folder, report, session, make) for session in report.sessions)
    except FileExistsError:
        message = f"two specs are named '{report.spec.name}'; certify each by itself"
        raise BadInput(message, report.spec.description.path) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"the bundle cannot be written: {reason}", folder) from None


def _write_part(folder: Path, report: Report, session: Session, make: MakeCertificate) -> str:
    dropped = [f"without-{'-'.join(report.dropped)}"] if report.dropped else []
    name = file_name(report.spec.name, session.model.value, *dropped)
    here = folder / name
    here.mkdir()
    tree = Tree(session)
    results = [each for each in report.results if each.model is session.model]
    document = tree.document(results)
    spec = report.spec.description.path.read_bytes()
    (here / SPEC).write_bytes(spec)
    about = _about(report, session)
    obligations = [_write_obligation(here, n, one, about) for n, one in enumerate(tree.stated)]
    for each in obligations:
        each["certificate"] = _write_certificate(here, each, make)
    manifest = {**about, "spec_sha256": digest(spec), **document, "obligations": obligations}
    (here / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return name


def _about(report: Report, session: Session) -> dict[str, Any]:
    image = report.image
    return {
        "target": report.spec.name,
        "title": report.spec.description.title,
        "model": session.model.value,
        "image": {
            "name": image.name,
            "sha256": image.digest,
            "size": len(image.data),
            "producer": image.producer,
        },
        "assumptions": {
            PROCESSOR_STATE: PROCESSOR_WORDS,
            **{name: " ".join(text.split()) for name, text in report.spec.granted.items()},
        },
        "dropped": list(report.dropped),
        "limits": asdict(report.spec.limits),
        "cuts": [
            {"place": each.place, "invariant": each.invariant, "heads": each.heads}
            for each in dict.fromkeys(session.context.cuts)
        ],
    }


def _write_obligation(
    here: Path, number: int, stated: Stated, about: Mapping[str, Any]
) -> dict[str, Any]:
    expected = stated.kind.expected.value
    ids = ", ".join(stated.assumptions) or "none"
    header = (
        f"Obligation {number} of {about['target']}, model {about['model']}: {stated.kind.words}",
        f"states: {stated.states}",
        f"from: {stated.where}" if stated.where.place else "from: the exploration as a whole",
        f"assumptions: {ids}",
        f"image: SHA-256 {about['image']['sha256']}",
        f"expected: {expected}",
        "",
    )
    name = f"{number:05}-{stated.kind.value}.smt2"
    data = script(header, stated.asserted, expected).encode()
    (here / name).write_bytes(data)
    return {
        "file": name,
        "sha256": digest(data),
        "kind": stated.kind.value,
        "expected": expected,
        "states": stated.states,
        "step": stated.where.step,
        "place": stated.where.place,
        "text": stated.where.text,
        "source": stated.where.source,
        "claim": stated.claim,
        "assumptions": list(stated.assumptions),
    }


def _write_certificate(
    here: Path, obligation: Mapping[str, Any], make: MakeCertificate
) -> dict[str, Any] | None:
    if obligation["expected"] != Answer.UNSAT.value:
        return None
    script = here / obligation["file"]
    proof = make(script.read_text(encoding="utf-8"))
    if proof is None:
        return None
    beside = script.with_suffix(".lrat")
    beside.write_text(proof, encoding="utf-8")
    return {"file": beside.name, "sha256": digest(proof.encode())}
