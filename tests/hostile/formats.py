"""The formats that strangers send: valid inputs to begin with, and who reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.certificate.scripts import UNSATISFIABLE
from tests.loading.boot import make_bzimage, make_pe
from tests.replay.build import long_mode
from tests.specification.build import CLAIM, SPEC, SYMBOLS, write_spec
from verifier.bundle.commands import require_harmless
from verifier.bundle.kinds import CHECK, LOGIC, STATUS
from verifier.certificate.certify import proof_for
from verifier.certificate.checking import accepts
from verifier.inspection import inspect
from verifier.loading.assembler import Source, assemble
from verifier.loading.binary import open_binary
from verifier.loading.elf import Elf
from verifier.loading.load import ImageDescription, Kind, load
from verifier.reporting.saved import FORMAT, VERSION, read_saved
from verifier.reporting.start_json import start_to_json
from verifier.specification.parse import parse_truth
from verifier.specification.read import read_spec

CODE = bytes.fromhex("0f20e00fbae80c0f22e0cb9090ebfe") + bytes(range(256)) * 4
EXPRESSIONS = (
    "aligned(load, 4096) and inside(rsp - 8, 8, stack)",
    "all(word(load + 8 * i, 8) == i for i in range(4)) or not cr4.LA57 == 1",
    "exit.rip[47:12] == (entry.rdi if rax < 2**32 else -1)",
)
WORDS = [
    *(b"(", b")", b"[", b"]", b"{", b"}", b'"', b"=", b"\n", b".", b",", b"#", b"0", b" 0 "),
    *(b"all(", b"range(", b"if ", b" else ", b"entry.", b"exit.", b"memory[", b" and ", b"**"),
    *(b"[[claim]]\n", b"[image]\n", b"holds = ", b"null", b"true", b"(_ BitVec 64)", b"(let (("),
    *(b"HdrS", b"MZ", b"PE\0\0", b"\x7fELF", b"\x48\xcb", b"\x0f\x22\xc0", b"\xea"),
]
SOURCE = "start:  lea lvl5(%rip), %rdi\n        jmp start\nlvl5:   hlt\n        .long lvl5\n"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of input: ``read`` takes the bytes and a folder that it may put them in."""

    name: str
    valid: Callable[[], tuple[bytes, ...]]
    read: Callable[[bytes, Path], object]
    words: tuple[bytes, ...] = tuple(WORDS)


def _spec(data: bytes, folder: Path) -> object:
    path = write_spec(folder)
    path.write_bytes(data)
    return read_spec(path, SYMBOLS)


def _expression(data: bytes, _folder: Path) -> object:
    return parse_truth(data.decode("utf-8", "replace"), CLAIM)


def _counterexample(data: bytes, folder: Path) -> object:
    return read_saved(_put(data, folder))


def _image(data: bytes, folder: Path) -> object:
    return inspect(open_binary(_put(data, folder)))


def _elf(data: bytes, folder: Path) -> object:
    path = _put(data, folder)
    Elf(data, str(path))
    return load(ImageDescription(Kind.ELF, path))


def _script(data: bytes, folder: Path) -> object:
    text = data.decode("utf-8", "replace")
    require_harmless(text, "unsat", folder)
    return accepts(text, "1 0 0\n")


def _certificate(data: bytes, _folder: Path) -> object:
    script, _, proof = data.decode("utf-8", "replace").partition("\0")
    return accepts(script, proof)


def _put(data: bytes, folder: Path) -> Path:
    path = folder / "hostile"
    path.write_bytes(data)
    return path


def _counterexamples() -> Iterator[bytes]:
    words = {"target": "t", "claim": "c", "model": "m", "digest": "d", "holds": "h", "reason": "r"}
    difference = {"name": "rax", "is": "0x1", "should_be": "0x2", "compared": True}
    named = {"name": "load", "value": "0x1000", "width": 64, "matters": True}
    values = {
        "format": FORMAT,
        "version": VERSION,
        **words,
        "load": "0x1000",
        "inputs": [named],
        "differences": [difference],
        "trace": [],
        "steps": 1,
        "start": start_to_json(long_mode(b"\x90")),
        "end": None,
    }
    yield json.dumps(values).encode()


def _certificates() -> tuple[bytes, ...]:
    return tuple(f"{each}\0{proof_for(each) or ''}".encode() for each in UNSATISFIABLE)


def _scripts() -> tuple[bytes, ...]:
    said = "(declare-const a (_ BitVec 8))\n(define-fun b () (_ BitVec 8) (bvadd a #x01))\n"
    script = f"{STATUS}unsat)\n(set-logic {LOGIC})\n{said}(assert (= a b))\n{CHECK}\n"
    return (script.encode(),)


def _object() -> tuple[bytes, ...]:
    return (assemble(Source(SOURCE, "code.S", None)).object,)


FORMATS = (
    Format("spec", lambda: (SPEC.encode(),), _spec),
    Format("expression", lambda: tuple(each.encode() for each in EXPRESSIONS), _expression),
    Format("counterexample", lambda: tuple(_counterexamples()), _counterexample),
    Format("image", lambda: (make_bzimage(CODE), make_pe(CODE[:0x1F0]), CODE), _image),
    Format("object", _object, _elf),
    Format("script", _scripts, _script),
    Format("certificate", _certificates, _certificate),
)
