"""Whether a broker speaks MQTT at a port, asked by hand and without a client library."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"  # 3.1.1, clean session, no client id
_WELCOME = b"\x20\x02\x00\x00"


def is_welcome(port: int) -> bool:
    """Connect as an anonymous 3.1.1 client and tell whether the broker accepts it."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=2) as connection,
    ):
        connection.sendall(_CONNECT)
        return connection.recv(4) == _WELCOME
    return False


def until_welcome(port: int, timeout: float = 60.0) -> None:
    """Wait until the broker at `port` accepts connections.

    Raises:
        TimeoutError: it has not after `timeout` seconds.
    """
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not is_welcome(port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no broker at port {port} after {timeout} s")
        pause.wait(0.05)
