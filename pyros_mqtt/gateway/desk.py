"""Messages on their way to the agents: each waits its turn, is sent, and comes to an end."""

from __future__ import annotations

import heapq
import itertools
import queue
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pyros_mqtt.errors import NobodyListens, PyrosError, Rejected, SendError, Unreachable
from pyros_mqtt.gateway.answers import line_of
from pyros_mqtt.gateway.notes import Counts, Notes
from pyros_mqtt.messages import ALWAYS_URGENT

if TYPE_CHECKING:
    from pyros_mqtt.messages import Command
    from pyros_mqtt.sender import Receipt, Voice
    from pyros_mqtt.transport import Transport

WINDOW = 500
"""Commands of one agent that are under way at once, less than an inbox takes."""

PAUSE = 0.5
"""Seconds until an agent that is full, not ready or not there is tried again."""

LEAST = 0.2
"""Seconds that a command must have left for another try."""


@dataclass(slots=True, eq=False)
class Letter:
    """One message of an old sender. `say` gets its answer line, if somebody reads one."""

    command: Command
    say: Callable[[str], None] | None = None
    at_accepted: bool = False
    order: int = 0
    receipt: Receipt | None = None
    is_taken: bool = False
    was_tried: bool = False

    def __lt__(self, other: Letter) -> bool:
        """Urgent ones go first, then those that came first."""
        return (not self.is_urgent, self.order) < (not other.is_urgent, other.order)

    @property
    def is_urgent(self) -> bool:
        """It overtakes what waits, as it will at the agent."""
        return self.command.urgent or self.command.message in ALWAYS_URGENT

    def tell(self, line: str) -> None:
        """Answer, once."""
        say, self.say = self.say, None
        if say is not None:
            say(line)


@dataclass(slots=True)
class _Line:
    """What waits for one agent, and which of its commands are under way."""

    waiting: list[Letter] = field(default_factory=list)
    under_way: set[Letter] = field(default_factory=set)
    again_at: float = 0.0


class Desk:
    """Sends letters on, a window for each agent, in the order in which they came.

    Everything is for the gateway's own thread, which calls `turn` when `wake` was called.

    Args:
        limit: letters that may be held; past it `has_room` is False.
        wake: called in any thread when `turn` has something to do.
    """

    def __init__(  # noqa: PLR0913 - a desk stands between all of these
        self,
        voice: Voice,
        transport: Transport,
        counts: Counts,
        notes: Notes,
        *,
        limit: int,
        wake: Callable[[], None],
    ) -> None:
        self._voice = voice
        self._transport = transport
        self._counts = counts
        self._notes = notes
        self._limit = limit
        self._wake = wake
        self._lines: dict[str, _Line] = {}
        self._news: queue.SimpleQueue[tuple[Letter, Receipt]] = queue.SimpleQueue()
        self._orders = itertools.count()
        self._next_look = 0.0
        self.held = 0
        transport.on_state(lambda _up: wake())

    @property
    def has_room(self) -> bool:
        """Another letter may come."""
        return self.held < self._limit

    def held_for(self) -> dict[str, int]:
        """How many letters each agent is still owed; for any thread."""
        lines = list(self._lines.items())
        held = {agent: len(line.waiting) + len(line.under_way) for agent, line in lines}
        return {agent: count for agent, count in held.items() if count}

    def take(self, letter: Letter) -> None:
        """Send a letter now, or when its turn comes; urgent messages overtake."""
        self._voice.speak_for(letter.command.sender)
        self._counts.messages += 1
        self.held += 1
        letter.order = next(self._orders)
        line = self._lines.setdefault(letter.command.agent, _Line())
        heapq.heappush(line.waiting, letter)
        self._pump(line, time.monotonic())

    def turn(self) -> None:
        """Take in what has become of the letters under way, and send on what may go."""
        now = time.monotonic()
        concerned: set[str] = set()
        while not self._news.empty():
            letter, receipt = self._news.get_nowait()
            concerned.add(letter.command.agent)
            self._learn(letter, receipt, now)
        if now >= self._next_look:
            self._next_look = now + PAUSE
            concerned.update(self._lines)
        for agent in concerned:
            self._pump(self._lines[agent], now)

    def give_up(self, why: str) -> None:
        """End all letters, those that wait and those under way."""
        for line in self._lines.values():
            while line.waiting:
                self._undelivered(heapq.heappop(line.waiting), why)
            for letter in list(line.under_way):
                letter.receipt = None
                line.under_way.discard(letter)
                if letter.is_taken:
                    self._finish(letter, f"unknown: {why}; the agent has accepted it")
                else:
                    self._undelivered(letter, f"{why}; whether it has come is not known")

    def _pump(self, line: _Line, now: float) -> None:
        while line.waiting:
            letter = line.waiting[0]
            left = (letter.command.deadline or 0.0) - time.time()
            if left <= 0:
                self._undelivered(heapq.heappop(line.waiting), self._why_late())
                continue
            if not self._transport.is_up or not _may_go(letter, line, now):
                return
            self._send(heapq.heappop(line.waiting), line)

    def _why_late(self) -> str:
        away = "" if self._transport.is_up else f"; the broker is away: {self._transport.trouble}"
        return f"its time was over while it waited{away}"

    def _send(self, letter: Letter, line: _Line) -> None:
        try:
            letter.receipt = self._voice.send(letter.command)
        except (PyrosError, TypeError, ValueError) as error:
            self._undelivered(letter, str(error))
            return
        line.under_way.add(letter)
        letter.receipt.watch(lambda news: self._hear(letter, news))

    def _hear(self, letter: Letter, receipt: Receipt) -> None:
        """Runs in the network thread."""
        self._news.put((letter, receipt))
        self._wake()

    def _learn(self, letter: Letter, receipt: Receipt, now: float) -> None:
        if receipt is not letter.receipt:
            return  # it has ended, or is tried again since
        report = receipt.report
        if report is not None and report.state.was_accepted and not letter.is_taken:
            letter.is_taken = True
            self._counts.delivered += 1
            self._notes.over(f"waiting {letter.command.agent}")
            if letter.at_accepted:
                letter.tell("accepted")
        if receipt.is_ended:
            letter.receipt = None
            self._lines[letter.command.agent].under_way.discard(letter)
            self._end(letter, receipt, now)

    def _end(self, letter: Letter, receipt: Receipt, now: float) -> None:
        error = _failure(receipt)
        if not letter.is_taken and error is not None:
            if self._try_again(letter, error, now):
                return
            if isinstance(error, Rejected):
                self._counts.rejected += 1
                self._notes.add(f"rejected {letter.command.agent}", str(error), now)
            else:
                self._undelivered(letter, str(error))
                return
        self._finish(letter, line_of(receipt))

    def _try_again(self, letter: Letter, error: SendError, now: float) -> bool:
        """Put back what cannot be taken now, and may be while it has time left."""
        command = letter.command
        is_refused = isinstance(error, Rejected) and _is_for_now(error)
        is_absent = isinstance(error, NobodyListens | Unreachable)
        if not is_refused and not is_absent:
            return False
        if (command.deadline or 0.0) - time.time() < LEAST + PAUSE:
            return False
        # an inbox remembers what it has refused; what nobody heard keeps its id, lest it run twice
        new_id = secrets.token_hex(12) if is_refused else command.id
        letter.command = replace(command, id=new_id)
        letter.was_tried = True
        line = self._lines[command.agent]
        line.again_at = now + PAUSE
        heapq.heappush(line.waiting, letter)
        self._notes.add(f"waiting {command.agent}", f"{error}; it is tried again", now)
        return True

    def _undelivered(self, letter: Letter, why: str) -> None:
        command = letter.command
        self._counts.undelivered += 1
        text = f"not delivered: {command.message!r} of {command.sender} to {command.agent}: {why}"
        self._notes.add(f"undelivered {command.agent}", text, time.monotonic())
        self._finish(letter, f"undelivered: {why}")

    def _finish(self, letter: Letter, line: str) -> None:
        self.held -= 1
        letter.tell(line)


def _may_go(letter: Letter, line: _Line, now: float) -> bool:
    if letter.is_urgent and not letter.was_tried:
        return True
    return now >= line.again_at and (len(line.under_way) < WINDOW or letter.is_urgent)


def _failure(receipt: Receipt) -> SendError | None:
    try:
        receipt.outcome()
    except SendError as error:
        return error
    return None


def _is_for_now(error: Rejected) -> bool:
    problem = error.report.error
    return problem is not None and problem.is_for_now
