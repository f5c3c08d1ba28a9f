"""The GDB remote serial protocol, as much of it as steering QEMU takes.

Manual: "Debugging with GDB", appendix "GDB Remote Serial Protocol". The other end is a
socket whose timeout bounds every exchange; running out of it raises TimeoutError, and an
end that is gone raises EOFError.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

MEMORY_CHUNK = 1024
"""Bytes of memory a packet carries; QEMU's packets end at 4096 characters."""

RECEIVE_BYTES = 1 << 16


class GdbStub:
    """One debugger connection, without acknowledgements, with physical addresses."""

    def __init__(self, connection: socket.socket) -> None:
        """Take a connected socket; ``greet`` begins the conversation."""
        self._connection = connection
        self._received = b""
        self._acknowledge = True
        self.deadline = 0.0

    def greet(self) -> None:
        """Agree on the protocol; the first packet also halts the machine."""
        self.command(b"qSupported")
        self.command(b"QStartNoAckMode")
        self._acknowledge = False
        # QEMU lets single registers be set only by those who have read its description.
        self.command(b"qXfer:features:read:target.xml:0,ffb")
        self.command(b"Qqemu.PhyMemMode:1")

    def command(self, packet: bytes) -> bytes:
        """Send one packet and give the answer."""
        self._send(packet)
        return self._receive()

    def monitor(self, line: str) -> str:
        """Give what QEMU's own monitor prints for a line."""
        self._send(b"qRcmd," + line.encode().hex().encode())
        printed = b""
        while (packet := self._receive()).startswith(b"O") and packet != b"OK":
            printed += bytes.fromhex(packet[1:].decode())
        return printed.decode()

    def set_register(self, number: int, value: int, size: int = 8) -> bool:
        """Set a register by its number in the stub's description; say whether it was taken."""
        data = value.to_bytes(size, "little").hex()
        return self.command(f"P{number:x}={data}".encode()) == b"OK"

    def write_physical(self, address: int, data: bytes) -> None:
        """Write memory through QEMU, which then forgets what it translated there."""
        for start in range(0, len(data), MEMORY_CHUNK):
            part = data[start : start + MEMORY_CHUNK]
            self.command(f"M{address + start:x},{len(part):x}:{part.hex()}".encode())

    def _send(self, packet: bytes) -> None:
        self._connection.settimeout(max(0.001, self.deadline - time.monotonic()))
        self._connection.sendall(b"$" + packet + b"#%02x" % (sum(packet) & 0xFF))

    def _receive(self) -> bytes:
        while True:
            start = self._received.find(b"$")
            end = self._received.find(b"#", start) if start >= 0 else -1
            if end >= 0 and len(self._received) >= end + 3:
                packet = self._received[start + 1 : end]
                self._received = self._received[end + 3 :]
                if self._acknowledge:
                    self._connection.sendall(b"+")
                return packet
            self._connection.settimeout(max(0.001, self.deadline - time.monotonic()))
            part = self._connection.recv(RECEIVE_BYTES)
            if not part:
                raise EOFError
            self._received += part
