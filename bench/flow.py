"""The reader tells the writer how far it is, beside what is measured, so that no queue overflows.

A broker drops what a slow reader does not fetch (and at QoS 0 it may). A measurement in which that
happens says nothing; so the writer waits where it is too far ahead. It costs a few bytes over a
connection of its own for every few hundred messages, the same for each peer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Self

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0

_COUNT = struct.Struct("!Q")


class Flow:
    """One end of that connection; use it in a `with`."""

    def __init__(self, listener: socket.socket | None, connection: socket.socket | None) -> None:
        self._listener, self._connection = listener, connection
        self._news = threading.Condition()  # reentrant
        self.arrived = 0
        self.port = listener.getsockname()[1] if listener else 0
        work = self._accept if listener else self._hear
        threading.Thread(target=work, name="flow", daemon=True).start()

    @classmethod
    def to_writer(cls) -> Self:
        """Be the reader's end, to which the writer connects."""
        return cls(socket.create_server((LOOPBACK, 0)), None)

    @classmethod
    def to_reader(cls, port: int) -> Self:
        """Be the writer's end."""
        connection = socket.create_connection((LOOPBACK, port))
        return cls(None, connection)

    def tell(self, arrived: int) -> None:
        """Tell the writer how many messages have arrived."""
        with self._news:
            self.arrived = arrived
            if self._connection is not None:
                with contextlib.suppress(OSError):  # a writer that has all it wants may be gone
                    self._connection.sendall(_COUNT.pack(arrived))

    def wait_for(self, arrived: int) -> None:
        """Wait until so many messages have arrived.

        Raises:
            TimeoutError: they have not, so that some must be lost.
        """
        with self._news:
            if not self._news.wait_for(lambda: self.arrived >= arrived, PATIENCE):
                raise TimeoutError(f"{arrived} messages were sent, {self.arrived} have arrived")

    def _accept(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(OSError):
            connection = self._listener.accept()[0]
            with self._news:
                self._connection = connection
            self.tell(self.arrived)

    def _hear(self) -> None:
        if self._connection is None:
            return
        with self._connection.makefile("rb") as stream:
            while len(data := stream.read(_COUNT.size)) == _COUNT.size:
                with self._news:
                    self.arrived = _COUNT.unpack(data)[0]
                    self._news.notify_all()

    def __enter__(self) -> Self:
        """Nothing to do: it is connected, or listens."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        for one in (self._listener, self._connection):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
