"""The agent's memory: what was accepted, is running, has ended.

`MemoryJournal` forgets everything with its process; `about.journal` says so.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from pyros_mqtt.messages import JSON, Command, Outcome, Report

REMEMBER = 3600.0
"""Seconds for which the end of a command without a deadline is remembered."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command and the latest that was reported of it; forgotten after POSIX second `until`."""

    command: Command
    report: Report
    until: float

    def is_same_as(self, command: Command) -> bool:
        """Whether `command` is a repetition: same content, not only the same id."""
        mine = self.command
        return mine.message == command.message and _alike(mine.args, command.args)


def _alike(one: JSON, other: JSON) -> bool:
    """Equal as JSON is: Python also takes true for 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other and isinstance(one, bool) is isinstance(other, bool)


class Journal(Protocol):
    """What an agent asks of its memory; every method may be called from any thread."""

    kind: str
    """How much it promises: shown in `about`."""

    def find(self, sender: str, command_id: str) -> Entry | None:
        """The entry of one command, if it is remembered."""

    def write(self, command: Command, report: Report) -> None:
        """Note the latest report of a command."""

    def commit(self) -> None:
        """Make sure that what was written outlives us, as far as this journal can."""

    def unfinished(self) -> list[Entry]:
        """What was accepted or running when the last life ended, oldest first."""

    def close(self) -> None:
        """The agent stops."""


class MemoryJournal:
    """A journal for agents without a disk. Ended commands are forgotten after their deadline."""

    kind = "memory"

    def __init__(self, allowed_skew: float = 5.0) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._skew = allowed_skew

    def __len__(self) -> int:
        """How many commands are remembered."""
        return len(self._entries)

    def find(self, sender: str, command_id: str) -> Entry | None:
        """The entry of one command, if it is remembered."""
        return self._entries.get((sender, command_id))

    def write(self, command: Command, report: Report) -> None:
        """Note the latest report; ended entries whose time is over make room."""
        ends = command.deadline if command.deadline is not None else report.at + REMEMBER
        entry = Entry(command, report, max(ends, report.at) + 2 * self._skew)
        with self._lock:
            self._entries[command.sender, command.id] = entry
            self._purge(report.at)

    def commit(self) -> None:
        """Nothing outlives this journal."""

    def unfinished(self) -> list[Entry]:
        """Nothing is left of an earlier life."""
        return []

    def close(self) -> None:
        """Nothing to close."""

    def _purge(self, now: float) -> None:
        """Look at two of the oldest entries for each new one, so that no purge takes long."""
        for _ in range(2):
            if not self._entries:
                return
            key, entry = next(iter(self._entries.items()))
            if entry.until >= now or entry.report.state in {Outcome.ACCEPTED, Outcome.RUNNING}:
                self._entries.move_to_end(key)
            else:
                del self._entries[key]
