"""Listens to telemetry and alarms; all of it runs in one network thread."""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

from pyros_mqtt.dashboard import alarms, measures, sky
from pyros_mqtt.dashboard.board import Board
from pyros_mqtt.dashboard.history import MemoryHistory
from pyros_mqtt.errors import BadName, BadPayload
from pyros_mqtt.hearsay import Hearsay
from pyros_mqtt.topics import Address, Topics, check_name
from pyros_mqtt.transport import Bus, Delivery

MOST_CHANNELS = 20_000
ALARMS = "alarms"
POINTINGS = "pointings"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Latest:
    """The last word of one channel.

    `news` is when it came, monotonic seconds; -inf where nobody knows for how long it was kept.
    """

    version: int
    news: float
    time: float
    shown: Any
    quality: str


class Ear:
    """Hears every measurement and every alarm under one root.

    Attributes:
        malformed: payloads and topics that could not be read, and were passed over.
    """

    def __init__(  # noqa: PLR0913 - each is a part of the dashboard
        self,
        bus: Bus,
        topics: Topics,
        board: Board,
        targets: sky.Targets,
        memory: MemoryHistory,
        *,
        skew: float,
    ) -> None:
        self.malformed = 0
        self._topics = topics
        self._board = board
        self._targets = targets
        self._memory = memory
        self._skew = skew
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], Latest] = {}
        self._by_agent: dict[str, dict[str, Latest]] = {}
        self._version = 0
        self._good: set[str] = set()
        self._hearsay: Hearsay[str] = Hearsay()
        self.transport = bus.transport(
            f"{topics.root.replace('/', '-')}-dashboard-{secrets.token_hex(4)}"
        )
        self.transport.subscribe(topics.every("telemetry", "+"), self._hear_measurement)
        self.transport.subscribe(topics.every("alarm", "+"), self._hear_alarm)
        self.transport.on_state(self._on_state)
        self.transport.on_turn(self._on_turn)

    def channels(self) -> list[tuple[str, str, Latest]]:
        """Every channel that was heard, with its last word."""
        with self._lock:
            return [(agent, channel, one) for (agent, channel), one in self._latest.items()]

    def values(self, agent: str, version: int) -> tuple[int, dict[str, list[Any]]]:
        """The last word of an agent's channels that came after `version`, and the new version.

        A word is when it came (monotonic; None: nobody knows), what it was, and its quality.
        """
        with self._lock:
            fresh = {
                channel: [_told(one.news, 2), one.shown, one.quality]
                for channel, one in self._by_agent.get(agent, {}).items()
                if one.version > version
            }
            return self._version, fresh

    # -- the network thread ------------------------------------------------------------------

    def _hear_measurement(self, delivery: Delivery) -> None:
        address = self._address(delivery)
        if address is None or not delivery.payload:
            return
        try:
            readings = measures.read(delivery.payload, time.time(), self._skew)
        except BadPayload:
            self._pass_over(delivery)
            return
        if not readings:
            return
        if not delivery.retain:  # what the broker had kept is shown, and is no new measurement
            self._memory.note(address.agent, address.leaf, readings)
        news = self._keep(address, readings[-1], delivery)
        where = sky.pointing(readings[-1].shown)
        if where is not None:
            key = f"{address.agent}/{address.leaf}"
            self._board.put(POINTINGS, key, where | {"news": _told(news)})
        elif (found := sky.target(readings[-1].shown, address.agent)) is not None:
            self._targets.note(*found)

    def _keep(self, address: Address, reading: measures.Reading, delivery: Delivery) -> float:
        """Remember the last word of a channel; when it was said, by the monotonic clock."""
        key = (address.agent, address.leaf)
        news = time.monotonic() - (reading.age if delivery.retain else 0.0)
        with self._lock:
            known = self._latest.get(key)
            if known is None and len(self._latest) >= MOST_CHANNELS:
                return news
            if math.isinf(news) and known is not None and known.shown == reading.shown:
                return known.news  # the broker repeats after an outage what came before it
            self._version += 1
            one = Latest(self._version, news, reading.time, reading.shown, reading.quality)
            self._latest[key] = one
            self._by_agent.setdefault(address.agent, {})[address.leaf] = one
        return news

    def _hear_alarm(self, delivery: Delivery) -> None:
        address = self._address(delivery)
        if address is None:
            return
        key = f"{address.agent}/{address.leaf}"
        if not delivery.payload:
            self._board.drop(ALARMS, key)
            self._hearsay.forget(key)
            return
        self._board.put(ALARMS, key, alarms.read(delivery.payload, address.agent, address.leaf))
        if self._board.get(ALARMS, key) is not None:  # there was room
            self._hearsay.hear(key, time.monotonic())

    def _on_state(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        (self._hearsay.regain if up else self._hearsay.lose)(time.monotonic())

    def _on_turn(self) -> None:
        """After an outage, take away what has become normal meanwhile."""
        for key in self._hearsay.over(time.monotonic()):
            self._board.drop(ALARMS, key)

    def _address(self, delivery: Delivery) -> Address | None:
        address = self._topics.parse(delivery.topic)
        if address is None or not self._is_name(address.leaf):
            self._pass_over(delivery)
            return None
        return address

    def _is_name(self, leaf: str) -> bool:
        if leaf in self._good:
            return True
        try:
            check_name("channel", leaf)
        except BadName:
            return False
        if len(self._good) < MOST_CHANNELS:
            self._good.add(leaf)
        return True

    def _pass_over(self, delivery: Delivery) -> None:
        self.malformed += 1
        log.debug("passed over on %s: %r", delivery.topic, delivery.payload[:200])


def _told(news: float, digits: int = 0) -> float | None:
    """Write a moment as JSON can say it."""
    return round(news, digits) if math.isfinite(news) else None
