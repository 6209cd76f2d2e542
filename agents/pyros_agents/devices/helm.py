"""Who steers a device: the last one to take the helm, and nobody before.

An urgent `park` runs beside the `goto` that it overtakes. When that one wakes up, its late orders
(start the slew, stop the slew that was cancelled) must not reach the mount any more.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Helm:
    """Passes orders on to a device one at a time; any thread may call."""

    def __init__(self) -> None:
        """Begin with nobody at the helm."""
        self._lock = Lock()
        self._turn = 0

    @property
    def turn(self) -> int:
        """The turn of whoever steers now."""
        return self._turn

    def take(self, order: Callable[[], None] | None = None) -> int:
        """Take over, and give a first order in the same breath; returns the turn to steer with."""
        with self._lock:
            self._turn += 1
            if order is not None:
                order()
            return self._turn

    def relieve(self, turn: int, order: Callable[[], None]) -> bool:
        """Take over from who has this turn, with an order; not from anybody who came later."""
        with self._lock:
            is_theirs = turn == self._turn
            if is_theirs:
                self._turn += 1
                order()
            return is_theirs

    def steer(self, turn: int, order: Callable[[], None]) -> bool:
        """Give an order, unless somebody has taken over since; tells whether it was given."""
        with self._lock:
            if turn == self._turn:
                order()
            return turn == self._turn
