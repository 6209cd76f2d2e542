"""Conditions on how a value goes on: rates of change, frozen, missing."""

from __future__ import annotations

import math
from collections import deque

from pyros_mqtt.alarms.findings import UNKNOWN, Finding, held, over
from pyros_mqtt.alarms.measured import Measured, number_of
from pyros_mqtt.messages import JSON
from pyros_mqtt.settings import AlarmRule

MOST_SAMPLES = 10_000
"""So many samples of a window are kept; a faster channel is judged over less."""


class _Rate(Measured):
    """Rising or falling too fast: the change over a window, per second."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        self._samples: deque[tuple[float, float]] = deque(maxlen=MOST_SAMPLES)
        self._rate: float | None = None

    def take(self, now: float, moment: float, value: JSON) -> None:
        number, window = number_of(value), self.rule.window
        if number is None or not math.isfinite(now):
            return
        if self._samples and not 0 < moment - self._samples[-1][0] <= 2 * window:
            if -window < moment - self._samples[-1][0] <= 0:
                return  # out of order
            self._samples.clear()  # a gap, or its clock was set: nothing is known of between
            self._rate = None
        self._samples.append((moment, number))
        while len(self._samples) > 1 and self._samples[1][0] <= moment - window:
            self._samples.popleft()
        began, first = self._samples[0]
        is_full = moment - began >= window or len(self._samples) == MOST_SAMPLES
        self._rate = (number - first) / (moment - began) if is_full else None
        if self._rate is not None:
            self._held = self._judge(self._rate)

    def _judge(self, rate: float) -> bool:
        rule, band = self.rule, self.rule.dead_band if self._held else 0.0
        rises = rule.rises is not None and rate > rule.rises - band
        return rises or (rule.falls is not None and rate < band - rule.falls)

    def look(self, now: float, sighted: float) -> Finding:
        del now, sighted
        if self._rate is None:
            return UNKNOWN
        is_up = self._rate > 0
        limit = self.rule.rises if is_up else self.rule.falls
        if not self._held:
            return over(self._rate, limit)
        way = "rises" if is_up else "falls"
        words = f"{way} by {self.with_unit(abs(self._rate), '/s')}"
        if limit is not None:
            words += f", faster than {self.with_unit(limit, '/s')}"
        return held(self._rate, limit, words)


class _Frozen(Measured):
    """News comes, and always says the same. Without news it is missing, which is another rule."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        self._value: JSON = None
        self._same_since = math.nan
        self._latest = -math.inf
        self._has_changed = False
        self._sighted = -math.inf

    def take(self, now: float, moment: float, value: JSON) -> None:
        del moment
        if self._value is None:
            self._value, self._same_since = value, now
        elif not self._is_same(value):
            self._value, self._same_since, self._has_changed = value, now, True
        self._latest = max(self._latest, now)

    def _is_same(self, value: JSON) -> bool:
        one, other = number_of(value), number_of(self._value)
        if one is None or other is None:
            return bool(value == self._value)
        return abs(one - other) <= self.rule.tolerance

    def look(self, now: float, sighted: float) -> Finding:
        del now
        if sighted > self._sighted:
            self._sighted, self._has_changed = sighted, False
        if self._value is None:
            return UNKNOWN
        # what was before a gap may have changed in it: only what is heard counts
        since = max(self._same_since, sighted)
        stood = self._latest - since
        if stood < (self.rule.frozen or 0.0):
            return over(self._value, None) if self._has_changed else UNKNOWN
        words = f"is frozen at {self.with_unit(self._value)} for {stood:.0f} s, though news comes"
        return held(self._value, None, words, since)  # the limit is a time, and no such value


class _Missing(Measured):
    """No usable value has come for some time."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        self._latest = -math.inf
        self._value: JSON = None

    def take(self, now: float, moment: float, value: JSON) -> None:
        del moment
        if now >= self._latest:
            self._latest, self._value = now, value

    def look(self, now: float, sighted: float) -> Finding:
        longest = self.rule.missing or 0.0
        if now - self._latest <= longest:
            return over(self._value, None)
        if now - sighted <= longest:
            return UNKNOWN  # nobody could have told us before
        last = f"; it was {self.with_unit(self._value)}" if self._value is not None else ""
        words = f"has been without a usable value for more than {longest:g} s{last}"
        since = self._latest if self._latest > -math.inf else sighted
        return held(self._value, None, words, since)


OF_COURSES: dict[str, type[Measured]] = {
    "rate": _Rate,
    "frozen": _Frozen,
    "missing": _Missing,
}
"""The condition of each such kind of rule."""
