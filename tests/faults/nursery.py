"""Starts the processes of `live_subject` and hears what they tell."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.faults.builds import BUILD, HEALTHY
from tests.system.device import until

REPOSITORY = Path(__file__).parents[2]
START = 60.0
"""Most seconds until a process that is to start has told so."""

Event = dict[str, Any]
"""What a process has told: `who` of them, which `event`, `at` which moment, and more."""


class Child:
    """One process under test."""

    def __init__(self, nursery: Nursery, who: str) -> None:
        self._nursery = nursery
        self.who = who
        self.pid: int = self.until("begun", START)["pid"]

    def until(self, event: str, timeout: float, **wanted: Any) -> Event:
        """Wait until this process has told of `event`, with these values.

        Raises:
            AssertionError: it has not.
        """
        return self._nursery.until(
            lambda e: e["who"] == self.who and _is(e, event, wanted),
            timeout,
            f"{self.who}: {event}",
        )

    def has_told(self, event: str, **wanted: Any) -> Event | None:
        """What it has told of `event` so far, the first."""
        return self._nursery.find(lambda e: e["who"] == self.who and _is(e, event, wanted))

    def send(self, number: int) -> float:
        """Send a signal; gives the moment before it."""
        now = time.monotonic()
        if not self.has_ended():
            os.kill(self.pid, number)
        return now

    def halt(self) -> None:
        """Let it stand still until SIGCONT; returns when each of its threads does.

        The signal is taken by one thread; the others run on until that one has had its turn.
        """
        self.send(signal.SIGSTOP)
        until(lambda: all(_stands(task) for task in Path(f"/proc/{self.pid}/task").iterdir()))

    def has_ended(self) -> bool:
        """Tell whether the process is over."""
        return self._nursery.find(lambda e: _is(e, "ended", {"pid": self.pid})) is not None

    def until_ended(self, timeout: float) -> Event:
        """Wait for the end of the process."""
        return self._nursery.until(
            lambda e: _is(e, "ended", {"pid": self.pid}), timeout, f"{self.who}: its end"
        )

    def end(self) -> None:
        """Kill it, whatever it does, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self.until_ended(10)


class Nursery:
    """The server that forks the processes of one build, with what it and they tell.

    Attributes:
        events: everything that was told and not forgotten, in the order in which it came.
    """

    def __init__(self, folder: Path, build: str = HEALTHY) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self._numbers = itertools.count()
        self._heard = threading.Condition()
        self._children: list[Child] = []
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYROS_")}
        path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "agents")])
        own = {"PYTHONPATH": path, BUILD: build, "XDG_CONFIG_HOME": str(folder)}
        with (folder / "subjects.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.live_subject"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=kept | own,
                cwd=folder,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._reader.join(10)
        self._server.stdout.close()

    def start(self, role: str, name: str, **spec: Any) -> Child:
        """Start one process; returns when it runs, before it has done anything."""
        assert self._server.stdin is not None
        who = f"{role}-{name}-{next(self._numbers)}"
        told = {"role": role, "name": name, "who": who, "folder": str(self.folder), **spec}
        with self._heard:
            self._server.stdin.write(json.dumps(told).encode() + b"\n")
            self._server.stdin.flush()
        child = Child(self, who)
        with self._heard:
            self._children.append(child)
        return child

    def until(self, is_it: Callable[[Event], object], timeout: float, what: str) -> Event:
        """Wait for an event, or find it among those that came.

        Raises:
            AssertionError: it has not come.
        """
        deadline, seen = time.monotonic() + timeout, 0
        with self._heard:
            while True:
                for event in self.events[seen:]:
                    if is_it(event):
                        return event
                seen = len(self.events)
                left = deadline - time.monotonic()
                assert left > 0, f"{what}: not within {timeout:g} s"
                self._heard.wait(left)

    def find(self, is_it: Callable[[Event], object]) -> Event | None:
        """The first event of those that came."""
        with self._heard:
            return next(filter(is_it, self.events), None)

    def all(self, child: Child, event: str, **wanted: Any) -> list[Event]:
        """Everything that one has told of `event`, with these values."""
        with self._heard:
            return [e for e in self.events if e["who"] == child.who and _is(e, event, wanted)]

    def beyond(self, place: int, timeout: float) -> list[Event]:
        """What came after the first `place` events; waits for something at most so long."""
        with self._heard:
            self._heard.wait_for(lambda: len(self.events) > place, timeout)
            return self.events[place:]

    def forget_told(self) -> None:
        """Forget what was told so far, except who has begun and ended."""
        with self._heard:
            self.events[:] = [e for e in self.events if e["event"] in {"begun", "ended"}]

    def clear(self) -> None:
        """End every process that was started, and forget what they told."""
        with self._heard:
            children, self._children = self._children, []
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                child.send(signal.SIGKILL)
        for child in children:
            child.until_ended(10)
        with self._heard:
            self.events.clear()

    def _read(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            with self._heard:
                self.events.append(json.loads(line))
                self._heard.notify_all()


def _stands(task: Path) -> bool:
    return (task / "stat").read_text().rpartition(") ")[2].startswith("T")


def _is(event: Event, kind: str, wanted: dict[str, Any]) -> bool:
    return event["event"] == kind and all(event.get(key) == value for key, value in wanted.items())
