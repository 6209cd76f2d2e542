"""The real command `pyros`, as processes: run to its end, or watched while it runs."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TIMEOUT = 40.0
PYROS = (sys.executable, "-m", "pyros_mqtt")

_DRAWING = re.compile("[\x1b\u2500-\u259f]")


@dataclass(frozen=True)
class Ended:
    """What a command has left behind."""

    code: int
    out: str
    err: str

    def is_plain(self) -> bool:
        """Nothing but words: no escape sequence, no line drawing, no traceback."""
        text = self.out + self.err
        return not _DRAWING.search(text) and "Traceback" not in text


class Running:
    """A command that runs; what it prints, on both ways, is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def until(self, pattern: str, timeout: float = 60.0) -> str:
        """Wait for a line in which `pattern` is found."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"never said {pattern!r}, but:\n" + "\n".join(self.said)
            self.said.append(line)
            if re.search(pattern, line):
                return line

    def end(self, number: int = signal.SIGINT, timeout: float = 20.0) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout)

    def close(self) -> None:
        """End it in any case."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Pyros:
    """Starts `pyros` in a folder of its own, on one broker and topic root."""

    def __init__(self, folder: Path, **variables: str) -> None:
        path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "agents")])
        self.folder = folder
        self.variables = {**os.environ, "PYTHONPATH": path, "COLUMNS": "100", **variables}

    def __call__(self, *words: str, **variables: str) -> Ended:
        """Run one command to its end."""
        done = subprocess.run(  # noqa: S603 - ourselves
            [*PYROS, *words],
            cwd=self.folder,
            env=self.variables | variables,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def running(self, *words: str, **variables: str) -> Iterator[Running]:
        """Run one command for the while of a block."""
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [*PYROS, *words],
            cwd=self.folder,
            env=self.variables | variables | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        one = Running(process)
        try:
            yield one
        finally:
            one.close()


def speak_until_heard(pyros: Pyros, agent: str, tail: Running) -> None:
    """Wait until a `pyros tail` listens: it says nothing before it hears something."""
    for _ in range(20):
        pyros("send", agent, "hello", "--as", "first")
        with contextlib.suppress(AssertionError):
            tail.until("first", timeout=1.0)
            return
    raise AssertionError("the tail has heard nothing")


def until(is_true: Callable[[], object], timeout: float = 60.0) -> None:
    """Wait until something outside becomes true."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.02)
