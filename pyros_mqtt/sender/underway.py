"""The commands that a voice has under way, and the order in which they were sent."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyros_mqtt.messages import ALWAYS_URGENT, Command
from pyros_mqtt.sender.receipt import Receipt

FIRST_REPEAT = 1.0
"""Seconds until the first repetition; each further one takes twice as long."""

SLOWEST_REPEAT = 5.0
"""Most seconds between two repetitions."""

WINDOW = 200
"""Commands of one sender to one agent that are on their way at once: what the agent takes in well
before their first repetition. More of them would be repeated before the agent has come to them."""


@dataclass(slots=True, eq=False)
class Pending:
    """One command under way. Times are monotonic seconds.

    Attributes:
        after: id of the one before it in its line, which it names.
        is_handed_on: somebody else has written it, whose signature may be on it.
        is_held: it waits behind others, and has not been published yet.
        pause: until its next repetition.
        is_under_way: the broker has not said yet what became of its latest publication.
        taken: the broker has taken it at least once.
        unheard: the broker said at its latest publication that nobody subscribes.
        may_have_it: its agent was there when it was published, so nobody may say that it was not.
        away_since: when its agent was first found to be absent.
        refused_since: when its agent first said that it was not ready.
        session: the life of the agent that has answered; empty before.
        heard: when that life last said something of it, or was last asked.
        inquired_of: the later life that was asked what it knows of it.
        bereaved_since: when the life that had accepted it was first found to be gone.
    """

    receipt: Receipt
    sent: float
    deadline: float
    payload: bytes = b""
    after: str | None = None
    is_handed_on: bool = False
    is_held: bool = False
    pause: float = FIRST_REPEAT
    is_under_way: bool = False
    taken: bool = False
    unheard: bool = False
    may_have_it: bool = False
    away_since: float | None = None
    refused_since: float | None = None
    session: str = ""
    heard: float = 0.0
    inquired_of: str = ""
    bereaved_since: float | None = None

    @property
    def command(self) -> Command:
        """What was sent."""
        return self.receipt.command

    @property
    def may_overtake(self) -> bool:
        """Nothing that an agent would take at once is held back."""
        return self.command.urgent or self.command.message in ALWAYS_URGENT


@dataclass(slots=True)
class Line:
    """The commands of one sender to one agent that nobody has answered, in their order.

    The first `WINDOW` of them fly; those behind are held until one of them is answered.
    """

    flying: dict[str, Pending] = field(default_factory=dict)
    held: deque[Pending] = field(default_factory=deque)

    @property
    def has_room(self) -> bool:
        """One more may fly."""
        return len(self.flying) < WINDOW

    @property
    def head(self) -> Pending | None:
        """The one that has waited longest for its answer."""
        return next(iter(self.flying.values()), None)


class UnderWay:
    """All that has no end yet. Every method is for any thread.

    Commands of one sender to one agent that nobody has answered stand in line: each has to be
    taken in after the one before it.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        """Hold it to send in the order in which commands are added."""
        self._pending: dict[str, Pending] = {}
        self._lines: dict[tuple[str, str], Line] = {}
        self._held = 0
        self._clock: list[tuple[float, int, str]] = []
        self._ticks = itertools.count()

    def __iter__(self) -> Iterator[Pending]:
        """All of them, in the order in which they were sent."""
        with self.lock:
            return iter(list(self._pending.values()))

    def find(self, command_id: str) -> Pending | None:
        """One of them by its id."""
        return self._pending.get(command_id)

    def add(self, pending: Pending) -> None:
        """One more is to be sent; it is held where too many fly before it."""
        with self.lock:
            self._pending[pending.command.id] = pending
            line = self._lines.setdefault(_line(pending.command), Line())
            if pending.may_overtake or (line.has_room and not line.held):
                self._let_fly(line, pending, pending.sent)
            else:
                pending.is_held = True
                line.held.append(pending)
                self._held += 1

    def _let_fly(self, line: Line, pending: Pending, now: float) -> None:
        pending.is_held = False
        pending.after = next(reversed(line.flying), None)
        line.flying[pending.command.id] = pending
        self.wake_for(pending, now + FIRST_REPEAT)

    def let_go(self, now: float) -> list[Pending]:
        """Those that were held and may fly now, in their order."""
        if not self._held:
            return []
        with self.lock:
            freed = [one for line in self._lines.values() for one in self._freed(line, now)]
            self._lines = {place: line for place, line in self._lines.items() if line.head}
        return freed

    def _freed(self, line: Line, now: float) -> Iterator[Pending]:
        while line.held and line.has_room:
            pending = line.held.popleft()
            self._held -= 1
            if not pending.receipt.is_answered:
                self._let_fly(line, pending, now)
                yield pending

    def head(self, pending: Pending) -> Pending | None:
        """The one of its line that has waited longest for its answer."""
        line = self._lines.get(_line(pending.command))
        return line.head if line else None

    def predecessor(self, pending: Pending) -> str | None:
        """The id of the command before this one in its line."""
        before = None
        with self.lock:
            line = self._lines.get(_line(pending.command), Line())
            for command_id in line.flying:
                if command_id == pending.command.id:
                    return before
                before = command_id
        return None

    def answered(self, pending: Pending) -> None:
        """It leaves its line: the agent has it, or does not want it."""
        place = _line(pending.command)
        with self.lock:
            line = self._lines.get(place, Line())
            line.flying.pop(pending.command.id, None)
            if not (line.flying or line.held):
                self._lines.pop(place, None)

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
