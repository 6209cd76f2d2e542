"""A process that never outlives the one that started it, not even after `kill -9`.

Between us and it stands a small shell that reads a pipe of which we hold the other end. The system
closes that end whenever we are gone, however we went, and then the shell ends the process. (Linux'
parent-death signal does not serve: mosquitto loses it when it gives up root's rights, and it fires
when the *thread* that started the process ends.) A child that we fork without executing anything
keeps the pipe open as long as it lives.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import IO

_GUARD = """
exec 3<&0 4>&2 2>/dev/null
"$@" 2>&4 3<&- 4>&- </dev/null & guarded=$!
{ read -r _; kill "$guarded"; } <&3 & watcher=$!
wait "$guarded"; code=$?
kill "$watcher"
exit "$code"
"""


class GuardedProcess:
    """A command that runs until it ends, is stopped, or its starter is gone.

    It has a session of its own, so that a Ctrl-C in the terminal does not reach it: whoever
    started it still needs it to say goodbye.
    """

    def __init__(self, command: Sequence[str], log: IO[str] | None = None) -> None:
        """Start it; `log` takes what it prints, None leaves that on our standard error."""
        self._shell = subprocess.Popen(  # noqa: S603 - the command is our own
            ["/bin/sh", "-c", _GUARD, "guard", *command],
            stdin=subprocess.PIPE,
            stdout=log or subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )

    @property
    def is_running(self) -> bool:
        """It has not ended."""
        return self._shell.poll() is None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and give its exit code.

        Raises:
            TimeoutError: it runs on after `timeout` seconds.
        """
        try:
            return self._shell.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"still running after {timeout} s") from None

    def stop(self, timeout: float = 5.0) -> None:
        """End it, by force after `timeout` seconds. It may have ended already."""
        if self._shell.stdin is not None:
            self._shell.stdin.close()
        try:
            self.wait(timeout)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
