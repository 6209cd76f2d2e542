"""A simulated axis: it moves evenly from here to there, and works out its place when asked.

There is no thread and no tick, so a simulated device is as exact at 60 times the speed of the
real sky as at its own.
"""

from __future__ import annotations

from math import inf

from pyros_agents.astronomy.sky import SkyClock


class Axis:
    """One axis of a mount, a dome or a shutter. Not protected against threads: its owner is.

    Attributes:
        speed: units of place in a sky second; 0 makes the axis stick.
    """

    def __init__(
        self, clock: SkyClock, speed: float, place: float = 0.0, *, circle: bool = False
    ) -> None:
        """Stand at `place`; an axis that is a `circle` goes the shorter way, modulo 360."""
        self.speed = speed
        self._clock = clock
        self._circle = circle
        self._start = self._target = place
        self._left_at = clock.elapsed()

    @property
    def place(self) -> float:
        """Where the axis is now."""
        way = self._way(self._start, self._target)
        gone = max(self._clock.elapsed() - self._left_at, 0.0) * self.speed
        if gone >= abs(way):
            return self._target
        place = self._start + (gone if way > 0 else -gone)
        return place % 360.0 if self._circle else place

    @property
    def target(self) -> float:
        """Where the axis goes, or has arrived."""
        return self._target

    @property
    def is_moving(self) -> bool:
        """The target has not been reached; so it stays for an axis that sticks."""
        return self.place != self._target

    def seconds_to(self, target: float) -> float:
        """Tell how many sky seconds the way from here to `target` takes."""
        way = abs(self._way(self.place, target))
        return way / self.speed if self.speed else inf

    def go(self, target: float) -> None:
        """Start moving; returns at once."""
        self._start, self._target = self.place, target % 360.0 if self._circle else target
        self._left_at = self._clock.elapsed()

    def stop(self, place: float | None = None) -> None:
        """Stand still, here or at a place to which something else has carried the axis."""
        self._start = self._target = self.place if place is None else place

    def _way(self, start: float, target: float) -> float:
        """Measure the signed way between two places."""
        way = target - start
        return (way + 180.0) % 360.0 - 180.0 if self._circle else way
