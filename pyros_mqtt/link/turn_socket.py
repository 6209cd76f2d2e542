"""A socket that reads ahead, gives out whole packets, and writes once a turn.

paho reads a packet in three calls and writes each packet with one. With this between paho and the
system, a turn of the network loop costs one call to read and one to write, however many packets;
and packets that need no paho never reach it.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from typing import Any

from pyros_mqtt.link.packets import Packet, first_of

READ = 64 * 1024
"""Bytes that are read ahead at most."""

WRITE = 64 * 1024
"""Bytes that are handed to the system at once; over WebSockets, those of a frame."""

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TurnSocket:
    """Wraps a socket that does not block: plain, TLS, or paho's WebSocket.

    `write`, `write_at_once` and `flush` are for any thread, the rest for one. paho reads what was
    passed on to it.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._lock = threading.Lock()  # TLS cannot be read and written at once
        self._ahead = b""
        self._at = 0
        self._unfinished = bytearray()
        self._missing = 0
        self._passed = bytearray()
        self._end: OSError | None = None
        self.has_ended = False
        """Nothing more will come."""
        self._out = bytearray()

    # -- what has come ------------------------------------------------------------------

    def fill(self) -> bool:
        """Read what has come, once; whether there may be more."""
        try:
            with self._lock:
                data = self._sock.recv(READ)
        except _NOT_NOW:
            return False
        except OSError as error:
            self._end, self.has_ended = error, True
            return False
        self.has_ended = not data
        self._take_in(data)
        return len(data) == READ or self.pending() > 0

    def _take_in(self, data: bytes) -> None:
        """Put what came behind what is left; a large packet is put together once."""
        left = self._ahead[self._at :]
        if not (left or self._unfinished):
            self._ahead, self._at = data, 0
            return
        self._unfinished += left
        self._unfinished += data
        self._at = 0
        if len(self._unfinished) < self._missing:
            self._ahead = b""
            return
        self._ahead, self._missing = bytes(self._unfinished), 0
        self._unfinished.clear()

    def packet(self) -> Packet | None:
        """The next whole packet, or None.

        Raises:
            ValueError: what came is no packet.
        """
        if self._at >= len(self._ahead):
            return None
        packet, end = first_of(self._ahead, self._at)
        if packet is not None:
            self._at = end
        elif end:
            self._missing = end - self._at
        return packet

    def pass_on(self, data: bytes) -> None:
        """Let paho read this."""
        self._passed += data

    # -- for paho -----------------------------------------------------------------------

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return int(self._sock.fileno())

    def recv(self, size: int) -> bytes:
        """Give `size` bytes of what was passed on, or fewer.

        Raises:
            BlockingIOError: there is nothing.
            OSError: the connection is broken.
        """
        if not self._passed:
            if self._end is not None:
                raise self._end
            if self.has_ended:
                return b""
            raise BlockingIOError
        data = bytes(self._passed[:size])
        del self._passed[:size]
        return data

    def pending(self) -> int:
        """Bytes that TLS has read from the system and has not given out."""
        below = getattr(self._sock, "pending", None)
        return int(below()) if below else 0

    def send(self, data: bytes) -> int:
        """Keep what is to be sent until `flush`."""
        self.write(data)
        return len(data)

    def close(self) -> None:
        """Let the last words out, as far as the system takes them, and close."""
        with contextlib.suppress(OSError):
            self.flush()
        self._sock.close()

    # -- what is to go ------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Keep what is to be sent until `flush`."""
        with self._lock:
            self._out += data

    @property
    def wants_write(self) -> bool:
        """Something is left that the system did not take."""
        return bool(self._out)

    @property
    def has_room(self) -> bool:
        """Little is left: what is written now goes soon."""
        return len(self._out) < WRITE

    def write_at_once(self, data: bytes) -> bool:
        """Hand this on behind what is kept, as far as the system takes it; whether it took all.

        Raises:
            OSError: the connection is broken.
        """
        with self._lock:
            if self._out:
                self._out += data
                self._flush()
                return not self._out
            try:
                sent = int(self._sock.send(data))
            except _NOT_NOW:
                sent = 0
            self._out += data[sent:]
            return sent == len(data)

    def flush(self) -> None:
        """Hand on what is kept, as far as the system takes it.

        Raises:
            OSError: the connection is broken.
        """
        if self._out:
            with self._lock:
                self._flush()

    def _flush(self) -> None:
        while self._out:
            try:
                sent = self._sock.send(self._out[:WRITE])
            except _NOT_NOW:
                return
            del self._out[:sent]
            if not sent:
                return
