"""A reader's terminal: runs a command and keeps what it prints."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path


def is_like(wanted: str, printed: str) -> bool:
    """Whether `printed` is what a page shows.

    A line of `...` stands for any number of lines, `...` within a line for anything; how many
    spaces there are does not count.
    """
    pattern = "".join(_line(line) for line in wanted.splitlines())
    return re.fullmatch(pattern, f"{printed}\n".replace("\n\n", "\n")) is not None


def _line(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    if not line.strip():
        return ""
    words = (re.escape(word).replace(r"\.\.\.", ".*?") for word in line.split())
    return r"[ \t]*" + r"[ \t]+".join(words) + r"[ \t]*\n"


class Terminal:
    """One command that was started in the page's folder; `printed` grows while it runs."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it by a shell, in a process group of its own."""
        self.command = command
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._shell = subprocess.Popen(  # noqa: S603 - the page's own commands are what is tested
            ["/bin/bash", "-c", command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def printed(self) -> str:
        """All that was printed until now."""
        with self._changed:
            return "".join(self._lines)

    @property
    def is_running(self) -> bool:
        """The command has not ended."""
        return self._shell.poll() is None

    def has_printed(self, wanted: str, timeout: float) -> bool:
        """Wait until what was printed is `wanted`; False after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not is_like(wanted, "".join(self._lines)):
                left = deadline - time.monotonic()
                if left <= 0 or (not self._reader.is_alive() and self._shell.poll() is not None):
                    return is_like(wanted, "".join(self._lines))
                self._changed.wait(min(left, 0.5))
        return True

    def finish(self, timeout: float) -> int:
        """Wait for the end of the command; its exit code.

        Raises:
            TimeoutError: it still runs.
        """
        try:
            code = self._shell.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.command!r} still runs; printed:\n{self.printed}") from None
        self._reader.join(timeout)
        self._close()
        return code

    def interrupt(self, timeout: float = 15.0) -> None:
        """Press Ctrl-C, and wait for the end.

        Raises:
            TimeoutError: it did not heed.
        """
        if self._shell.poll() is None:
            os.killpg(self._shell.pid, signal.SIGINT)
        self.finish(timeout)

    def kill(self) -> None:
        """End it by force, if it still runs."""
        if self._shell.poll() is None:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        self._reader.join(5.0)
        self._close()

    def _close(self) -> None:
        if self._shell.stdout is not None and not self._reader.is_alive():
            self._shell.stdout.close()

    def _read(self) -> None:
        if self._shell.stdout is None:
            return
        for line in self._shell.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
