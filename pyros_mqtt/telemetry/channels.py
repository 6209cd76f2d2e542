"""What an agent measures: the way of each sample from its author to the broker."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.messages import Channel, Sample
from pyros_mqtt.telemetry.batch import Batch
from pyros_mqtt.telemetry.columns import Values, columns, length, may_share, part, pieces, scalar
from pyros_mqtt.telemetry.conveyor import Conveyor, Counts, Room
from pyros_mqtt.telemetry.deadband import Deadband
from pyros_mqtt.telemetry.declaration import checked, row_of
from pyros_mqtt.telemetry.times import Times, check_quality, checked_time, cut, times_of
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Transport

log = logging.getLogger(__name__)

MOST = 1000
"""Samples of a message, at most, where an author hands over more at once than a batch holds."""


@dataclass(slots=True)
class _Series:
    """A channel and how far it has come: messages and samples so far."""

    channel: Channel
    topic: str
    gate: Deadband | None
    batch: Batch | None
    seq: int = 0
    samples: int = 0


class Channels:
    """What an agent measures: declares channels and publishes their samples. For any thread.

    Raises:
        AgentError: what is declared is no row of channels.
        BadName: a channel's name breaks the rule.
    """

    def __init__(
        self, agent: str, topics: Topics, declared: Iterable[Channel], room: Room | None = None
    ) -> None:
        self._agent = agent
        self._topics = topics
        self._conveyor = Conveyor(room or Room())
        self._lock = self._conveyor.lock
        self._series: dict[str, _Series] = {}
        self._session = ""
        for channel in row_of(declared):
            self._begin(channel)

    @property
    def declared(self) -> dict[str, Channel]:
        """The channels by name."""
        with self._lock:
            return {name: series.channel for name, series in self._series.items()}

    @property
    def dropped(self) -> int:
        """Samples that will never be delivered."""
        return self._conveyor.dropped

    def counts(self) -> Counts:
        """Where all samples of this session are; those in unfinished batches wait."""
        with self._lock:
            sent = self._conveyor.counts()
            batched = sum(len(one.batch) for one in self._series.values() if one.batch)
            return replace(sent, published=sent.published + batched, waiting=sent.waiting + batched)

    def connect(self, transport: Transport, session: str = "") -> None:
        """From now on samples leave through `transport`, as those of `session`."""
        self._session = session
        self._conveyor.connect(transport)
        transport.on_turn(self._turn)

    def declare(self, channel: Channel) -> None:
        """Add a channel, unless there is one of its name.

        Raises:
            AgentError, BadName: as the constructor.
        """
        with self._lock:
            if channel.name not in self._series:
                self._begin(checked(channel))

    def publish(
        self,
        channel: str,
        value: Any,
        unit: str | None = None,
        moment: float | None = None,
        quality: str = "good",
    ) -> None:
        """Publish one sample; `moment` is POSIX seconds, by default now.

        Raises:
            AgentError: it is no value of a sample, no time or no quality.
            BadName: the channel's name breaks the rule.
        """
        if type(value) is not float:
            value = scalar(channel, value)
        check_quality(channel, quality)
        when = time.time() if moment is None else checked_time(channel, moment)
        now = time.monotonic()
        with self._lock:
            series = self._series.get(channel) or self._known(channel, unit)
            gate, batch = series.gate, series.batch
            if gate is not None and not gate.passes(value, quality, now):
                return
            if batch is None:
                self._send_one(series, Sample(when, value, quality))
            elif not may_share(value):
                self._flush(series)
                self._send_one(series, Sample(when, value, quality))
            else:
                if not batch.add(when, value, quality, now):
                    self._flush(series)
                    batch.add(when, value, quality, now)
                if batch.is_due(now):
                    self._flush(series)

    def publish_batch(  # noqa: PLR0913 - the two ways of giving times
        self,
        channel: str,
        values: Any,
        unit: str | None = None,
        *,
        times: Collection[float] | None = None,
        start: float | None = None,
        step: float | None = None,
        quality: str = "good",
    ) -> None:
        """Publish many samples at once, past the deadband.

        Args:
            channel: its name.
            values: a list, a one-dimensional array, or a dict of such columns.
            unit: of a new channel.
            times: POSIX seconds of each.
            start: instead, POSIX seconds of the first; by default the last one is now.
            step: seconds from one to the next.
            quality: of all of them.

        Raises:
            AgentError: there are not as many times as values, or they are no such values.
            BadName: the channel's name breaks the rule.
        """
        rows = columns(channel, values)
        check_quality(channel, quality)
        given = times_of(channel, length(rows), times, start, step)
        with self._lock:
            series = self._known(channel, unit)
            self._flush(series)
            declared = series.channel.batch
            for first, end in pieces(length(rows), declared if declared > 1 else MOST):
                self._send(series, cut(given, first, end), part(rows, first, end), quality)

    def finish(self, timeout: float) -> None:
        """Send what waits, `timeout` seconds at most; drop and count the rest."""
        with self._lock:
            for series in self._series.values():
                self._flush(series)
        before = self.dropped
        self._conveyor.finish(timeout)
        if lost := self.dropped - before:
            log.warning("%s ends with %d samples that could not be sent", self._agent, lost)

    def _begin(self, channel: Channel) -> _Series:
        series = self._series[channel.name] = _Series(
            channel,
            self._topics.telemetry(self._agent, channel.name),
            None if channel.deadband is None else Deadband(channel.deadband, channel.refresh),
            Batch(channel) if channel.batch > 1 else None,
        )
        return series

    def _known(self, channel: str, unit: str | None) -> _Series:
        """A channel; one that first shows up in a measurement is declared by it."""
        return self._series.get(channel) or self._begin(checked(Channel(channel, unit or "")))

    def _turn(self) -> None:
        """Send batches that have come of age, and what has waited; for the network thread."""
        now = time.monotonic()
        with self._lock:
            for series in self._series.values():
                if series.batch is not None and series.batch.is_due(now):
                    self._flush(series)
        self._conveyor.pump()

    def _flush(self, series: _Series) -> None:
        if series.batch:
            times, values, quality = series.batch.take()
            self._send(series, times, values, quality)

    def _send_one(self, series: _Series, sample: Sample) -> None:
        self._leave(series, wire.encode_sample(sample, self._tag(series)), 1)

    def _send(
        self,
        series: _Series,
        times: Times,
        values: Values,
        quality: str | list[str],
    ) -> None:
        count = length(values)
        if not count:
            return
        payload = wire.encode_batch(times, values, quality, self._tag(series))
        if len(payload) <= series.channel.batch_bytes or count == 1:
            self._leave(series, payload, count)
            return
        half = count // 2
        for first, end in ((0, half), (half, count)):
            words = quality if isinstance(quality, str) else quality[first:end]
            self._send(series, cut(times, first, end), part(values, first, end), words)

    def _tag(self, series: _Series) -> wire.Tag:
        return wire.Tag(series.seq, series.samples, self._session)

    def _leave(self, series: _Series, payload: bytes, count: int) -> None:
        series.seq += 1
        series.samples += count
        channel = series.channel
        self._conveyor.send(series.topic, payload, count, qos=channel.qos, retain=channel.retain)
