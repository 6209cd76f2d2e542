"""A process that never outlives the one that started it, not even after `kill -9`.

Between us and it stands a small shell that reads a pipe of which we hold the other end. The system
closes that end whenever we are gone, however we went, and then the shell ends the process. (Linux'
parent-death signal does not serve: mosquitto loses it when it gives up root's rights, and it fires
when the *thread* that started the process ends.) A child that we fork without executing anything
keeps the pipe open as long as it lives. A process that does not heed SIGTERM is killed by the shell
`GRACE` seconds later, for then nobody else is there to do it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

from pyros_mqtt.settings import SERVICE_VARIABLES

GRACE = 10
"""Seconds from the SIGTERM that follows our death to the SIGKILL."""

_GUARD = f"""
exec 3<&0 4>&2 2>/dev/null
"$@" 2>&4 3<&- 4>&- </dev/null & guarded=$!
{{
    read -r _; kill "$guarded"
    sleep {GRACE} </dev/null >/dev/null 3<&- 4>&-; kill -9 "$guarded"
}} <&3 4>&- & watcher=$!
wait "$guarded"; code=$?
kill "$watcher"
exit "$code"
"""


class GuardedProcess:
    """A command that runs until it ends, is stopped, or its starter is gone.

    It has a session of its own, so that a Ctrl-C in the terminal does not reach it: whoever
    started it still needs it to say goodbye.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: IO[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            command: the program and its arguments.
            log: takes what it prints; None leaves that on our standard error.
            environment: variables that it gets beside ours.
        """
        self._shell = subprocess.Popen(  # noqa: S603 - the command is our own
            ["/bin/sh", "-c", _GUARD, "guard", *command],
            stdin=subprocess.PIPE,
            stdout=log or subprocess.DEVNULL,
            stderr=log,
            env=_inherited() | dict(environment or {}),
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

    def kill(self) -> None:
        """End it without a goodbye, as `kill -9` does. It may have ended already."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)

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


def _inherited() -> dict[str, str]:
    """Our environment, without what the service manager has told us alone."""
    return {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
