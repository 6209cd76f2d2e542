"""A socket that reads ahead and writes once a turn.

paho reads a packet in three calls and writes each packet with one. With this between paho and the
system, a turn of the network loop costs one call to read and one to write, however many packets.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

READ = 64 * 1024
"""Bytes that are read ahead at most."""

WRITE = 64 * 1024
"""Bytes that are handed to the system at once; over WebSockets, those of a frame."""

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TurnSocket:
    """Wraps a socket that does not block: plain, TLS, or paho's WebSocket. For one thread.

    Reading works as on any socket. What is sent leaves with `flush`, or when it is closed.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._ahead = b""
        self._at = 0
        self._out = bytearray()

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return int(self._sock.fileno())

    def recv(self, size: int) -> bytes:
        """Give `size` bytes, or fewer.

        Raises:
            BlockingIOError: nothing has come.
            OSError: the connection is broken.
        """
        if self._at >= len(self._ahead):
            try:
                self._ahead, self._at = self._sock.recv(READ), 0
            except _NOT_NOW as nothing:
                raise BlockingIOError from nothing
        start = self._at
        self._at = start + size
        return self._ahead[start : self._at]

    def pending(self) -> int:
        """Bytes that have been read from the system and are not given out yet."""
        ahead = max(0, len(self._ahead) - self._at)
        below = getattr(self._sock, "pending", None)  # TLS reads whole records
        return ahead or (below() if below else 0)

    def send(self, data: bytes) -> int:
        """Keep what is to be sent until `flush`."""
        self._out += data
        return len(data)

    @property
    def wants_write(self) -> bool:
        """Something is left that the system did not take."""
        return bool(self._out)

    def flush(self) -> None:
        """Hand on what is kept, as far as the system takes it.

        Raises:
            OSError: the connection is broken.
        """
        while self._out:
            try:
                sent = self._sock.send(self._out[:WRITE])
            except _NOT_NOW:
                return
            del self._out[:sent]
            if not sent:
                return

    def close(self) -> None:
        """Let the last words out, as far as the system takes them, and close."""
        with contextlib.suppress(OSError):
            self.flush()
        self._sock.close()
