"""The commands that a voice has under way, and the order in which they were sent."""

from __future__ import annotations

import heapq
import itertools
import threading
from dataclasses import dataclass

from pyros_mqtt.messages import Command
from pyros_mqtt.sender.receipt import Receipt

FIRST_REPEAT = 1.0
"""Seconds until the first repetition; each further one takes twice as long."""

SLOWEST_REPEAT = 5.0
"""Most seconds between two repetitions."""


@dataclass(slots=True, eq=False)
class Pending:
    """One command under way. Times are monotonic seconds.

    One that `is_handed_on` was written by somebody else, whose signature may be on it.
    """

    receipt: Receipt
    sent: float
    deadline: float
    payload: bytes
    after: str | None
    is_handed_on: bool = False
    pause: float = FIRST_REPEAT
    taken: bool = False
    is_under_way: bool = False
    may_have_it: bool = False
    unheard: bool = False
    heard: float = 0.0
    away_since: float | None = None
    refused_since: float | None = None
    session: str = ""
    inquired_of: str = ""
    bereaved_since: float | None = None

    @property
    def command(self) -> Command:
        """What was sent."""
        return self.receipt.command


class UnderWay:
    """All that has no end yet. Every method is for any thread.

    Commands of one sender to one agent that nobody has answered stand in line: each has to be
    taken in after the one before it.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        """Hold it to send in the order in which commands are added."""
        self._pending: dict[str, Pending] = {}
        self._lines: dict[tuple[str, str], dict[str, Pending]] = {}
        self._clock: list[tuple[float, int, str]] = []
        self._ticks = itertools.count()

    def __iter__(self) -> itertools.chain[Pending]:
        """All of them, in the order in which they were sent."""
        with self.lock:
            return itertools.chain(list(self._pending.values()))

    def find(self, command_id: str) -> Pending | None:
        """One of them by its id."""
        return self._pending.get(command_id)

    def add(self, pending: Pending) -> None:
        """The next command is sent."""
        command = pending.command
        with self.lock:
            self._pending[command.id] = pending
            self._lines.setdefault(_line(command), {})[command.id] = pending
            self.wake_for(pending, pending.sent + FIRST_REPEAT)

    def last_in_line(self, command: Command) -> str | None:
        """The id of the one behind which a new command has to stand."""
        with self.lock:
            return next(reversed(self._lines.get(_line(command), {})), None)

    def predecessor(self, pending: Pending) -> str | None:
        """The id of the command before this one in its line."""
        before = None
        with self.lock:
            for command_id in self._lines.get(_line(pending.command), {}):
                if command_id == pending.command.id:
                    return before
                before = command_id
        return None

    def answered(self, pending: Pending) -> None:
        """It leaves its line: the agent has it, or does not want it."""
        command = pending.command
        with self.lock:
            line = self._lines.get(_line(command), {})
            line.pop(command.id, None)
            if not line:
                self._lines.pop(_line(command), None)

    def forget(self, pending: Pending) -> None:
        """It has come to its end."""
        with self.lock:
            self._pending.pop(pending.command.id, None)
            self.answered(pending)

    def wake_for(self, pending: Pending, when: float) -> None:
        """Give it out by `due` at that moment."""
        with self.lock:
            heapq.heappush(self._clock, (when, next(self._ticks), pending.command.id))

    def due(self, now: float) -> Pending | None:
        """The next one that is to be repeated now; it will be due again, later each time."""
        with self.lock:
            while self._clock and self._clock[0][0] <= now:
                _, _, command_id = heapq.heappop(self._clock)
                pending = self._pending.get(command_id)
                if pending is not None and not pending.receipt.is_answered:
                    pending.pause = min(2 * pending.pause, SLOWEST_REPEAT)
                    self.wake_for(pending, now + pending.pause)
                    return pending
        return None


def _line(command: Command) -> tuple[str, str]:
    return command.sender, command.agent
