"""Wakes a thread that waits for sockets."""

from __future__ import annotations

import contextlib
import socket


class Wakeup:
    """A byte to oneself. `ring` is for any thread, the rest for the one that waits."""

    def __init__(self) -> None:
        self._in, self._out = socket.socketpair()
        for end in (self._in, self._out):
            end.settimeout(0)
        self._rung = False

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._in.fileno()

    def ring(self) -> None:
        """End the wait, now or as soon as it begins."""
        if self._rung:
            return
        self._rung = True
        with contextlib.suppress(OSError):  # full: it is awake; closed: it has ended
            self._out.send(b"\0")

    def drain(self) -> None:
        """The ring has been heard. Call it before looking at what it was for.

        Who rings while this runs adds no byte, and needs none: the look comes after.
        """
        with contextlib.suppress(BlockingIOError):
            self._in.recv(4096)
        self._rung = False

    def close(self) -> None:
        """Free the descriptors."""
        self._in.close()
        self._out.close()
