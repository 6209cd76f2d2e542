"""Conditions on what is measured: limits, values, rates, frozen, missing, set points."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from pyros_mqtt.alarms.findings import UNKNOWN, Finding, Sight, held, over
from pyros_mqtt.messages import JSON, Sample
from pyros_mqtt.settings.alarms_table import AlarmRule, source_of

Key = tuple[str, str]

MOST_SAMPLES = 10_000
"""So many samples of a window are kept; a faster channel is judged over less."""


def field_of(value: JSON, field: str) -> JSON:
    """Take a field out of a value; None where there is none."""
    if not field:
        return value
    return value.get(field) if isinstance(value, dict) else None


def number_of(value: JSON) -> float | None:
    """Take a value for a number; None where it is none. True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def amount(value: JSON) -> str:
    """Write a value for people."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class _Measured:
    """What all of them share: which field of which channel, and its latest usable value."""

    def __init__(self, rule: AlarmRule) -> None:
        self.rule = rule
        agent, channel, self._field = source_of(rule.about)
        self._key = (agent, channel)
        self._held = False

    def resume(self, *, held: bool) -> None:
        self._held = held

    def see(self, now: float, sight: Sight) -> None:
        del now, sight

    def hear(self, now: float, key: Key, sample: Sample, age: float) -> None:
        """Take a usable value: bad ones and nothing at all are no news of the thing measured."""
        value = field_of(sample.value, self._field)
        if key == self._key and value is not None and sample.quality != "bad":
            self.take(now - age, sample.time, value)

    def take(self, now: float, moment: float, value: JSON) -> None:
        """Take in a value that was measured at `moment` by its agent's clock."""
        raise NotImplementedError

    def _with_unit(self, value: JSON, per: str = "") -> str:
        unit = f" {self.rule.unit}{per}" if self.rule.unit else per and f" per {per[1:]}"
        return f"{amount(value)}{unit}"


class _Limits(_Measured):
    """Above or below a limit; over again when it is a dead band away from it."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        self._value: float | None = None
        self._side: str = ""

    def take(self, now: float, moment: float, value: JSON) -> None:
        del now, moment
        number = number_of(value)
        if number is not None:
            self._value = number
            self._side = self._judge(number)
            self._held = bool(self._side)

    def _judge(self, value: float) -> str:
        rule = self.rule
        high, low = rule.above, rule.below
        band_above = rule.dead_band if self._held and self._side != "below" else 0.0
        band_below = rule.dead_band if self._held and self._side != "above" else 0.0
        if high is not None and value > high - band_above:
            return "above"
        if low is not None and value < low + band_below:
            return "below"
        return ""

    def look(self, now: float, sighted: float) -> Finding:
        del now, sighted
        if self._value is None:
            return UNKNOWN
        limit = self.rule.below if self._side == "below" else self.rule.above
        if not self._side:
            return over(self._value, limit)
        words = f"is {self._with_unit(self._value)}, {self._side} {self._with_unit(limit)}"
        return held(self._value, limit, words)


class _Equals(_Measured):
    """One of some values."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        self._value: JSON = None

    def take(self, now: float, moment: float, value: JSON) -> None:
        del now, moment
        self._value = value

    def look(self, now: float, sighted: float) -> Finding:
        del now, sighted
        if self._value is None:
            return UNKNOWN
        wanted = self.rule.equals or ()
        # JSON tells true from 1, Python does not
        holds = any(
            one == self._value and isinstance(one, bool) == isinstance(self._value, bool)
            for one in wanted
        )
        if not holds:
            return over(self._value, list(wanted))
        value = str(self._value).lower() if isinstance(self._value, bool) else amount(self._value)
        return held(self._value, list(wanted), f"is {value}")


class _Rate(_Measured):
    """Rising or falling too fast: the change over a window, per second."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        self._samples: deque[tuple[float, float]] = deque(maxlen=MOST_SAMPLES)
        self._rate: float | None = None

    def take(self, now: float, moment: float, value: JSON) -> None:
        del now
        number, window = number_of(value), self.rule.window
        if number is None:
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
        words = f"{way} by {self._with_unit(abs(self._rate), '/s')}"
        if limit is not None:
            words += f", faster than {self._with_unit(limit, '/s')}"
        return held(self._rate, limit, words)


class _Frozen(_Measured):
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
            return over(self._value, self.rule.frozen) if self._has_changed else UNKNOWN
        words = f"is frozen at {self._with_unit(self._value)} for {stood:.0f} s, though news comes"
        return held(self._value, self.rule.frozen, words, since)


class _Missing(_Measured):
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
            return over(self._value, longest)
        if now - sighted <= longest:
            return UNKNOWN  # nobody could have told us before
        last = f"; it was {self._with_unit(self._value)}" if self._value is not None else ""
        words = f"has been without a usable value for more than {longest:g} s{last}"
        since = self._latest if self._latest > -math.inf else sighted
        return held(self._value, longest, words, since)


class _SetPoint(_Measured):
    """What is read back is not what was asked for; with `wraps`, on a circle."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        agent, channel, self._wanted_field = source_of(rule.set_point or "")
        self._wanted_key = (agent, channel)
        self._wanted: float | None = None
        self._actual: float | None = None

    def hear(self, now: float, key: Key, sample: Sample, age: float) -> None:
        if key == self._wanted_key and sample.quality != "bad":
            wanted = number_of(field_of(sample.value, self._wanted_field))
            self._wanted = self._wanted if wanted is None else wanted
        super().hear(now, key, sample, age)
        distance = self._distance()
        if distance is not None:
            band = self.rule.dead_band if self._held else 0.0
            self._held = distance > (self.rule.within or 0.0) - band

    def take(self, now: float, moment: float, value: JSON) -> None:
        del now, moment
        number = number_of(value)
        self._actual = self._actual if number is None else number

    def _distance(self) -> float | None:
        if self._wanted is None or self._actual is None:
            return None
        apart = abs(self._actual - self._wanted)
        if self.rule.wraps:
            apart %= self.rule.wraps
            apart = min(apart, self.rule.wraps - apart)
        return apart

    def look(self, now: float, sighted: float) -> Finding:
        del now, sighted
        apart = self._distance()
        if apart is None:
            return UNKNOWN
        if not self._held:
            return over(self._actual, self._wanted)
        actual, wanted = self._with_unit(self._actual), self._with_unit(self._wanted)
        words = (
            f"is {actual}, {self._with_unit(apart)} away from its set point {wanted}; "
            f"allowed is {self._with_unit(self.rule.within)}"
        )
        return held(self._actual, self._wanted, words)


OF_CHANNELS: dict[str, Any] = {
    "limits": _Limits,
    "equals": _Equals,
    "rate": _Rate,
    "frozen": _Frozen,
    "missing": _Missing,
    "set point": _SetPoint,
}
"""The condition of each kind of rule about a channel."""
