"""What was sent, accepted, started and ended: noted by processes that may be killed at any moment.

All times are seconds of the monotonic clock, which is one for all processes of a machine, and
which neither a stepped wall clock nor a paused process holds up.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

What = Literal["sent", "durable", "accepted", "started", "finished", "ended", "ready"]
"""`durable`: the sender was told that the command is on the disk. `finished`: the action says so
itself; `ended`: the agent has reported it, in `state`. `ready`: an agent, whose name is the key,
begins to take commands."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one command.

    `key` is the command's own for the whole history: an argument, not the id, which a courier may
    change. `deadline` is told where it was `sent`, as `id`, `sender` and `agent` are.
    """

    what: What
    key: str
    at: float
    id: str = ""
    sender: str = ""
    agent: str = ""
    deadline: float | None = None
    idempotent: bool = False
    state: str = ""
    pid: int = 0


class Notes:
    """A history on disk. `add` is for any thread and process; what it has returned from stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)

    def add(self, event: Event) -> None:
        """Append one line, in one piece, and wait until the disk has it."""
        told = {one.name: getattr(event, one.name) for one in fields(event)}
        told = {name: value for name, value in told.items() if value is not None and value != ""}
        os.write(self._file, json.dumps(told).encode() + b"\n")
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_notes(path: Path) -> list[Event]:
    """Every whole line of a history; nothing where there is none yet."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    lines = text.splitlines(keepends=True)
    return [Event(**json.loads(line)) for line in lines if line.endswith("\n")]


class Reader:
    """Reads a history that grows; for one thread."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self.path = path
        self._place = 0

    def news(self) -> list[Event]:
        """Take in what has come since the last call; returns all events."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._place)
                text = file.read()
        except FileNotFoundError:
            return self.events
        whole = text[: text.rfind(b"\n") + 1]
        self._place += len(whole)
        self.events += [Event(**json.loads(line)) for line in whole.splitlines()]
        return self.events

    def until(self, is_true: Callable[[list[Event]], object], timeout: float) -> bool:
        """Wait for a history of which something is true; whether it has come to that."""
        pause, left = threading.Event(), timeout
        while not is_true(self.news()):
            if left <= 0:
                return False
            pause.wait(0.01)
            left -= 0.01
        return True


def keys(events: Iterable[Event], what: What) -> set[str]:
    """The commands to which this has happened."""
    return {event.key for event in events if event.what == what}
