"""A TCP gate before a server, which a test closes and opens."""

from __future__ import annotations

import contextlib
import socket
import threading

from pyros_mqtt.broker.ports import LOOPBACK


class Gate:
    """Passes connections on to a port; always listens on the same one."""

    def __init__(self) -> None:
        self.used = threading.Event()
        """Somebody has come through."""
        self._port = 0
        self._server: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def listen(self, to: int) -> int:
        """Open it; its port."""
        self._server = socket.create_server((LOOPBACK, self._port))
        self._port = self._server.getsockname()[1]
        self._start(self._accept, self._server, to)
        return self._port

    def close(self) -> None:
        """Close it, and cut who is in."""
        ends = [self._server, *self._open] if self._server else [*self._open]
        self._server, self._open = None, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(5)
        self._threads = []

    def _accept(self, server: socket.socket, to: int) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = server.accept()
                there = socket.create_connection((LOOPBACK, to))
                self._open += [here, there]
                self._start(self._pass, here, there)
                self._start(self._pass, there, here)
                self.used.set()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
