"""What an inspection found, as JSON. Bytes are in hexadecimal, offsets are numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from verifier.machine.registers import Mode
from verifier.reporting.inspection import Code, code_rows, header_rows, instruction, stretches

if TYPE_CHECKING:
    from verifier.inspection.finding import Finding, Gdt, Inspection, Switch
    from verifier.loading.binary import Binary
    from verifier.loading.pe import Pe

SCHEMA = "verifier-inspection"
VERSION = 1


def document(binary: Binary, found: Inspection) -> dict[str, Any]:
    """Give the report as JSON values; offsets are the image's, ``file_offset`` the file's."""
    image = binary.image
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "file": binary.path.name,
        "kind": binary.kind.value,
        "producer": image.producer,
        "digest": image.digest,
        "size": len(image.data),
        "searched": [[each.start, each.stop] for each in binary.code],
        "constants": dict(image.constants),
        "header": None
        if binary.header is None
        else {
            each.name: {"file_offset": each.offset, "value": each.value, "says": each.says}
            for each in header_rows(binary.header)
        },
        "pe": None if binary.pe is None else _pe(binary, binary.pe),
        "gdt": None if found.gdt is None else _gdt(binary, found.gdt),
        "switches": [_switch(binary, each) for each in found.switches],
        "trampoline": _trampoline(binary, found) if found.has_trampoline else None,
        "findings": [_finding(binary, each) for each in found.findings],
        "missing": list(found.missing),
    }


def dumped(binary: Binary, found: Inspection) -> str:
    """Give the report as the text of a JSON file."""
    return json.dumps(document(binary, found), indent=1) + "\n"


def _pe(binary: Binary, pe: Pe) -> dict[str, Any]:
    place = pe.file_offset(pe.entry)
    return {
        "bits": pe.bits,
        "subsystem": pe.subsystem,
        "entry": pe.entry,
        "entry_offset": None if place is None else binary.offset(place),
        "sections": [
            {
                "name": each.name,
                "address": each.address,
                "memory_size": each.memory_size,
                "file_offset": each.offset,
                "file_size": each.file_size,
                "executable": each.executable,
            }
            for each in pe.sections
        ],
    }


def _gdt(binary: Binary, gdt: Gdt) -> dict[str, Any]:
    return {
        "offset": gdt.offset,
        "file_offset": binary.place(gdt.offset),
        "limit": gdt.limit,
        "loaded_at": gdt.loaded_at,
        "how": gdt.how,
        "descriptors": [
            {
                "selector": each.selector,
                "bytes": each.raw.to_bytes(8, "little").hex(),
                "kind": each.kind.value,
                "base": each.base,
                "limit": each.limit,
                "dpl": each.dpl,
                "present": each.present,
            }
            for each in gdt.descriptors
        ],
    }


def _switch(binary: Binary, switch: Switch) -> dict[str, Any]:
    rows = code_rows(binary.image.data, switch.offset, switch.offset + switch.size, switch.mode)
    return {
        "direction": switch.direction.value,
        "offset": switch.offset,
        "transfer": switch.transfer,
        "file_offset": binary.place(switch.offset),
        "selector": switch.selector,
        "target": switch.target,
        "code": [_code(each) for each in rows],
        "how": switch.how,
    }


def _trampoline(binary: Binary, found: Inspection) -> list[dict[str, Any]]:
    return [
        {
            "bits": 64 if mode is Mode.LONG_64 else 32,
            "code": [_code(each) for each in code_rows(binary.image.data, start, end, mode)],
        }
        for start, end, mode in stretches(found)
    ]


def _finding(binary: Binary, finding: Finding) -> dict[str, Any]:
    data, start = binary.image.data, finding.offset
    row = instruction(data, start, finding.mode) if finding.mode else None
    return {
        "name": finding.name,
        "offset": start,
        "file_offset": binary.place(start),
        "size": finding.size,
        "mode": None if finding.mode is None else finding.mode.value,
        "bytes": data[start : start + finding.size].hex(),
        "text": None if row is None else row.text,
        "how": finding.how,
    }


def _code(row: Code) -> dict[str, Any]:
    return {"offset": row.offset, "bytes": row.raw.hex(), "text": row.text, "refers": row.refers}
