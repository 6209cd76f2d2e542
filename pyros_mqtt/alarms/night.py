"""What the rules would have done on a recorded night, faster than it went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pyros_mqtt.alarms.case import Change, Event
from pyros_mqtt.alarms.engine import Engine
from pyros_mqtt.alarms.errors import NightUnreadable
from pyros_mqtt.alarms.findings import Sight
from pyros_mqtt.alarms.notices import Notice, NoticeDesk
from pyros_mqtt.claims import Claim
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import Sample, Status
from pyros_mqtt.settings import AlarmsTable
from pyros_mqtt.wire import compact, decode_samples, decode_status, from_rfc3339, strict

STEP = 1.0
"""Seconds of the night between two looks at what changes by itself."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that was heard in a night, at a moment of the listener's clock (POSIX seconds).

    `what` is a sample of `channel`, or a status, whose channel is empty.
    """

    at: float
    agent: str
    what: Sample | Status
    channel: str = ""


Night = Iterable[Heard]
"""A recorded night, in the order of its moments: whatever has kept one gives this."""


@dataclass(slots=True)
class Tally:
    """What became of one alarm in a night: when it was up, and how often people were called."""

    alarm: str
    raised: list[Change] = field(default_factory=list)
    cleared: list[float] = field(default_factory=list)
    notices: int = 0

    def up_for(self, end: float) -> float:
        """Seconds for which it was up, until `end` where it still was."""
        ends = [*self.cleared, *[end] * (len(self.raised) - len(self.cleared))]
        began = [one.alarm.at for one in self.raised]
        return sum(last - first for first, last in zip(began, ends, strict=True))


@dataclass(slots=True)
class Replay:
    """A whole night: each thing that happened, and what became of each alarm."""

    changes: list[Change] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    began: float = 0.0
    ended: float = 0.0
    heard: int = 0


def replay(table: AlarmsTable, night: Night, *, answered: bool = True) -> Replay:
    """Let the rules watch a recorded night.

    Args:
        table: the rules.
        night: what was heard.
        answered: somebody acknowledges each alarm as soon as it is cleared, so that it can be
            raised again; otherwise nobody ever does. Escalations are counted in both cases.
    """
    watch = _Watch(table, answered=answered)
    for heard in night:
        watch.go_on(heard)
    return watch.end()


class _Watch:
    """One pass through a night."""

    def __init__(self, table: AlarmsTable, *, answered: bool) -> None:
        self._engine = Engine(table)
        self._desk = NoticeDesk(table)
        self._answered = answered
        self._claims = {name: Claim() for name in self._engine.agents}
        self._replay = Replay(tallies={name: Tally(name) for name in table.rules})
        self._now = float("-inf")

    def go_on(self, heard: Heard) -> None:
        if not self._replay.heard:
            self._now = self._replay.began = heard.at
            self._engine.sight(heard.at)
        self._replay.heard += 1
        self._let_pass(heard.at)
        if isinstance(heard.what, Sample):
            self._note(self._engine.hear(self._now, heard.agent, heard.channel, heard.what))
        elif heard.agent in self._claims:
            self._claims[heard.agent].hear(heard.what, self._now)
            self._look(heard.agent)

    def end(self) -> Replay:
        self._replay.ended = max(self._now, self._replay.began)
        return self._replay

    def _let_pass(self, until: float) -> None:
        while self._now + STEP <= until:
            self._now += STEP
            for name in self._claims:
                self._look(name)
            self._note(self._engine.tick(self._now))
            self._tell(self._desk.tick(self._now))
        self._now = max(self._now, until)

    def _look(self, name: str) -> None:
        claim, now = self._claims[name], self._now
        health = claim.health(now, self._replay.began)
        state = claim.status.state if claim.status else None
        detail = claim.status.detail if claim.status else ""
        self._note(self._engine.see(now, name, Sight(health, state, claim.age(now), detail)))

    def _note(self, changes: list[Change]) -> None:
        for change in changes:
            self._replay.changes.append(change)
            tally = self._replay.tallies[change.alarm.alarm]
            if change.event is Event.RAISED:
                tally.raised.append(change)
            elif change.event is Event.CLEARED:
                tally.cleared.append(change.alarm.at)
                if self._answered:
                    self._engine.acknowledge(self._now, change.alarm.alarm, "nobody")
            self._tell(self._desk.take(self._now, change))

    def _tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            for alarm in notice.alarms:
                self._replay.tallies[alarm.alarm].notices += len(notice.notifiers)


def read_lines(lines: Iterable[str]) -> Iterator[Heard]:
    """Read a night that was kept as JSON, an object a line.

    `{"at": "2026-11-22T20:14:03Z", "agent": "weather", "channel": "wind", "payload": 12.3}` for a
    measurement, in any form that a telemetry topic may have; without a channel, the payload is a
    status. `at` may be POSIX seconds, too.

    Raises:
        NightUnreadable: a line is none of that, or goes back in time.
    """
    before = float("-inf")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            for heard in _heard(line):
                before = _not_before(before, heard.at)
                yield heard
        except (AttributeError, LookupError, TypeError, ValueError, BadPayload) as error:
            raise NightUnreadable(f"line {number}: {error}: {line.strip()[:200]}") from None


def _not_before(earlier: float, moment: float) -> float:
    if moment < earlier:
        raise ValueError("its moment is before that of the line above")
    return moment


def _heard(line: str) -> Iterator[Heard]:
    body = strict(line)
    at = from_rfc3339(body["at"]) if isinstance(body["at"], str) else float(body["at"])
    agent, channel = str(body["agent"]), str(body.get("channel") or "")
    said = body["payload"]
    # a small device's status is a bare word, which JSON would put into quotes
    payload = (said if isinstance(said, str) and not channel else compact(said)).encode()
    return as_heard(at, agent, channel, payload)


def as_heard(at: float, agent: str, channel: str, payload: bytes) -> Iterator[Heard]:
    """Read what came from the bus at a moment: a measurement of `channel`, or without one a status.

    Raises:
        BadPayload: it cannot be read.
    """
    if channel:
        for sample in decode_samples(payload, at):
            yield Heard(at, agent, sample, channel)
    elif payload:
        yield Heard(at, agent, decode_status(payload, agent))
