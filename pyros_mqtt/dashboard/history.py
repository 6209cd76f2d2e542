"""What was measured before: the seam to an archive, and a bounded memory for want of one."""

from __future__ import annotations

import bisect
import threading
from array import array
from collections.abc import Iterable
from typing import Protocol

from pyros_mqtt.dashboard.measures import BARE, Reading
from pyros_mqtt.messages import JSON, Sample

BUDGET = 3_000_000
"""Numbers of all series together, 16 bytes each with its time."""

LONGEST = 43_200
"""Numbers of one series: twelve hours at one a second."""

MOST_SERIES = 20_000
SHORTEST = 64

Key = tuple[str, str, str]
"""Agent, channel and field."""


class History(Protocol):
    """Where earlier measurements come from; an archive keeps this, too.

    It is asked in worker threads, several at a time.
    """

    def read(
        self, agent: str, channel: str, start: float, stop: float, *, every: float | None = None
    ) -> Iterable[Sample]:
        """Give the samples from `start` to `stop` (POSIX seconds), the earliest first.

        With `every` (seconds), one sample for each such span is enough.
        """


class Track:
    """One series as a ring: times and values. The owner's lock is held by every caller."""

    __slots__ = ("_start", "capacity", "count", "times", "values")

    def __init__(self) -> None:
        self.capacity = SHORTEST
        self.count = 0
        """How many were ever added; a reader remembers it, and asks for what came after."""
        self._start = 0
        self.times = array("d")
        self.values = array("d")

    def add(self, time: float, value: float) -> None:
        """Add the newest; the oldest goes where it is full."""
        self.count += 1
        if len(self.times) < self.capacity:
            self.times.append(time)
            self.values.append(value)
            return
        self.times[self._start] = time
        self.values[self._start] = value
        self._start = (self._start + 1) % self.capacity

    @property
    def may_grow(self) -> bool:
        """It is full for the first time, so that it can simply be made longer."""
        return self._start == 0 and len(self.times) == self.capacity < LONGEST

    def after(self, count: int) -> tuple[list[float], list[float]]:
        """What was added after the first `count`, as far as it is still here."""
        length = len(self.times)
        fresh = min(self.count - count, length)
        places = [(self._start + length - fresh + i) % length for i in range(fresh)]
        return [self.times[i] for i in places], [self.values[i] for i in places]

    def whole(self) -> tuple[list[float], list[float]]:
        """All, in the order in which they came."""
        start = self._start
        times, values = self.times, self.values
        return (
            times[start:].tolist() + times[:start].tolist(),
            values[start:].tolist() + values[:start].tolist(),
        )


class MemoryHistory:
    """The last hours in memory; every method is for any thread.

    The first hours belong to every series alike; when `BUDGET` is spent, each keeps the length that
    it has.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._lock = threading.Lock()
        self._left = budget
        self._tracks: dict[Key, Track] = {}

    def note(self, agent: str, channel: str, readings: list[Reading]) -> None:
        """Keep what was measured."""
        with self._lock:
            for reading in readings:
                for field, number in reading.numbers.items():
                    track = self._track((agent, channel, field))
                    if track is not None:
                        track.add(reading.time, number)

    def mark(self, key: Key) -> int:
        """Where a series is now, for `after`."""
        with self._lock:
            track = self._tracks.get(key)
            return 0 if track is None else track.count

    def after(self, key: Key, mark: int) -> tuple[int, list[float], list[float]]:
        """The new mark, times and values that came after `mark`."""
        with self._lock:
            track = self._tracks.get(key)
            if track is None or track.count == mark:
                return mark, [], []
            return (track.count, *track.after(mark))

    def series(self) -> list[Key]:
        """Every series that has numbers."""
        with self._lock:
            return sorted(self._tracks)

    def read(
        self, agent: str, channel: str, start: float, stop: float, *, every: float | None = None
    ) -> Iterable[Sample]:
        """Give what is kept of one channel; all of its fields, joined by their times."""
        del every  # what is in memory is read as fast as it is thinned
        rows: dict[float, dict[str, float]] = {}
        with self._lock:
            found = [
                (key[2], *track.whole())
                for key, track in self._tracks.items()
                if key[:2] == (agent, channel)
            ]
        for field, times, values in found:
            for time, value in zip(times, values, strict=True):
                if start <= time <= stop:
                    rows.setdefault(time, {})[field] = value
        return [Sample(time, _value(rows[time])) for time in sorted(rows)]

    def _track(self, key: Key) -> Track | None:
        track = self._tracks.get(key)
        if track is None:
            if len(self._tracks) >= MOST_SERIES:
                return None
            track = self._tracks[key] = Track()
            self._left -= track.capacity
        elif track.may_grow and self._left >= track.capacity:
            self._left -= track.capacity
            track.capacity = min(2 * track.capacity, LONGEST)
        return track


def _value(row: dict[str, float]) -> JSON:
    return row.get(BARE, row)


def column(samples: Iterable[Sample], field: str) -> tuple[list[float], list[float]]:
    """Take one field's numbers out of samples."""
    times: list[float] = []
    values: list[float] = []
    for sample in samples:
        value = sample.value.get(field) if isinstance(sample.value, dict) else sample.value
        if isinstance(value, (int, float)) and isinstance(sample.value, dict) == bool(field):
            times.append(sample.time)
            values.append(float(value))
    return times, values


def thinned(
    times: list[float], values: list[float], points: int
) -> tuple[list[float], list[float]]:
    """Keep the least and the greatest of each span, so that no spike is lost; times ascend."""
    if len(times) <= points:
        return times, values
    start, width = times[0], (times[-1] - times[0]) / (points // 2) or 1.0
    kept: list[int] = []
    low = 0
    while low < len(times):
        end = start + width * (int((times[low] - start) / width) + 1)
        high = max(bisect.bisect_left(times, end, low), low + 1)
        span = range(low, high)
        least, most = min(span, key=values.__getitem__), max(span, key=values.__getitem__)
        kept += sorted({least, most})
        low = high
    return [times[i] for i in kept], [values[i] for i in kept]
