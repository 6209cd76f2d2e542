"""Report by exception: whether a sample says anything new. Pure."""

from __future__ import annotations

import math

from pyros_mqtt.messages import JSON


class Deadband:
    """Lets a sample pass that differs enough from the last one that passed, or after a time.

    Nothing passes by itself: a sensor that is not read any more falls silent, so its readers see
    that. The refresh shows that one with a steady value is still read.

    Args:
        width: what a number has to differ by, more than this.
        refresh: seconds after which one passes anyway.
    """

    def __init__(self, width: float, refresh: float) -> None:
        self._width = width
        self._refresh = refresh
        self._last: tuple[JSON, str] | None = None
        self._passed_at = -math.inf

    def passes(self, value: JSON, quality: str, now: float) -> bool:
        """Say whether a sample is to be sent; `now` in monotonic seconds."""
        if now - self._passed_at < self._refresh and not self._is_news(value, quality):
            return False
        self._last, self._passed_at = (value, quality), now
        return True

    def _is_news(self, value: JSON, quality: str) -> bool:
        if self._last is None or quality != self._last[1]:
            return True
        return _differ(value, self._last[0], self._width)


def _differ(one: JSON, other: JSON, width: float) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return True
        return any(_differ(one[name], other[name], width) for name in one)
    if _is_number(one) and _is_number(other):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) != math.isnan(other)
        return one != other and not abs(one - other) <= width
    return type(one) is not type(other) or bool(one != other)


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
