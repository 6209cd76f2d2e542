"""What is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pyros_mqtt.messages.json_value import JSON

QUALITIES = ("good", "uncertain", "bad")
"""How far a measurement may be trusted, from the best on."""

ALLOWED_SKEW = 5.0
"""Seconds by which another machine's clock may be ahead, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: `time` in POSIX seconds, UTC; `value` a number, text, or dict of fields.

    A missing value is None, with `quality` `uncertain` or `bad`.
    """

    time: float
    value: JSON
    quality: str = "good"
    seq: int | None = None
    late: bool = False


@dataclass(slots=True)
class Columns:
    """The measurements of one message, by column: all of the same length.

    `times` are POSIX seconds, UTC, `step` seconds apart where the message tells a steady rate;
    `values` a list, or one for each field; `quality` one word for all, or a list. `seq` counts the
    messages of a channel in a session, `first` the samples before this message. A small device's
    bare scalar has none of these, and the time of its arrival: it is not `is_timed`.
    """

    # not frozen: making one would take twice as long, and a recorder makes one for each message

    times: list[float]
    values: list[JSON] | dict[str, list[JSON]]
    quality: str | list[str] = "good"
    seq: int | None = None
    first: int | None = None
    session: str = ""
    late: bool = False
    step: float | None = None
    is_timed: bool = True

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.times)

    def age(self, now: float, row: int = -1, *, skew: float = ALLOWED_SKEW) -> float:
        """Seconds since one of the samples was measured, at POSIX time `now`.

        For who gets it later than at once: infinite where nobody knows, for it tells no time of
        its own, or one that is more than `skew` seconds ahead of our clock.
        """
        age = now - self.times[row]
        return max(0.0, age) if self.is_timed and age >= -skew else math.inf

    def sample(self, row: int) -> Sample:
        """One of the samples, `row` counted as in a list."""
        values = self.values
        value = (
            {name: column[row] for name, column in values.items()}
            if isinstance(values, dict)
            else values[row]
        )
        quality = self.quality if isinstance(self.quality, str) else self.quality[row]
        if quality == "good" and value is None:
            quality = "bad"
        return Sample(self.times[row], value, quality, self.seq, self.late)


@dataclass(frozen=True, slots=True)
class Channel:
    """What an agent says of one telemetry channel, and how its samples are to be sent.

    Args:
        name: `[a-z0-9][a-z0-9_-]{0,62}`.
        unit: spelled as in VOUnit (`deg`, `m.s**-1`), or `deg_C`, or `%`; empty for none.
        description: for people.
        range: the lowest and highest value that is expected.
        rate: samples a second that are expected (Hz).
        fields: the names, where each sample has several values.
        retain: the broker keeps the last message for those who come later.
        qos: 1 for a channel of which no sample may get lost while the agent lives; 0 is faster.
        batch: samples that share a message, at most.
        batch_age: seconds that a sample waits for its batch, at most.
        batch_bytes: bytes of a message, at most, unless a single sample has more.
        deadband: a sample goes out only if it differs from the last one by more than this (0: if
            it differs at all); by default every sample does.
        refresh: seconds after which a sample goes out in spite of the deadband.
    """

    name: str
    unit: str = ""
    description: str = ""
    range: tuple[float, float] | None = None
    rate: float | None = None
    fields: tuple[str, ...] = ()
    retain: bool = False
    qos: int = field(default=0, kw_only=True)
    batch: int = field(default=1, kw_only=True)
    batch_age: float = field(default=1.0, kw_only=True)
    batch_bytes: int = field(default=60_000, kw_only=True)
    deadband: float | None = field(default=None, kw_only=True)
    refresh: float = field(default=60.0, kw_only=True)
