"""Chosen telemetry channels as numbers: the latest value of each field."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pyros_mqtt import wire
from pyros_mqtt.errors import BadName, BadPayload
from pyros_mqtt.messages import ALLOWED_SKEW, JSON, Columns
from pyros_mqtt.metrics import Admission, Family, Gauge, Total, label
from pyros_mqtt.telemetry import Gaps
from pyros_mqtt.topics import Topics, check_name
from pyros_mqtt.transport import Bus, Delivery

MOST_SERIES = 2000
"""So many values are shown, each field of a channel for one."""

STALE = 900.0
"""Seconds without a sample after which a channel's value is no longer shown: it is none of now."""

_Name = tuple[str, str]
"""Agent and channel."""

_HELP = {
    "value": "The latest value of a channel, or of one field of it",
    "time": "When that was measured, POSIX time",
    "samples": "Samples that came",
    "missed": "Samples that were sent and have not come",
    "out": f"Values that came and have no series: text, or beyond {MOST_SERIES}",
}


@dataclass(slots=True)
class _Channel:
    """What is kept of one channel; `heard` is monotonic, `time` POSIX seconds."""

    time: float = -math.inf
    heard: float = -math.inf
    samples: int = 0
    fields: dict[str, float] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)
    gaps: Gaps = field(default_factory=Gaps)


class Channels:
    """Listens to the channels that the patterns choose, such as `weather/*`.

    Args:
        units: gives the units of an agent's channels, by name.
        clock: monotonic seconds.
        skew: seconds by which clocks may differ.
    """

    def __init__(  # noqa: PLR0913 - what it listens to, and its clocks
        self,
        bus: Bus,
        topics: Topics,
        patterns: tuple[str, ...],
        units: Callable[[str], Mapping[str, str]],
        *,
        clock: Callable[[], float] = time.monotonic,
        skew: float = ALLOWED_SKEW,
    ) -> None:
        self._topics = topics
        self._patterns = patterns
        self._units = units
        self._clock = clock
        self._skew = skew
        self._lock = threading.Lock()
        self._channels: dict[_Name, _Channel] = {}
        self._series: Admission[tuple[str, str, str]] = Admission(MOST_SERIES)
        self._no_number = 0
        self.transport = bus.transport(topics.client_id(f"metrics-{secrets.token_hex(4)}"))
        for pattern in _subscriptions(topics, patterns):
            self.transport.subscribe(pattern, self.hear)

    def hear(self, delivery: Delivery) -> None:
        """Take in what came; runs in the network thread."""
        address = self._topics.parse(delivery.topic)
        if address is None or not self._is_chosen(address.agent, address.leaf):
            return
        wall = time.time()
        try:
            check_name("channel", address.leaf)
            columns = wire.decode_columns(delivery.payload, wall)
        except (BadName, BadPayload):
            return
        if not len(columns):
            return
        is_old = delivery.retain or columns.late
        aged = columns.age(wall, skew=self._skew) if is_old else 0.0
        if math.isfinite(aged):  # what nobody knows the age of is no value of now
            with self._lock:
                self._take((address.agent, address.leaf), columns, delivery, aged)

    def collect(self) -> Iterator[Family]:
        """Give all families."""
        value = Gauge("pyros_channel_value", _HELP["value"], "agent", "channel", "field", "unit")
        taken = Gauge("pyros_channel_timestamp_seconds", _HELP["time"], "agent", "channel")
        samples = Total("pyros_channel_samples", _HELP["samples"], "agent", "channel")
        missed = Gauge("pyros_channel_missed_samples", _HELP["missed"], "agent", "channel")
        units: dict[str, Mapping[str, str]] = {}
        with self._lock:
            self._forget_the_stale()
            for (agent, channel), one in sorted(self._channels.items()):
                if agent not in units:
                    units[agent] = self._units(agent)
                for name, number in one.fields.items():
                    value.add_metric(
                        [agent, channel, name, label(units[agent].get(channel, ""))], number
                    )
                taken.add_metric([agent, channel], one.time)
                samples.add_metric([agent, channel], one.samples)
                missed.add_metric([agent, channel], one.gaps.samples)
            left_out = Total("pyros_channel_values_without_series", _HELP["out"])
            left_out.add_metric([], self._series.left_out + self._no_number)
        yield from (value, taken, samples, missed, left_out)

    def _is_chosen(self, agent: str, channel: str) -> bool:
        return any(fnmatchcase(f"{agent}/{channel}", pattern) for pattern in self._patterns)

    # -- with the lock held -------------------------------------------------------------------

    def _take(self, name: _Name, columns: Columns, delivery: Delivery, aged: float) -> None:
        one = self._channels.get(name)
        if one is None:
            if not self._series.admits((*name, "")):
                return
            one = self._channels[name] = _Channel(places={""})
        if not delivery.retain:
            one.samples += len(columns)
            one.gaps.take(columns)
        sample = columns.sample(-1)
        if sample.time < one.time and (delivery.retain or columns.late):
            return
        one.time, one.heard = sample.time, self._clock() - aged
        value = sample.value
        given = value if isinstance(value, dict) else {"": value}
        one.fields = dict(self._numbers(name, given))
        one.places.update(one.fields)

    def _numbers(self, name: _Name, given: dict[str, JSON]) -> Iterator[tuple[str, float]]:
        """Give what is a number and has a place; what is missing has no value."""
        for word, value in given.items():
            if value is None:
                continue
            key = label(word)
            number = _number(value)
            if number is None:
                self._no_number += 1
            elif self._series.admits((*name, key)):
                yield key, number

    def _forget_the_stale(self) -> None:
        now = self._clock()
        for name, one in list(self._channels.items()):
            if now - one.heard > STALE:
                del self._channels[name]
                for key in one.places:
                    self._series.dismiss((*name, key))


def _number(value: JSON) -> float | None:
    """Take numbers, and booleans for 0 and 1."""
    return float(value) if isinstance(value, int | float) else None


def _subscriptions(topics: Topics, patterns: tuple[str, ...]) -> set[str]:
    """Ask for one agent's channels where its name is given, else for everyone's."""
    agents = {pattern.partition("/")[0] for pattern in patterns}
    if any(set("*?") & set(agent) for agent in agents):
        return {topics.every("telemetry", "+")}
    return {topics.telemetry(agent, "x").removesuffix("x") + "+" for agent in agents}
