"""What an archive keeps: where it came from, measurements as rows, and everything else as it came.

Moments in rows are whole microseconds since 1970, UTC, so that two recorders mean the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MICRO = 1_000_000

LONGEST = 3600 * MICRO
"""No row spans more than this, so that a reader knows how far back a row may begin."""

LATE = 4
"""Added to the quality's number where the sample came after an outage."""


class Source(NamedTuple):
    """One topic: `telemetry` and a channel, `outbox` and a sender, `status` and nothing."""

    root: str
    agent: str
    branch: str
    leaf: str = ""


class SampleRow(NamedTuple):
    """One message of a channel, or a part of a very long one.

    `source`, `t` and `mark` (a digest) are its key: the same message is kept once, however many
    recorders have heard it. `life` stands for the agent's session (0: not told), `seq` counts its
    messages, `ahead` the samples before these (None: as `seq`). A single number stands in `value`;
    everything else is packed in `body`, see `block`. `span` is the time from the first sample to
    the last.
    """

    source: Source
    t: int
    mark: int
    life: int
    seq: int | None
    ahead: int | None
    n: int
    span: int
    flags: int
    value: float | None
    body: bytes | None


class Counted(NamedTuple):
    """What one row tells of its place among the messages of its channel."""

    t: int
    life: int
    seq: int | None
    ahead: int | None
    n: int


class EventRow(NamedTuple):
    """One status, command, report, alarm, log record or about, with its payload as it came.

    `t` is the moment that it tells itself, or that of its arrival, which is in `heard`, too.
    """

    source: Source
    t: int
    mark: int
    heard: int
    body: bytes


class Roll(NamedTuple):
    """What became of one field of a channel in one step of time."""

    field: str
    t: int
    n: int
    low: float
    high: float
    total: float


@dataclass(frozen=True, slots=True)
class Written:
    """How much of what was given to a store was new to it."""

    samples: int = 0
    events: int = 0
    known: int = 0
    """Messages that it had already."""


def micros(moment: float) -> int:
    """Turn POSIX seconds into whole microseconds."""
    return round(moment * MICRO)
