"""A neighbour's samples -> the latest value of a channel."""

from __future__ import annotations

import math
import time

from pyros_mqtt import wire
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import ALLOWED_SKEW, JSON, Sample
from pyros_mqtt.telemetry.gaps import Gaps
from pyros_mqtt.topics import check_name
from pyros_mqtt.transport import Delivery


class Follow:
    """The latest sample of somebody's channel, and how old it is. For any thread.

    Age counts from the arrival by our own clock, so that a neighbour's wrong clock cannot make
    old news look fresh; a sample that the broker had kept, or that is sent late after an outage, is
    as old as it says itself. Where that tells no time, as a small device's bare scalar, or one that
    is more than `skew` seconds ahead of our clock, it is of unknown and so infinite age.
    """

    def __init__(self, agent: str, channel: str, skew: float = ALLOWED_SKEW) -> None:
        self.agent = check_name("agent", agent)
        self.channel = check_name("channel", channel)
        self._news: tuple[Sample | None, float] = (None, -math.inf)
        self._skew = skew
        self._gaps = Gaps()

    @property
    def sample(self) -> Sample | None:
        """The latest sample, or None."""
        return self._news[0]

    @property
    def missed(self) -> int:
        """Samples that were sent and have not come, since the first one that came.

        Those that wait for the end of an outage count until they come late. A device that does
        not number its messages misses nothing.
        """
        return self._gaps.samples

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
            columns = wire.decode_columns(delivery.payload, wall)
        except BadPayload:
            return
        if not len(columns):
            return
        if not delivery.retain:
            self._gaps.take(columns)
        sample, known = columns.sample(-1), self._news[0]
        if columns.late and known is not None and sample.time <= known.time:
            return
        is_old = delivery.retain or columns.late
        aged = columns.age(wall, skew=self._skew) if is_old else 0.0
        if math.isinf(aged) and known is not None and sample.value == known.value:
            return  # the broker repeats after an outage what came before it
        self._news = (sample, time.monotonic() - aged)
