"""Sources and tools that the tests of the loading room share."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
        .set    SELECTOR, 0x10
        .globl  start, lvl5
start:
        lea     lvl5(%rip), %rdi
        mov     $SELECTOR, %eax
        .byte   0xea
        .long   0x7c00
        .word   8
.Lback: jmp     .Lback
lvl5:   hlt
        .data
table:  .quad   0x1122334455667788
"""

SOURCE_32 = """\
start:  mov     $table, %eax
        call    far
        ret
        .data
table:  .long   table - 4
        .section .far,"ax"
far:    hlt
"""

PROGRAM = """\
int counter = 7;
int step(int by)
{
    return counter += by;
}
void _start(void)
{
    step(2);
}
"""


def tool(name: str) -> str:
    """Find a program, or fail saying what to install."""
    found = shutil.which(name)
    if found is None:
        package = "gcc" if name == "gcc" else "binutils"
        pytest.fail(f"this test needs {name}: install {package}")
    return found


def run(*command: str | Path) -> None:
    """Run a tool on files of the test, which must succeed."""
    program, *arguments = map(str, command)
    done = subprocess.run([tool(program), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{program} failed: {done.stderr}")
