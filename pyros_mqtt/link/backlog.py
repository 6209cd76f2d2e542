"""What waits for the broker, and what the broker has not acknowledged yet. Pure, but locked."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from pyros_mqtt.transport import Fate, OnFate, Parcel

WINDOW = 100
"""Parcels in flight at once: paho scans them all at each acknowledgement, so few is fast."""

LIMIT = 10_000
"""Parcels that may wait; past it the newest is dropped, and its owner is told."""


@dataclass(slots=True)
class Item:
    """One parcel and who wants to hear of its fate."""

    parcel: Parcel
    on_fate: OnFate | None = None

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
        self._window = window
        self._cautious = False

    def __len__(self) -> int:
        """Parcels that wait or fly."""
        return len(self._waiting) + len(self._flying)

    def put(self, item: Item) -> bool:
        """Queue an item; False where the backlog is full."""
        with self._lock:
            if len(self._waiting) >= self._limit:
                return False
            self._waiting.append(item)
            return True

    def take(self) -> Item | None:
        """The next item to send, or None: nothing waits, or the window is full."""
        if len(self._flying) >= (1 if self._cautious else self._window):
            return None
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def fly(self, mid: int, item: Item) -> None:
        """Remember an item that was sent with QoS 1 as packet `mid`."""
        self._flying[mid] = item

    def land(self, mid: int, fate: str) -> None:
        """The broker has acknowledged packet `mid`."""
        self._cautious = False
        item = self._flying.pop(mid, None)
        if item is not None:
            item.settle(fate)

    def lose(self) -> list[Item]:
        """The connection is gone: keep what is to be kept, in its order; return the rest."""
        flown = list(self._flying.values())
        self._flying.clear()
        self._cautious = bool(flown)
        with self._lock:
            everything = [*flown, *self._waiting]
            self._waiting = deque(item for item in everything if item.parcel.keep)
        return [item for item in everything if not item.parcel.keep]

    def clear(self) -> None:
        """The end: whatever is left is dropped."""
        for item in [*self._flying.values(), *self._waiting]:
            item.settle(Fate.DROPPED)
        self._flying.clear()
        self._waiting.clear()


class SizeLesson:
    """Learns a broker's packet limit where the broker does not tell it (MQTT 3.1.1).

    A broker that gets too large a packet breaks the connection; sent again for ever, that packet
    would block everything behind it. Twice the same suspect is one too many: larger ones are
    refused from then on, until the link is made anew.
    """

    SUSPECT = 4096
    """No broker's limit is below this (bytes)."""

    def __init__(self) -> None:
        self.limit: int | None = None
        self._unheard = 0
        self._last_suspect = 0

    def told(self, limit: int | None) -> None:
        """The broker told its limit in bytes when it took the connection."""
        if limit is not None:
            self.limit = limit

    def wrote(self, size: int) -> None:
        """A packet of about `size` bytes has been written."""
        self._unheard = max(self._unheard, size)

    def heard(self) -> None:
        """The broker has answered something since: it did not choke."""
        if self._unheard >= self._last_suspect:
            self._last_suspect = 0
        self._unheard = 0

    def lost(self) -> None:
        """The broker broke the connection."""
        suspect, self._unheard = self._unheard, 0
        if suspect < self.SUSPECT:
            return
        if self._last_suspect:
            self.limit = min(suspect, self._last_suspect) - 1
        self._last_suspect = suspect

    def allows(self, size: int) -> bool:
        """Say whether a packet of about `size` bytes may be sent."""
        return self.limit is None or size <= self.limit
