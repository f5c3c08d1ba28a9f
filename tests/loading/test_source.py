"""Assembler source becomes an image, or one sentence with its file and line."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from tests.loading.build import SOURCE
from verifier.errors import BadInput, Bug
from verifier.loading import Image, ImageDescription, Kind, Line, load, load_source_text


def assemble(text: str, link_address: int = 0) -> Image:
    """Assemble a text under a name that is easy to see in errors."""
    return load_source_text(text, "try.S", link_address=link_address)


def refused(text: str, link_address: int = 0) -> str:
    """Give the error for a text as a user reads it."""
    with pytest.raises(BadInput) as caught:
        assemble(text, link_address)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bytes_labels_and_constants() -> None:
    """An image has the assembler's bytes, labels as offsets and constants apart."""
    image = assemble(SOURCE)
    assert image.data[:0x13] == bytes.fromhex("488d3d0e000000 b810000000 ea007c00000800")
    assert image.symbols == {"start": 0, "lvl5": 0x15, ".Lback": 0x13, "table": 0x16}
    assert image.constants == {"SELECTOR": 0x10}
    assert image.producer.startswith("GNU assembler")
    assert image.notes == ()


def test_each_byte_has_its_line() -> None:
    """The line table covers instructions and data, each with the line it was written on."""
    image = assemble(SOURCE)
    assert image.lines[0] == Line(0, 7, "try.S", 4, "lea     lvl5(%rip), %rdi")
    assert [(line.offset, line.line) for line in image.lines] == [
        (0, 4), (7, 5), (0xC, 6), (0xD, 7), (0x11, 8), (0x13, 9), (0x15, 10), (0x16, 12),
    ]  # fmt: skip
    assert sum(line.length for line in image.lines) == len(image.data)


def test_lookups_by_offset() -> None:
    """Offsets are named by the nearest label before them and by the line they belong to."""
    image = assemble(SOURCE)
    assert image.symbol_at(0) == "start"
    assert image.symbol_at(7) == "start+0x7"
    assert image.symbol_at(0x14) == ".Lback+0x1"
    assert image.symbol_at(-4) == "-0x4"
    assert assemble("nop\nx: nop").symbol_at(0) == "+0x0"
    line = image.line_at(0xE)
    assert line is not None
    assert line.line == 7
    assert image.line_at(len(image.data)) is None
    assert image.line_at(-1) is None


def test_lines_of_macros_repeats_and_other_sections() -> None:
    """An expansion has the line of its invocation, also where it switches the section."""
    text = (
        ".macro both x\n.pushsection .data\n.long \\x\n.popsection\nmov $\\x, %eax\n.endm\n"
        'start: both 3\n.rept 2\nhlt\n.endr\n.section .head,"ax"\nnop\n.previous\ncld\n'
    )
    image = assemble(text)
    places = {line.offset: line.line for line in image.lines}
    assert places[0] == 7
    assert places[image.data.index(b"\x03\0\0\0", 5)] == 7
    assert places[image.data.index(b"\x90")] == 12
    assert places[image.data.index(b"\xfc")] == 14


def test_a_long_fill_is_one_line() -> None:
    """Bytes that the listing does not show in full belong to their line all the same."""
    image = assemble("nop\n.fill 70000, 1, 7\nhlt\n")
    assert [(line.offset, line.length) for line in image.lines] == [(0, 1), (1, 70000), (70001, 1)]


def test_assembling_twice_gives_the_same_digest(tmp_path: Path) -> None:
    """The digest depends on the text alone, not on names, folders or the time."""
    path = tmp_path / "small.S"
    path.write_text(SOURCE)
    from_file = load(ImageDescription(Kind.SOURCE, path))
    assert from_file.digest == assemble(SOURCE).digest
    assert from_file.data == assemble(SOURCE).data
    assert from_file.lines[0].file == str(path)
    assert from_file.name == "small.S"


def test_an_image_survives_pickling() -> None:
    """An image can be sent to a worker process."""
    image = assemble(SOURCE)
    copy = pickle.loads(pickle.dumps(image))  # noqa: S301 - pickled in the line itself
    assert copy == image
    assert copy.symbol_at(7) == "start+0x7"


def test_a_patch_changes_bytes_and_digest_only() -> None:
    """A patched image keeps its size and names, and a patch outside it is our bug."""
    image = assemble(SOURCE)
    patched = image.patched(0x15, b"\x90")
    assert patched.data == image.data[:0x15] + b"\x90" + image.data[0x16:]
    assert patched.digest != image.digest
    assert patched.symbols == image.symbols
    assert patched.patched(0x15, b"\xf4") == image
    with pytest.raises(Bug):
        image.patched(len(image.data), b"\x90")
    with pytest.raises(Bug):
        image.patched(-1, b"\x90")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nop\nfoo %eax\n", "try.S:2: no such instruction: `foo %eax'"),
        ("x: nop\nx: nop\n", "try.S:2: symbol `x' is already defined"),
        ("mov $7, %eax\nmov $1, (%eax\n", "try.S:2: "),
        (".macro m\nbad\n.endm\nm\n", "try.S:2: no such instruction: `bad'"),
        (".if 1\nnop\n", "try.S: end of file inside conditional"),
        ("jmp 1f\n", "try.S: local label"),
        ("", "try.S: the image has no bytes"),
        ("# only a comment\n", "try.S: the image has no bytes"),
        ("nop\n.skip 0x8000000\n", "try.S: the image has 0x8000001 bytes"),
        ("a: nop\n.comm shared, 8\nlea shared(%rip), %rax\n", "try.S:3: symbol 'shared' has no"),
        ("lea x@GOTPCREL(%rip), %rax\nx: nop\n", "try.S:1: relocation type 9 is not known"),
        ('.incbin "nowhere"\n', "try.S:1: file not found: nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_assembled_is_told_at_its_line(text: str, expected: str) -> None:
    """An error has the file as the user named it, the line, and the assembler's words."""
    assert refused(text).startswith(expected)


def test_an_undefined_symbol_names_the_nearest() -> None:
    """An undefined symbol is told at its line, in code and in data, with the nearest label."""
    code = refused("lvl5: nop\n jmp lvl4\n")
    assert code == "try.S:2: symbol 'lvl4' is not defined: did you mean 'lvl5'?"
    assert refused("lvl5: nop\n .data\n .quad 3\n .quad lvl4\n").startswith(
        "try.S:4: symbol 'lvl4'"
    )


def test_warnings_of_the_assembler_are_kept() -> None:
    """What the assembler only warns of is a note of the image."""
    (note,) = assemble("nop\n.byte 500\n").notes
    assert note.startswith("try.S:2: the assembler warns: value 0x1f4 truncated")


def test_a_missing_assembler_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an assembler one sentence says which package has it."""
    monkeypatch.setenv("PATH", "")
    assert "install binutils" in refused("nop\n")


def test_includes_inside_the_folder_are_followed(tmp_path: Path) -> None:
    """Included code has the lines of its own file; a blob has the line that includes it."""
    (tmp_path / "part.inc").write_text("\n cld\n")
    (tmp_path / "my blob.bin").write_bytes(b"abc")
    text = 'nop\n.include "part.inc"\n.incbin "my blob.bin"\nhlt\n'
    image = load_source_text(text, "try.S", tmp_path)
    assert image.data == b"\x90\xfcabc\xf4"
    assert [(line.file, line.line) for line in image.lines] == [
        ("try.S", 1), (str(tmp_path / "part.inc"), 2), ("try.S", 3), ("try.S", 4),
    ]  # fmt: skip
    (tmp_path / "part.inc").write_text("\n nonsense\n")
    with pytest.raises(BadInput) as caught:
        load_source_text(text, "try.S", tmp_path)
    assert (caught.value.where, caught.value.line) == (str(tmp_path / "part.inc"), 2)


@pytest.mark.parametrize(
    "text",
    [
        '.include "{secret}"\n',
        '.incbin "{secret}"\n',
        '.include "../secret"\n',
        '.incbin "link"\n',
        '.include "link"\n',
        '.macro get x, y\n.\\x\\y "{secret}"\n.endm\nget inc, lude\n',
        '.macro get x, y\n.\\x\\y "{secret}"\n.endm\nget inc, bin\n',
        '# 1 "try.S"\n.linefile 7 "try.S"\n.include "{secret}"\n',
        '.data\n.file 1 "{secret}"\n.include "{secret}"\n',
    ],
)  # fmt: skip
def test_nothing_outside_the_folder_is_shown(tmp_path: Path, text: str) -> None:
    """A stranger's source cannot make an error or an image show a file outside its folder."""
    folder = tmp_path / "spec"
    folder.mkdir()
    (tmp_path / "secret").write_text("hunter2: nop\n password hunter3\n")
    (folder / "link").symlink_to("../secret")
    with pytest.raises(BadInput) as caught:
        load_source_text(text.format(secret=tmp_path / "secret"), "try.S", folder)
    assert "hunter" not in str(caught.value)
    assert "outside its own folder" in str(caught.value) or "not found" in str(caught.value)


def test_line_markers_do_not_show_foreign_lines(tmp_path: Path) -> None:
    """A line marker that names a foreign file brings none of its text into the image."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    image = load_source_text(f'# 1 "{secret}"\nnop\n', "try.S", tmp_path / "spec")
    assert "hunter2" not in repr(image)


def test_escapes_do_not_reach_the_terminal() -> None:
    """Control characters of a source are replaced in the error that quotes them."""
    assert "\x1b" not in refused("nop\nbad\x1b[31m %eax\n")


def test_a_source_without_end_is_stopped(tmp_path: Path) -> None:
    """A source that asks for endless memory ends as bad input."""
    with pytest.raises(BadInput):
        load_source_text('.include "/dev/zero"\n', "try.S", tmp_path)


def test_files_that_are_no_source(tmp_path: Path) -> None:
    """A missing file, a folder, an empty file and a binary are each told in one sentence."""
    empty, binary = tmp_path / "empty.S", tmp_path / "binary.S"
    empty.write_bytes(b"")
    binary.write_bytes(b"nop\n\xff\xfe\n")
    expected = {
        tmp_path / "none.S": "does not exist",
        tmp_path: "is a directory",
        empty: "is empty",
        binary: "not UTF-8",
        Path("nul\0"): "does not exist",
    }
    for path, words in expected.items():
        with pytest.raises(BadInput, match=words):
            load(ImageDescription(Kind.SOURCE, path))
    with pytest.raises(BadInput, match="has no 'origin'"):
        load(ImageDescription(Kind.SOURCE, empty, origin=4))


def test_loading_a_small_source_needs_no_debug_parser() -> None:
    """The assembler is the only tool a source needs, so that loading it stays quick."""
    assert shutil.which("as"), "install binutils"
    import verifier.loading.load as module  # noqa: PLC0415 - to look at what it brought in

    assert "elftools" not in vars(module)
