"""Samples of one channel that wait to leave together. Pure."""

from __future__ import annotations

from pyros_mqtt.messages import JSON, Channel
from pyros_mqtt.telemetry.columns import Values

_NUMBER = 24
"""Bytes of a number in JSON, at most, with its comma."""

_TWO_NUMBERS = 2 * _NUMBER

_ENVELOPE = 120
"""Bytes of a message beside its columns."""


class Batch:
    """Collects by count, bytes and age."""

    def __init__(self, channel: Channel) -> None:
        self._most = channel.batch
        self._age = channel.batch_age
        self._room = channel.batch_bytes
        self._fields: tuple[str, ...] | None = None
        self._begin()

    def __len__(self) -> int:
        """How many samples wait."""
        return len(self.times)

    def add(self, moment: float, value: JSON, quality: str, now: float) -> bool:
        """Take a sample in; `now` in monotonic seconds.

        Returns:
            False: it is not in. Those that wait have to leave first, because they have other
            fields, or there is no room for one more.
        """
        kind = type(value)
        size = _TWO_NUMBERS if kind is float else _NUMBER + _size(value)
        fields = tuple(sorted(value)) if kind is dict else None
        if not self.times:
            self._fields, self._began = fields, now
        elif self._bytes + size > self._room or fields != self._fields:
            return False
        self.times.append(moment)
        self._values.append(value)
        self._qualities.append(quality)
        self._bytes += size
        return True

    def is_due(self, now: float) -> bool:
        """Say whether what waits is to leave: it is full, or old."""
        count = len(self.times)
        return count >= self._most or (count > 0 and now - self._began >= self._age)

    def take(self) -> tuple[list[float], Values, str | list[str]]:
        """Give times, values and quality of all that wait, which then waits no more."""
        times, rows, qualities = self.times, self._values, self._qualities
        fields = self._fields
        self._begin()
        values: Values = rows
        if fields is not None:
            values = {name: [row[name] for row in rows] for name in fields}
        first = qualities[0]
        return times, values, first if qualities.count(first) == len(qualities) else qualities

    def _begin(self) -> None:
        self.times: list[float] = []
        self._values: list[JSON] = []
        self._qualities: list[str] = []
        self._bytes = _ENVELOPE
        self._began = 0.0


def _size(value: JSON) -> int:
    if isinstance(value, str):
        return 3 + (len(value) if value.isascii() else 4 * len(value))
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return _NUMBER
