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

    def woke(self, *, by_ring: bool) -> None:
        """The wait is over: until `listen` nobody has to ring."""
        self._rung = True
        if by_ring:
            with contextlib.suppress(BlockingIOError):
                self._in.recv(4096)

    def listen(self) -> None:
        """From now on who wants to be heard has to ring. Call it before looking around."""
        self._rung = False

    def close(self) -> None:
        """Free the descriptors."""
        self._in.close()
        self._out.close()
