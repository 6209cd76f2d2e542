"""What waits for the broker, and what the broker has not acknowledged yet. Pure, but locked."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pyros_mqtt.link.safely import safely
from pyros_mqtt.transport import Fate, OnFate, Parcel

WINDOW = 100
"""Parcels in flight at once: what may be in doubt when the connection breaks."""

LIMIT = 10_000
"""Parcels that may wait; past it the newest is dropped, and its owner is told."""


@dataclass(slots=True)
class Item:
    """One parcel and who wants to hear of its fate."""

    parcel: Parcel
    on_fate: OnFate | None = None

    @property
    def size(self) -> int:
        """About how many bytes its packet has."""
        return len(self.parcel.payload) + len(self.parcel.topic) + 16

    def settle(self, fate: str) -> None:
        """Tell the owner, once."""
        told, self.on_fate = self.on_fate, None
        if told is not None:
            told(fate)


class Backlog:
    """Parcels in order of publication. `put` is for any thread, the rest for the network thread.

    After a connection broke with parcels in flight, the kept ones are sent again one at a time,
    until the broker takes one: if one of them breaks the connection, it is known which.
    """

    def __init__(self, limit: int = LIMIT, window: int = WINDOW) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Item] = deque()
        self._flying: dict[int, Item] = {}
        self._limit = limit
        self._widest = self._window = window
        self._cautious = False

    def __len__(self) -> int:
        """Parcels that wait or fly."""
        return len(self._waiting) + len(self._flying)

    def narrow(self, most: int | None) -> None:
        """Let no more fly than the broker takes at once; None: it does not say."""
        self._window = min(self._widest, most or self._widest)

    def put(self, item: Item) -> bool:
        """Queue an item; False where the backlog is full."""
        with self._lock:
            if len(self._waiting) >= self._limit:
                return False
            self._waiting.append(item)
            return True

    @property
    def lets_pass(self) -> bool:
        """Nothing waits, and one more may fly."""
        return not self._waiting and len(self._flying) < (1 if self._cautious else self._window)

    def take(self) -> Item | None:
        """The next item to send, or None: nothing waits, or the window is full."""
        if len(self._flying) >= (1 if self._cautious else self._window):
            return None
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def fly(self, mid: int, item: Item) -> None:
        """Remember an item that was sent with QoS 1 as packet `mid`."""
        self._flying[mid] = item

    def land(self, mid: int, fate: str) -> int:
        """The broker has acknowledged packet `mid`; returns its size, 0 where it is not known."""
        self._cautious = False
        item = self._flying.pop(mid, None)
        if item is None:
            return 0
        item.settle(fate)
        return item.size

    def first_in_flight(self) -> int:
        """The size of the first parcel that the broker has not acknowledged; 0: there is none."""
        return next((item.size for item in self._flying.values()), 0)

    def lose(self) -> list[tuple[Item, str]]:
        """The connection is gone: keep what is to be kept, in its order; return the rest.

        With each its fate: what was in flight may have arrived.
        """
        flown = list(self._flying.values())
        self._flying.clear()
        self._cautious = bool(flown)
        with self._lock:
            everything = [*flown, *self._waiting]
            self._waiting = deque(item for item in everything if item.parcel.keep)
        fates = [Fate.IN_DOUBT] * len(flown) + [Fate.DROPPED] * (len(everything) - len(flown))
        lost = zip(everything, fates, strict=True)
        return [(item, fate) for item, fate in lost if not item.parcel.keep]

    def clear(self) -> None:
        """The end: whatever is left is dropped."""
        while self._flying:
            safely(partial(self._flying.popitem()[1].settle, Fate.IN_DOUBT))
        while self._waiting:
            safely(partial(self._waiting.popleft().settle, Fate.DROPPED))


class SizeLesson:
    """Learns a broker's packet limit where the broker does not tell it (MQTT 3.1.1).

    A broker that gets too large a packet breaks the connection; sent again for ever, that packet
    would block everything behind it. Brokers acknowledge in order, so the first parcel without an
    acknowledgement is the suspect, or the largest of those that are never acknowledged and that
    were written since. The same suspect three times in a row is no accident: parcels of its size
    are refused for an hour. Then it is tried once more, for the broker may have been changed.
    """

    SUSPECT = 1024
    """No broker's limit is below this (bytes)."""

    TIMES = 3

    IN_A_ROW = 300.0
    """Seconds between two losses that are further apart than a row's."""

    HEEDED = 3600.0
    """Seconds for which a lesson is heeded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: int | None = None
        self._learned: int | None = None
        self.limit: int | None = None
        """Most bytes of a packet; None where nothing is known."""
        self._loose = 0
        self._loose_before: deque[int] = deque()
        self._suspect = 0
        self._times = 0
        self._at = 0.0

    def told(self, limit: int | None) -> None:
        """A broker took the connection, and told its limit in bytes or none."""
        self._told = limit
        self._conclude()

    def wrote_loose(self, size: int) -> None:
        """A packet that is not acknowledged (QoS 0) has been written."""
        self._loose = max(self._loose, size)

    def wrote(self) -> None:
        """A parcel that will be acknowledged has been written."""
        self._loose_before.append(self._loose)
        self._loose = 0

    def heard(self, size: int) -> None:
        """The broker has acknowledged a parcel of about `size` bytes: all before it has passed."""
        before = self._loose_before.popleft() if self._loose_before else 0
        if max(size, before) >= self._suspect:
            self._suspect = self._times = 0

    def lost(self, first: int) -> None:
        """The connection broke; `first` is the size of the first parcel in flight, or 0."""
        suspect = max(first, self._loose, *self._loose_before)
        self._loose_before.clear()
        self._loose, before, self._at = 0, self._at, self._clock()
        if suspect < self.SUSPECT:
            return
        is_in_a_row = suspect == self._suspect and self._at - before < self.IN_A_ROW
        self._times = self._times + 1 if is_in_a_row else 1
        self._suspect = suspect
        if self._times >= self.TIMES:
            self._learned = suspect - 1
            self._conclude()

    def _conclude(self) -> None:
        known = [one for one in (self._told, self._learned) if one is not None]
        self.limit = min(known, default=None)

    def allows(self, size: int) -> bool:
        """Say whether a packet of about `size` bytes may be sent."""
        if self.limit is None or size <= self.limit:
            return True
        if self._learned is not None and self._clock() - self._at > self.HEEDED:
            self._learned = None
            self._suspect = self._times = 0
            self._conclude()
            return self.allows(size)
        return False
