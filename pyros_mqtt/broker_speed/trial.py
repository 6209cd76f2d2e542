"""Messages to oneself by way of the broker, counted and timed.

They go to topics of a made-up agent, in a branch that nobody else of the tree listens to, so no
recorder keeps them and no agent runs them; nothing is retained, so nothing has to be cleaned up.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import NoReturn, Self

from pyros_mqtt.broker_speed.speed import Rate
from pyros_mqtt.errors import PyrosError
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery, Fate, Parcel

PATIENCE = 5.0
"""Seconds for a message to come back."""

WINDOW = 100
"""Messages that may be on their way at once: no queue of a broker is as short."""

BURST, BURST_BYTES, PAUSE = 50, 100_000, 0.25
"""The gentle way: so many at once, then seconds of rest; 200 messages and 400 kB a second."""

LEAST = 3
"""Of anything that is measured, however large or slow it is."""

TRIPS_WITHIN = 2.0
"""Seconds for round trips one by one, which over a satellite would take a minute."""

_DIGITS = 10


class TrialFailed(PyrosError):
    """A trial of the broker could not be carried out; the text says why."""


class Trial:
    """Two connections, one that sends and one that hears. Use it in a `with`.

    `patience` is the seconds within which a broker has to answer.
    """

    def __init__(self, bus: Bus, topics: Topics, patience: float = PATIENCE) -> None:
        name = f"bench-{secrets.token_hex(3)}"
        self._topic = topics.trial(name, "message")
        self._writer = bus.transport(topics.client_id(f"{name}-writer"))
        self._reader = bus.transport(topics.client_id(f"{name}-reader"))
        self._reader.subscribe(self._topic, self._hear)
        self._news = threading.Condition()
        self._arrived: dict[int, float] = {}
        self._room = threading.Semaphore(WINDOW)
        self._patience = patience
        self._trouble = ""
        self._next = 0
        self.connecting = 0.0

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            TrialFailed: no broker answers.
        """
        began = time.perf_counter()
        ends = (self._reader, self._writer)
        for end in ends:
            end.on_state(self._state_changed)
            end.open()
        if not self._until(lambda: all(end.is_up for end in ends), self._patience):
            trouble = self._reader.trouble or self._writer.trouble
            self.__exit__()
            raise TrialFailed(f"no broker answers: {trouble}")
        self.connecting = time.perf_counter() - began
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._writer.close(timeout=0.5)
        self._reader.close(timeout=0.5)

    def round_trips(self, count: int, size: int = 100, in_a_row: int = 1) -> tuple[float, ...]:
        """Send `in_a_row` messages at QoS 1 and wait for the last one; so often, one by one.

        Over a slow way it does so less often.

        Raises:
            TrialFailed: one does not come back, or the broker does not take it.
        """
        trips: list[float] = []
        end = time.perf_counter() + TRIPS_WITHIN
        while len(trips) < count and (len(trips) < LEAST or time.perf_counter() < end):
            began = time.perf_counter()
            numbers = [self._send(size, 1) for _ in range(in_a_row)]
            if self._wait_for(numbers):
                self._complain("a message has not come back")
            trips.append(self._arrived[numbers[-1]] - began)
        return tuple(trips)

    def bursts(self, size: int, qos: int, seconds: float) -> Rate:
        """Measure the rate gently: a burst, and a rest.

        Raises:
            TrialFailed: the broker does not take the messages.
        """
        rates, shares, lost = [], [], 0
        count = max(LEAST, min(BURST, BURST_BYTES // size))
        for _ in range(max(1, round(seconds / PAUSE))):
            rate = self._at_once(count, size, qos)
            rates.append(rate.per_second)
            shares.append(rate.cpu_share)
            lost += rate.lost
            time.sleep(PAUSE)
        middle = len(rates) // 2
        return Rate(size, qos, sorted(rates)[middle], sorted(shares)[middle], lost)

    def flood(self, size: int, qos: int, seconds: float) -> Rate:
        """Measure the rate the hard way: as many as go, for so long.

        Raises:
            TrialFailed: the broker does not take the messages.
        """
        return self._at_once(None, size, qos, seconds)

    def _at_once(self, count: int | None, size: int, qos: int, seconds: float = PATIENCE) -> Rate:
        numbers: list[int] = []
        cpu, began = time.process_time(), time.perf_counter()
        while len(numbers) != count and time.perf_counter() - began < seconds:
            numbers.append(self._send(size, qos))
        lost = self._wait_for(numbers)
        arrived = [self._arrived[one] for one in numbers if one in self._arrived]
        if not arrived:
            self._complain("no message has come back")
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
        for _ in range(lost):
            self._room.release()
        return Rate(size, qos, len(arrived) / (max(arrived) - began), spent / wall, lost)

    def _send(self, size: int, qos: int) -> int:
        if not self._room.acquire(timeout=PATIENCE) or self._trouble:
            self._complain("messages do not come back")
        number, self._next = self._next, self._next + 1
        payload = f"{number:0{_DIGITS}d}".ljust(size, ".").encode()
        self._writer.publish(Parcel(self._topic, payload, qos=qos), self._told)
        return number

    def _wait_for(self, numbers: list[int]) -> int:
        """Wait until all have come; how many have not, in time."""
        awaited = set(numbers)
        self._until(lambda: self._trouble or awaited <= self._arrived.keys())
        return len(awaited - self._arrived.keys())

    def _until(self, predicate: Callable[[], object], patience: float = PATIENCE) -> bool:
        with self._news:
            return bool(self._news.wait_for(predicate, patience))

    def _complain(self, otherwise: str) -> NoReturn:
        raise TrialFailed(f"{self._topic}: {self._trouble or otherwise}")

    # -- the network threads -----------------------------------------------------------------

    def _state_changed(self, _up: bool) -> None:  # noqa: FBT001 - the transport's signature
        with self._news:
            self._news.notify_all()

    def _hear(self, delivery: Delivery) -> None:
        now = time.perf_counter()
        with self._news:
            self._arrived[int(delivery.payload[:_DIGITS])] = now
            self._news.notify_all()
        self._room.release()

    def _told(self, fate: str) -> None:
        if fate in {Fate.TAKEN, Fate.IN_DOUBT}:
            return
        with self._news:
            self._trouble = _MEANING.get(fate, fate)
            self._news.notify_all()


_MEANING = {
    Fate.REFUSED: "the broker's access rules do not allow this topic",
    Fate.NO_SUBSCRIBER: "the broker's access rules do not allow to listen to this topic",
    Fate.TOO_LARGE: "the message is over the broker's limit (`max_packet_size`)",
    Fate.DROPPED: "the connection is lost",
}
