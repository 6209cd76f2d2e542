"""What the watchman hears of the bus, kept for its own thread; and his words on alarm topics."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyros_mqtt.messages import Alarm
from pyros_mqtt.topics import Address, Topics
from pyros_mqtt.transport import Bus, Delivery, Parcel
from pyros_mqtt.wire import encode_alarm

MOST = 100_000
"""So many deliveries wait for the agent's thread; then the oldest are passed over."""


@dataclass(frozen=True, slots=True)
class Word:
    """One delivery, with the monotonic moment at which it came."""

    at: float
    address: Address
    payload: bytes
    kept: bool


class Ear:
    """A connection of its own, to the channels that rules need and to everybody's alarms.

    Attributes:
        up_since: since when its connection stands (monotonic seconds); None while it does not.
        lost_at: when it was lost last (monotonic seconds); -inf where it never was.
        connections: how often it has come up.
        passed_over: deliveries that came faster than they were taken.
    """

    def __init__(self, bus: Bus, topics: Topics, name: str) -> None:
        self.up_since: float | None = None
        self.lost_at = -math.inf
        self.connections = 0
        self.passed_over = 0
        self._name = name
        self._topics = topics
        self._words: deque[Word] = deque()
        self._lock = threading.Lock()
        self._was_up = threading.Event()
        client_id = f"{topics.client_id(name)}-ear-{secrets.token_hex(3)}"
        self._transport = bus.transport(client_id)
        self._transport.on_state(self._on_state)

    def open(self, channels: Iterable[tuple[str, str]]) -> None:
        """Start to listen."""
        self._transport.subscribe(self._topics.every("alarm", "+"), self._hear)
        for agent, channel in channels:
            self._transport.subscribe(self._topics.telemetry(agent, channel), self._hear)
        self._transport.open()

    def wait_up(self, timeout: float) -> bool:
        """Wait for the first connection; whether it has come within `timeout` seconds."""
        return self._was_up.wait(timeout)

    def close(self) -> None:
        """Say what waits, and leave."""
        self._transport.close(1.0)

    @property
    def trouble(self) -> str:
        """Why the connection does not stand, for people."""
        return self._transport.trouble

    def take(self) -> Iterator[Word]:
        """Give what has come, in its order."""
        while True:
            with self._lock:
                if not self._words:
                    return
                word = self._words.popleft()
            yield word

    def show(self, name: str, alarm: Alarm | None) -> None:
        """Publish one of our alarms; None empties its topic. After an outage it is said again."""
        payload = b"" if alarm is None else encode_alarm(alarm)
        topic = self._topics.alarm(self._name, name)
        self._transport.publish(Parcel(topic, payload, retain=True))

    # -- the network thread -------------------------------------------------------------------

    def _on_state(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        now = time.monotonic()
        if not up:
            self.lost_at = now
        self.up_since = now if up else None
        self.connections += up
        if up:
            self._was_up.set()

    def _hear(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        if address is None:
            return
        word = Word(time.monotonic(), address, delivery.payload, delivery.retain)
        with self._lock:
            if len(self._words) >= MOST:
                self._words.popleft()
                self.passed_over += 1
            self._words.append(word)
