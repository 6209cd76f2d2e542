"""Messages as they came -> rows of the archive, the same ones in each recorder that hears them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from pyros_mqtt import wire
from pyros_mqtt.archive.moments import EARLIEST
from pyros_mqtt.archive.rows import MICRO, EventRow, SampleRow, Source, micros
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON
from pyros_mqtt.recorder.arrivals import Arrival
from pyros_mqtt.recorder.samples import AHEAD, add_samples, believed, digest, measured_mark
from pyros_mqtt.topics import Topics
from pyros_mqtt.wire.columns import LATEST

BRANCHES = {"status", "about", "inbox", "outbox", "alarm", "log", "telemetry"}

HOLD = 15.0
"""Seconds for which a recorder has the sole right to an agent's messages without a time."""

MOST_SOURCES = 10_000
"""Topics that are remembered, so that they are not read anew for each message."""

_MOMENTS = ("at", "sent_at", "t")


class Register(Protocol):
    """What intake asks of a store."""

    def lease(self, name: str, owner: str, now: int, until: int) -> int | None:
        """Take or prolong a sole right."""

    def latest(self, source: Source) -> tuple[int, int] | None:
        """The moment and mark of the latest event of a source."""


@dataclass
class Rows:
    """What is to be written of some messages."""

    samples: list[SampleRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    unreadable: int = 0
    left: int = 0
    """Messages that are not for us: another recorder's, the broker's copies, other branches."""


class Rights:
    """Which recorder writes what tells no time of its own, and so is not known again.

    Everything else is written by whoever hears it, and the archive passes over what it has. For
    this little rest one recorder has the right to each agent, for `HOLD` seconds at a time.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._spans: dict[str, tuple[int, int]] = {}
        self._refused: dict[str, int] = {}

    def has(self, source: Source, heard: int, register: Register) -> bool:
        """Whether a message that was heard then is ours to write."""
        key = f"{source.root}/{source.agent}"
        now = int(time.time() * 1e6)
        hold = int(HOLD * MICRO)
        since, until = self._spans.get(key, (0, 0))
        if max(until, self._refused.get(key, 0)) > now + hold:  # the clock was set back
            since, until = 0, 0
            self._refused.pop(key, None)
        if now + hold // 2 > until and now >= self._refused.get(key, 0):
            ended = register.lease(key, self._owner, now, now + hold)
            if ended is None:
                self._refused[key] = now + hold // 3
            else:
                since, until = (ended if ended or not until else since), now + hold
                self._spans[key] = since, until
        return since <= min(heard, now) < until  # of later is what was heard before a set back


class Intake:
    """Turns messages into rows."""

    def __init__(self, topics: Topics, owner: str) -> None:
        self._topics = topics
        self._rights = Rights(owner)
        self._sources: dict[str, Source | None] = {}

    def rows(self, arrivals: list[Arrival], register: Register) -> Rows:
        """Make the rows of some messages.

        Raises:
            ArchiveError: the store fails.
        """
        rows = Rows()
        for arrival in arrivals:
            source = self._source(arrival.topic)
            if source is None:
                rows.left += 1
            elif source.branch == "telemetry":
                self._measure(source, arrival, rows, register)
            else:
                self._happen(source, arrival, rows, register)
        return rows

    def _source(self, topic: str) -> Source | None:
        try:
            return self._sources[topic]
        except KeyError:
            pass
        address = self._topics.parse(topic)
        source = None
        if address is not None and address.branch in BRANCHES:
            source = Source(self._topics.root, *_names(address.agent, address.branch, address.leaf))
        if len(self._sources) < MOST_SOURCES:
            self._sources[topic] = source
        return source

    def _measure(self, source: Source, arrival: Arrival, rows: Rows, register: Register) -> None:
        try:
            columns = wire.decode_columns(arrival.payload, arrival.heard / MICRO)
        except BadPayload:
            rows.unreadable += 1
            self._happen(source, arrival, rows, register)
            return
        columns = believed(columns, arrival.heard / MICRO)
        if not columns.is_timed and (
            arrival.retain or not self._rights.has(source, arrival.heard, register)
        ):
            rows.left += 1
            return
        add_samples(source, columns, measured_mark(columns, arrival.payload), rows.samples)

    def _happen(self, source: Source, arrival: Arrival, rows: Rows, register: Register) -> None:
        mark = digest(arrival.payload)
        moment = own_moment(arrival.payload)
        latest = arrival.heard + AHEAD * MICRO
        if moment is None or not EARLIEST * MICRO <= moment <= latest:
            mine = self._rights.has(source, arrival.heard, register)
            if mine and arrival.retain:
                known = register.latest(source)
                mine = known is None or known[1] != mark
            if not mine:
                rows.left += 1
                return
            moment = arrival.heard
        rows.events.append(EventRow(source, moment, mark, arrival.heard, arrival.payload))


def own_moment(payload: bytes) -> int | None:
    """Read the moment that a document tells of itself, in microseconds; None where it has none."""
    if not payload.lstrip().startswith(b"{"):
        return None
    try:
        body = wire.tolerant(payload)
        return next((_moment(body[key]) for key in _MOMENTS if key in body), None)
    except (TypeError, ValueError, OverflowError):
        return None


def _moment(said: JSON) -> int | None:
    if isinstance(said, str):
        return micros(wire.from_rfc3339(said))
    if isinstance(said, float) and abs(said) < LATEST:
        return micros(said)
    return None


def _names(agent: str, branch: str, leaf: str) -> tuple[str, str, str]:
    """Leave the NUL out that MQTT forbids and databases cannot hold."""
    return agent, branch, leaf.replace("\0", "")[:200]
