"""What others have said and may have taken back unheard: pure bookkeeping, no clock of its own.

A broker repeats what it keeps, and not that something was taken away. So what is known when a
connection breaks is doubted until it is said again; what nobody says again is over.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Generic, TypeVar

GRACE = 15.0
"""Seconds after a reconnection within which the broker, or whoever it concerns, has spoken."""

Key = TypeVar("Key", bound=Hashable)


class Hearsay(Generic[Key]):
    """Knows what was said when, and what is over since an outage. For one thread.

    All moments are seconds of one clock, which never goes back. While there is no connection
    nothing is over: no news is no all-clear.
    """

    def __init__(self) -> None:
        self._said: dict[Key, float] = {}
        self._lost_at = -math.inf
        self._up_since = math.inf

    def hear(self, key: Key, now: float) -> None:
        """It was said, or said again."""
        self._said[key] = now

    def forget(self, key: Key) -> None:
        """It was taken back."""
        self._said.pop(key, None)

    def lose(self, now: float) -> None:
        """The connection is lost: everything is doubted."""
        self._lost_at, self._up_since = now, math.inf

    def regain(self, now: float) -> None:
        """The connection stands again."""
        self._up_since = now

    def doubts(self, key: Key) -> bool:
        """Whether nobody has said it again since the connection was lost."""
        return self._said.get(key, math.inf) < self._lost_at

    def over(self, now: float) -> list[Key]:
        """Take out what has not been said again within `GRACE`; cheap where nothing is doubted."""
        if self._lost_at == -math.inf or now - self._up_since <= GRACE:
            return []
        gone = [key for key in self._said if self.doubts(key)]
        for key in gone:
            del self._said[key]
        self._lost_at = -math.inf
        return gone
