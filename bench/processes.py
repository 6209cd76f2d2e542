"""One process of a measurement: a peer in its role, from its start to what it has found."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Self

from bench.job import Job, Told
from bench.lane import MARK
from pyros_mqtt.errors import PyrosError

ROOT = Path(__file__).parents[1]
READY_PATIENCE = 60.0
WORK_PATIENCE = 180.0


class PeerFailed(PyrosError):
    """A process ended badly, or said nothing in time; the text has its last words."""


class Process:
    """A peer in one role. Leaving its `with` ends it."""

    def __init__(self, python: Path, peer: str, role: str, job: Job, folder: Path) -> None:
        self._name = f"{peer} ({role})"
        self._said: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        path = os.pathsep.join([str(ROOT), str(ROOT / "agents")])
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            [python, "-m", f"bench.peers.{peer}.peer", role, json.dumps(dataclasses.asdict(job))],
            cwd=folder,
            env=environment() | {"PYTHONPATH": path, "HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        threading.Thread(target=self._hear, daemon=True).start()

    def ready(self) -> Told:
        """Wait until it is ready; gives what it said with that.

        Raises:
            PeerFailed: it is not, in time.
        """
        return self._next(READY_PATIENCE)

    def result(self) -> Told:
        """Tell it to end where it waits for that, and give what it has found.

        Raises:
            PeerFailed: it has found nothing in time.
        """
        self._close_input()
        return self._next(WORK_PATIENCE)

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, by force where it does not heed that its input has ended."""
        self._close_input()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _hear(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as stream:
                for line in stream:
                    if line.startswith(MARK):
                        self._said.put(json.loads(line.removeprefix(MARK)))
        self._said.put(None)

    def _next(self, timeout: float) -> Told:
        try:
            told = self._said.get(timeout=timeout)
        except queue.Empty:
            raise PeerFailed(f"{self._name} said nothing within {timeout:g} s") from None
        if told is None:
            raise PeerFailed(f"{self._name} ended: {self._last_words()}")
        return told

    def _last_words(self) -> str:
        self._process.wait(5.0)
        self._errors.seek(0)
        said = [line for line in self._errors.read().splitlines() if line.strip()]
        return " / ".join(said[-3:]) or f"exit code {self._process.returncode}"


def environment() -> dict[str, str]:
    """The environment without the settings of whoever measures, for `pyros` and for Python.

    One that keeps Python from writing byte code would have everyone compile at each start.
    """
    ours = ("PYROS_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
