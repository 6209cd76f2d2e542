"""One process of this machine owns an agent: who holds the lock on a file."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

_held: weakref.WeakSet[Ownership] = weakref.WeakSet()


class Ownership:
    """The right to run one agent. The kernel gives it on when the process ends, however it ends."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take it if nobody has it; whether it is ours now.

        Raises:
            OSError: the file cannot be made or locked.
        """
        if self._descriptor is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
            _held.add(self)
        try:
            self._lock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self) -> None:
        """Wait, if need be for ever, until it is ours.

        Raises:
            OSError: as `take`.
        """
        if not self.take() and self._descriptor is not None:
            self._lock(self._descriptor, fcntl.LOCK_EX)

    def _lock(self, descriptor: int, how: int) -> None:
        fcntl.flock(descriptor, how)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)  # for people

    def forget(self) -> None:
        """Let go of what a fork has copied: a lock lives until its last copy is closed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _forget_all() -> None:
    for one in list(_held):
        one.forget()


os.register_at_fork(after_in_child=_forget_all)
