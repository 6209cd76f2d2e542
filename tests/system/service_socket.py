"""The socket of a service manager (systemd): what a process under it says."""

from __future__ import annotations

import queue
import socket
import threading
import time
from pathlib import Path
from typing import Self


class ServiceSocket:
    """Listens as systemd does; `variables` is what a process under it finds.

    A thread reads all the while: the system keeps ten words at most, and whoever says more of them
    is not heard.
    """

    def __init__(self, folder: Path, watchdog: float = 1.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = folder / "notify"
        self._socket.bind(str(path))
        self.variables = {
            "NOTIFY_SOCKET": str(path),
            "WATCHDOG_USEC": str(round(watchdog * 1e6)),
        }
        self.heard: list[str] = []
        self._words: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._listen, name="service manager")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                self._words.put(self._socket.recv(4096).decode())
            except TimeoutError:
                continue

    def until(self, line: str, timeout: float = 60.0) -> None:
        """Wait until a line has come that begins like this; each one is given out once."""
        deadline = time.monotonic() + timeout
        while True:
            for number, one in enumerate(self.heard):
                if one.startswith(line):
                    del self.heard[: number + 1]
                    return
            try:
                self.heard.append(self._words.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"never said {line!r}, but {self.heard}") from None

    def is_silent_for(self, seconds: float) -> bool:
        """Whether nothing comes for so long, after what was under way."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                self._words.get(timeout=seconds)
            except queue.Empty:
                return True
        return False
