"""Messages as they came -> rows of the archive, the same ones in each recorder that hears them."""

from __future__ import annotations

import math
import time
from array import array
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from pyros_mqtt import wire
from pyros_mqtt.archive.block import pack
from pyros_mqtt.archive.rows import (
    LATE,
    LONGEST,
    MICRO,
    QUALITIES,
    EventRow,
    SampleRow,
    Source,
    micros,
)
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON
from pyros_mqtt.recorder.arrivals import Arrival
from pyros_mqtt.topics import Topics
from pyros_mqtt.wire.columns import LATEST, Column, Columns, Number, decode_columns

BRANCHES = {"status", "about", "inbox", "outbox", "alarm", "log", "telemetry"}

HOLD = 15.0
"""Seconds for which a recorder has the sole right to an agent's messages without a time."""

AHEAD = 86_400.0
"""Seconds: who says that something was measured later than so long after it came has no clock."""

MOST_SOURCES = 10_000
"""Topics that are remembered, so that they are not read anew for each message."""

_QUALITY = {word: number for number, word in enumerate(QUALITIES)}

_MOMENTS = ("at", "sent_at", "t")

_LATE = b',"late":true}'
"""How a message ends that its agent has said again after an outage."""


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
        since, until = self._spans.get(key, (0, 0))
        now = int(time.time() * 1e6)
        hold = int(HOLD * MICRO)
        if now + hold // 2 > until and now >= self._refused.get(key, 0):
            ended = register.lease(key, self._owner, now, now + hold)
            if ended is None:
                self._refused[key] = now + hold // 3
            else:
                since, until = (ended if ended or not until else since), now + hold
                self._spans[key] = since, until
        return since <= heard < until


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
            columns = decode_columns(arrival.payload, arrival.heard / MICRO)
        except BadPayload:
            rows.unreadable += 1
            self._happen(source, arrival, rows, register)
            return
        heard = arrival.heard / MICRO
        if _latest(columns) > heard + AHEAD:
            columns = _without_times(columns, heard)
        if isinstance(columns, Number):
            flags = _QUALITY.get(columns.quality, 1) + (LATE if columns.late else 0)
            t, mark = round(columns.time * MICRO), measured_mark(columns, arrival.payload)
            life, seq, ahead = _life(columns.session), columns.seq, columns.ahead
            value = columns.value
            rows.samples.append(
                SampleRow(source, t, mark, life, seq, ahead, 1, 0, flags, value, None)
            )
            return
        if not columns.is_timed and (
            arrival.retain or not self._rights.has(source, arrival.heard, register)
        ):
            rows.left += 1
            return
        add_samples(source, columns, measured_mark(columns, arrival.payload), rows.samples)

    def _happen(self, source: Source, arrival: Arrival, rows: Rows, register: Register) -> None:
        mark = digest(arrival.payload)
        moment = own_moment(arrival.payload)
        if moment is None or moment > arrival.heard + AHEAD * MICRO:
            mine = self._rights.has(source, arrival.heard, register)
            if mine and arrival.retain:
                known = register.latest(source)
                mine = known is None or known[1] != mark
            if not mine:
                rows.left += 1
                return
            moment = arrival.heard
        rows.events.append(EventRow(source, moment, mark, arrival.heard, arrival.payload))


def digest(payload: bytes) -> int:
    """Give the number by which a message is known again."""
    return int.from_bytes(blake2b(payload, digest_size=8).digest()) >> 1


def own_moment(payload: bytes) -> int | None:
    """Read the moment that a document tells of itself, in microseconds; None where it has none."""
    if not payload.lstrip().startswith(b"{"):
        return None
    try:
        body = wire.tolerant(payload)
        return next((_moment(body[key]) for key in _MOMENTS if key in body), None)
    except (TypeError, ValueError, OverflowError):
        return None


def measured_mark(said: Columns | Number, payload: bytes) -> int:
    """Give the number by which a measurement is known again, also where it comes late once more."""
    if said.session and said.seq is not None:
        return digest(f"{said.session} {said.seq}".encode())
    if said.late and payload.endswith(_LATE):
        payload = payload.removesuffix(_LATE) + b"}"
    return digest(payload)


def add_samples(source: Source, columns: Columns, mark: int, rows: list[SampleRow]) -> None:
    """Add the rows of one message: one, or a few where it spans hours."""
    count = len(columns)
    if count == 0:
        return
    flags, qualities = _flags(columns)
    only = columns.columns.get("")
    if count == 1 and isinstance(only, array) and columns.step is None:
        value = None if math.isnan(only[0]) else only[0]
        span, body = 0, None
        first = columns.times[0]
    else:
        first, last = _ends(columns, count)
        span, value = micros(last) - micros(first), None
        if span > LONGEST:
            for part in _parts(columns, count):
                add_samples(source, part, mark, rows)
            return
        body = pack(columns.times, columns.step, columns.columns, qualities)
    life, seq, ahead = _life(columns.session), columns.seq, columns.ahead
    t = micros(first)
    rows.append(SampleRow(source, t, mark, life, seq, ahead, count, span, flags, value, body))


def _latest(said: Columns | Number) -> float:
    if isinstance(said, Number):
        return said.time
    return _ends(said, len(said))[1] if len(said) else 0.0


def _without_times(said: Columns | Number, heard: float) -> Columns:
    """Give what came from a clock far ahead as if it told no time, so that one recorder writes it.

    Nothing of it was measured later than it was heard; its quality is uncertain.
    """
    if isinstance(said, Number):
        said = Columns(
            array("d", (said.time,)),
            {"": array("d", (said.value,))},
            quality=said.quality,
            seq=said.seq,
            ahead=said.ahead,
            session=said.session,
            late=said.late,
        )
    quality = said.quality
    if said.step is None:
        times = array("d", (min(one, heard) for one in said.times))
    else:
        times = array("d", (heard - max(0.0, said.step * (len(said) - 1)),))
    doubted = _doubted(quality) if isinstance(quality, str) else [_doubted(one) for one in quality]
    return replace(said, times=times, is_timed=False, quality=doubted)


def _doubted(quality: str) -> str:
    return "uncertain" if quality == "good" else quality


def _ends(columns: Columns, count: int) -> tuple[float, float]:
    first, last = min(columns.times), max(columns.times)
    if columns.step is not None:
        end = first + columns.step * (count - 1)
        first, last = min(first, end), max(first, end)
    return first, last


def _flags(columns: Columns) -> tuple[int, list[int] | None]:
    """Give the flags of a message; and the quality of each sample, where they differ."""
    late, said = (LATE if columns.late else 0), columns.quality
    if isinstance(said, str):
        return _QUALITY.get(said, 1) + late, None
    qualities = [_QUALITY.get(one, 1) for one in said]
    return max(qualities) + late, qualities if len(set(qualities)) > 1 else None


@lru_cache(maxsize=4096)
def _life(session: str) -> int:
    return digest(session.encode()) if session else 0


def _parts(columns: Columns, count: int) -> list[Columns]:
    """Cut what spans hours into pieces, in order of time."""
    step, times, said = columns.step, columns.times, columns.quality
    moments = list(times) if step is None else [times[0] + step * i for i in range(count)]
    order = sorted(range(count), key=moments.__getitem__)
    groups: list[list[int]] = []
    for i in order:
        if not groups or micros(moments[i]) - micros(moments[groups[-1][0]]) > LONGEST:
            groups.append([])
        groups[-1].append(i)
    return [
        replace(
            columns,
            times=array("d", (moments[i] for i in group)),
            step=None,
            columns={name: _picked(column, group) for name, column in columns.columns.items()},
            quality=said if isinstance(said, str) else [said[i] for i in group],
        )
        for group in groups
    ]


def _picked(column: Column, group: list[int]) -> Column:
    picked = [column[i] for i in group]
    return array("d", picked) if isinstance(column, array) else picked


def _moment(said: JSON) -> int | None:
    if isinstance(said, str):
        return micros(wire.from_rfc3339(said))
    if isinstance(said, float) and abs(said) < LATEST:
        return micros(said)
    return None


def _names(agent: str, branch: str, leaf: str) -> tuple[str, str, str]:
    """Leave the NUL out that MQTT forbids and databases cannot hold."""
    return agent, branch, leaf.replace("\0", "")[:200]
