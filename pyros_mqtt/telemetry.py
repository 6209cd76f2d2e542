"""Samples -> topics, and a neighbour's samples -> the latest value of a channel."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Iterable

from pyros_mqtt import wire
from pyros_mqtt.errors import AgentError, BadPayload
from pyros_mqtt.messages import JSON, Channel, Sample
from pyros_mqtt.topics import Topics, check_name
from pyros_mqtt.transport import Delivery, Fate, Parcel, Transport


class Channels:
    """What an agent measures: declares channels and publishes their samples. For any thread.

    Raises:
        AgentError: what is declared is no row of channels.
        BadName: a channel's name breaks the rule.
    """

    def __init__(self, agent: str, topics: Topics, declared: Iterable[Channel]) -> None:
        self._agent = agent
        self._topics = topics
        self._lock = threading.Lock()
        self._channels = {check_name("channel", one.name): one for one in _row(declared)}
        self._counts = {name: itertools.count() for name in self._channels}
        self._transport: Transport | None = None
        self.dropped = 0
        """Samples that no broker took."""

    @property
    def declared(self) -> dict[str, Channel]:
        """The channels by name."""
        return dict(self._channels)

    def connect(self, transport: Transport) -> None:
        """From now on samples leave through `transport`."""
        self._transport = transport

    def publish(
        self, channel: str, value: JSON, unit: str | None, moment: float | None, quality: str
    ) -> None:
        """Publish one sample; `moment` is POSIX seconds, by default now.

        Raises:
            BadName: the channel's name breaks the rule.
        """
        known = self._channels.get(channel) or self._declare(channel, unit or "")
        when = time.time() if moment is None else moment
        sample = Sample(when, value, quality, next(self._counts[channel]))
        topic = self._topics.telemetry(self._agent, channel)
        parcel = Parcel(topic, wire.encode_sample(sample), qos=0, retain=known.retain)
        if self._transport is None:
            self.dropped += 1
        else:
            self._transport.publish(parcel, self._count_drop)

    def _declare(self, channel: str, unit: str) -> Channel:
        """A channel that first shows up in a measurement."""
        declared = Channel(check_name("channel", channel), unit)
        with self._lock:
            self._counts.setdefault(channel, itertools.count())
            self._channels[channel] = declared
        return declared

    def _count_drop(self, fate: str) -> None:
        if fate not in {Fate.TAKEN, Fate.NO_SUBSCRIBER}:
            self.dropped += 1


def _row(declared: object) -> list[Channel]:
    if isinstance(declared, str | Channel) or not isinstance(declared, Iterable):
        raise AgentError(f"channels is a tuple, such as (Channel(...),), not {declared!r}")
    row = list(declared)
    for one in row:
        if not isinstance(one, Channel):
            hint = f": write Channel({one!r})" if isinstance(one, str) else ""
            raise AgentError(f"channels holds Channel(...), not {one!r}{hint}")
    return row


class Follow:
    """The latest sample of somebody's channel, and how old it is. For any thread.

    Age counts from the arrival by our own clock, so that a neighbour's wrong clock cannot make
    old news look fresh; a sample that the broker had kept is as old as it says itself.
    """

    def __init__(self, agent: str, channel: str) -> None:
        self.agent = check_name("agent", agent)
        self.channel = check_name("channel", channel)
        self._news: tuple[Sample | None, float] = (None, -math.inf)

    @property
    def sample(self) -> Sample | None:
        """The latest sample, or None."""
        return self._news[0]

    @property
    def value(self) -> JSON:
        """The latest value; None where there is none."""
        return self._news[0].value if self._news[0] else None

    @property
    def age(self) -> float:
        """Seconds since the latest sample; infinite where none has come."""
        return time.monotonic() - self._news[1]

    def is_fresh(self, seconds: float) -> bool:
        """Whether there is a sample that is not older than `seconds`."""
        return self.age <= seconds

    def hear(self, delivery: Delivery) -> None:
        """Take in what came on the channel's topic; runs in the network thread."""
        wall = time.time()
        try:
            samples = wire.decode_samples(delivery.payload, wall)
        except BadPayload:
            return
        if samples:
            kept = max(0.0, wall - samples[-1].time) if delivery.retain else 0.0
            self._news = (samples[-1], time.monotonic() - kept)
