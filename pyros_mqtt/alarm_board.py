"""Everyone's alarms as seen from outside: what is raised, acknowledged, cleared or shelved now."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Self

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.hearsay import Hearsay
from pyros_mqtt.messages import Alarm
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery
from pyros_mqtt.wire import decode_alarm, unreadable_alarm

MOST = 10_000
"""So many alarms a board keeps; whoever floods the bus with more does not grow its reader."""

log = logging.getLogger(__name__)


class AlarmBoard:
    """Watches the alarms of all agents under one topic root. For any thread.

    Attributes:
        malformed: how many payloads could not be read; each is shown as a critical alarm.
    """

    def __init__(self, bus: Bus, topics: Topics) -> None:
        self.malformed = 0
        self._topics = topics
        self._alarms: dict[tuple[str, str], Alarm] = {}
        self._hearsay: Hearsay[tuple[str, str]] = Hearsay()
        self._news = threading.Condition()
        self._callbacks: list[Callable[[], None]] = []
        self._transport = bus.transport(topics.client_id(f"board-{secrets.token_hex(4)}"))
        self._transport.subscribe(topics.every("alarm", "+"), self._hear)
        self._transport.on_state(self._on_state)
        self._transport.on_turn(self._on_turn)

    def __enter__(self) -> Self:
        """Start watching; what the broker has kept comes when `is_up` has become true."""
        self._transport.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._transport.close()

    @property
    def is_up(self) -> bool:
        """The board's own connection stands; while it does not, all of it may be out of date."""
        return self._transport.is_up

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """All that are not normal: the worst first, then the oldest."""
        with self._news:
            found = list(self._alarms.values())
        return tuple(sorted(found, key=lambda a: (-a.severity.rank, a.raised_at or a.at, a.alarm)))

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call after news, in the network thread; it must be short."""
        self._callbacks.append(callback)

    def wait_until(self, predicate: Callable[[], object], timeout: float) -> bool:
        """Wait until `predicate()` is true; False when `timeout` seconds have passed first."""
        with self._news:
            return bool(self._news.wait_for(predicate, timeout))

    def settle(self, quiet: float, at_most: float) -> None:
        """Wait until what the broker has kept has come: nothing new for `quiet` seconds."""
        if not self.wait_until(lambda: self.is_up, at_most):
            return
        end = time.monotonic() + at_most
        with self._news:
            while self._news.wait(quiet) and time.monotonic() < end:
                pass

    # -- the network thread -------------------------------------------------------------------

    def _hear(self, delivery: Delivery) -> None:
        address = self._topics.parse(delivery.topic)
        if address is None:
            return
        key = (address.agent, address.leaf)
        now = time.time()
        try:
            alarm = decode_alarm(delivery.payload, *key, now) if delivery.payload else None
        except BadPayload as error:
            self.malformed += 1
            log.debug("%s: %s", delivery.topic, error)
            alarm = unreadable_alarm(*key, error, now)
        with self._news:
            if alarm is None:
                self._alarms.pop(key, None)
                self._hearsay.forget(key)
            elif key in self._alarms or len(self._alarms) < MOST:
                self._alarms[key] = alarm
                self._hearsay.hear(key, time.monotonic())
        self._tell()

    def _on_state(self, up: bool) -> None:  # noqa: FBT001 - the transport's signature
        (self._hearsay.regain if up else self._hearsay.lose)(time.monotonic())
        self._tell()

    def _on_turn(self) -> None:
        """After an outage, take away what has become normal meanwhile."""
        gone = self._hearsay.over(time.monotonic())
        if gone:
            with self._news:
                for key in gone:
                    del self._alarms[key]
            self._tell()

    def _tell(self) -> None:
        for callback in self._callbacks:
            try:
                callback()
            except Exception:
                log.exception("a callback for changes of the alarms failed")
        with self._news:
            self._news.notify_all()
