"""Where messages wait while they cannot be sent. Bounded; pure."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field


@dataclass(slots=True, order=True)
class Place:
    """A place on the shelf; `load` is None once it has been left."""

    order: int
    turn: int
    load: Load | None = field(compare=False)


@dataclass(slots=True, eq=False)
class Load:
    """One message of a channel: `order` is its place among all messages of the agent.

    `is_doubtful`: it was on its way when a connection broke, so a broker may have it already.
    """

    order: int
    topic: str
    payload: bytes
    samples: int
    qos: int = 0
    retain: bool = False
    is_late: bool = False
    is_doubtful: bool = False
    place: Place | None = field(default=None, init=False)
    """Where it waits; None: it does not."""


class Shelf:
    """Keeps the newest messages within bounds, and gives them back in their order.

    A doubtful one is never dropped, since it may have arrived: then it would count as delivered
    and as dropped. There are never more of them than a link has in flight.

    Args:
        samples: how many samples are kept.
        size: how many bytes of payload are kept.
    """

    def __init__(self, samples: int, size: int) -> None:
        self._most_samples = samples
        self._most_bytes = size
        self._plain: list[Place] = []
        self._doubtful: list[Place] = []
        self._turns = itertools.count()
        self._count = 0
        self.samples = 0
        self._bytes = 0

    def __len__(self) -> int:
        """How many messages wait."""
        return self._count

    def put(self, load: Load) -> int:
        """Let a message wait.

        Returns:
            How many samples were dropped, the oldest first, to make room.
        """
        load.place = Place(load.order, next(self._turns), load)
        heapq.heappush(self._doubtful if load.is_doubtful else self._plain, load.place)
        self._add(load, 1)
        return self._trim()

    def take(self) -> Load | None:
        """Give back the oldest message; None where there is none."""
        oldest = [load for load in map(_first, (self._plain, self._doubtful)) if load]
        if not oldest:
            return None
        load = min(oldest, key=lambda one: one.order)
        self.withdraw(load)
        return load

    def withdraw(self, load: Load) -> None:
        """Give back this message, which waits here, before its turn."""
        if load.place is not None:
            load.place.load = None
            load.place = None
            self._add(load, -1)

    def clear(self) -> tuple[int, int]:
        """Drop all that waits.

        Returns:
            How many samples are dropped for certain, and how many may have arrived.
        """
        doubtful = sum(place.load.samples for place in self._doubtful if place.load)
        certain = self.samples - doubtful
        self._plain, self._doubtful = [], []
        self._count = self.samples = self._bytes = 0
        return certain, doubtful

    def _trim(self) -> int:
        dropped = 0
        while self.samples > self._most_samples or self._bytes > self._most_bytes:
            load = _first(self._plain)
            if load is None:
                break
            self.withdraw(load)
            dropped += load.samples
        return dropped

    def _add(self, load: Load, sign: int) -> None:
        self._count += sign
        self.samples += sign * load.samples
        self._bytes += sign * len(load.payload)


def _first(heap: list[Place]) -> Load | None:
    """Give the oldest that waits in a heap, past the places that were left."""
    while heap and heap[0].load is None:
        heapq.heappop(heap)
    return heap[0].load if heap else None
