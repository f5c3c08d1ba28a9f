"""Running the GNU assembler on a stranger's source.

The source reaches the assembler on standard input, in an empty folder, with limits on time,
memory and files. It may include files of its own folder only: the assembler's own list of
what it read decides, so that a macro or a symbolic link cannot hide an include. Where the
assembly failed there is no such list, but each message names its file, and a message about a
file outside the folder, which would quote it, is replaced by our own.
"""

from __future__ import annotations

import functools
import os
import re
import resource
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.errors import BadInput
from verifier.loading.elf import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN_NAME = "{standard input}"

_SECONDS = 20
_MEMORY_BYTES = 512 << 20
_FILE_BYTES = 256 << 20
_MESSAGE_BYTES = 64 << 10
_LISTING_BYTES = 32 << 20
_MESSAGE = re.compile(
    r"(?P<file>.*?):(?:(?P<line>\d+):)? +(?P<kind>Fatal error|Error|Warning): (?P<text>.*)"
)


@dataclass(frozen=True, slots=True)
class Assembled:
    """What the assembler made: an ELF object, its listing, its warnings, the files it read."""

    object: bytes
    listing: str
    warnings: tuple[str, ...]
    included: tuple[Path, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Source:
    """A source text, the name to report it by, and the folder it may include files from."""

    text: str
    name: str
    folder: Path | None


@dataclass(frozen=True, slots=True)
class _Message:
    """One line of the assembler's output; ``file`` is as the assembler gives it."""

    file: str
    line: int | None
    is_error: bool
    text: str


def assemble(source: Source) -> Assembled:
    """Assemble for x86-64; BadInput gives the assembler's first error at its source line."""
    program = _assembler()
    with tempfile.TemporaryDirectory(prefix="verifier-") as scratch:
        here = Path(scratch)
        status = _run(program, source, here)
        messages = _messages(here / "messages")
        if status != 0:
            raise _first_error(source, messages, status)
        read = _files_read(here / "dependencies", here)
        for path in read:
            if not _inside(path, source.folder):
                raise _outside(source)
        listing = (here / "listing").read_bytes()
        return Assembled(
            object=(here / "object").read_bytes(),
            listing=listing.decode("utf-8", "replace") if len(listing) < _LISTING_BYTES else "",
            warnings=tuple(_warning(source, message) for message in messages),
            included=tuple(read),
            version=_version(program),
        )


def _assembler() -> str:
    program = shutil.which("as")
    if program is None:
        message = "the GNU assembler `as` is needed to read assembler source: install binutils"
        raise BadInput(message)
    return program


@functools.lru_cache(maxsize=1)
def _version(program: str) -> str:
    done = subprocess.run(  # noqa: S603 - the assembler found on PATH, with a fixed argument
        [program, "--version"], capture_output=True, text=True, check=False, env=_environment()
    )
    return done.stdout.partition("\n")[0]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _run(program: str, source: Source, scratch: Path) -> int:
    """Assemble into ``scratch`` and give the exit status; BadInput when it takes too long."""
    folder = ["-I", str(source.folder.resolve())] if source.folder else []
    command = [program, "--64", "--keep-locals", *folder, "--MD", "dependencies", "-o", "object"]
    command += ["-almn=listing", "--listing-lhs-width=4", "--listing-cont-lines=1", "-"]
    with (scratch / "messages").open("wb") as messages:
        process = subprocess.Popen(  # noqa: S603 - the assembler found on PATH, no shell
            command,
            cwd=scratch,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=messages,
        )
        with process, _limited(process):
            try:
                process.communicate(source.text.encode(), timeout=_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                message = f"the assembler did not finish in {_SECONDS} seconds"
                raise BadInput(message, source.name) from None
    return process.returncode


@contextmanager
def _limited(process: subprocess.Popen[bytes]) -> Iterator[None]:
    limits = {
        resource.RLIMIT_AS: _MEMORY_BYTES,
        resource.RLIMIT_FSIZE: _FILE_BYTES,
        resource.RLIMIT_CPU: _SECONDS,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        try:
            resource.prlimit(process.pid, limit, (most, most))
        except (ProcessLookupError, PermissionError):
            break
    yield


def _messages(path: Path) -> list[_Message]:
    with path.open("rb") as file:
        text = file.read(_MESSAGE_BYTES)
    found = []
    for row in text.split(b"\n"):
        matched = _MESSAGE.fullmatch(printable(row))
        if matched:
            line = int(matched["line"]) if matched["line"] else None
            is_error = matched["kind"] != "Warning"
            found.append(_Message(matched["file"], line, is_error, matched["text"]))
    return found


def _first_error(source: Source, messages: list[_Message], status: int) -> BadInput:
    for message in messages:
        if not message.is_error:
            continue
        if _quotes_stranger(source, message):
            return _outside(source)
        return BadInput(message.text, _reported_name(source, message.file), message.line)
    return BadInput(f"the assembler stopped with status {status} and no message", source.name)


def _warning(source: Source, message: _Message) -> str:
    place = _reported_name(source, message.file)
    line = f"{message.line}: " if message.line else ""
    return f"{place}:{line or ' '}the assembler warns: {message.text}"


def _reported_name(source: Source, file: str) -> str:
    if file == STDIN_NAME:
        return source.name
    if source.folder is not None:
        path = Path(file)
        folder = source.folder.resolve()
        if path.is_relative_to(folder):
            return str(source.folder / path.relative_to(folder))
    return file


def _quotes_stranger(source: Source, message: _Message) -> bool:
    """Say whether a message is about a file outside the folder; a made-up name is not one."""
    if message.file == STDIN_NAME:
        return False
    path = Path(message.file)
    return path.exists() and not _inside(path, source.folder)


def _inside(path: Path, folder: Path | None) -> bool:
    return folder is not None and path.resolve().is_relative_to(folder.resolve())


def _outside(source: Source) -> BadInput:
    line = next(
        (
            number
            for number, text in enumerate(source.text.split("\n"), 1)
            if (named := re.search(r"\.(?:include|incbin)\s+\"([^\"]*)", text))
            and not (source.folder and _inside(source.folder / named[1], source.folder))
        ),
        None,
    )
    folder = f"'{source.folder}'" if source.folder else "(this text has none)"
    message = f"the source includes a file outside its own folder {folder}"
    return BadInput(message, source.name, line)


def _files_read(path: Path, scratch: Path) -> list[Path]:
    """Read the make rule that the assembler wrote: the files it read, as absolute paths."""
    _, _, names = path.read_text("utf-8", "surrogateescape").partition(":")
    words = re.findall(r"(?:\\.|[^\s\\])+", names.replace("\\\n", " "))
    return [(scratch / re.sub(r"\\(.)", r"\1", word)).resolve() for word in words]
