"""Conditions on a value as it is now: limits, certain values, set points."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from pyros_mqtt.alarms.findings import UNKNOWN, Finding, Sight, held, over
from pyros_mqtt.messages import JSON, Sample
from pyros_mqtt.settings.alarms_table import AlarmRule, source_of

Key = tuple[str, str]


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


class Measured(ABC):
    """What all of them share: which field of which channel, and its latest usable value."""

    def __init__(self, rule: AlarmRule) -> None:
        self.rule = rule
        agent, channel, self._field = source_of(rule.about)
        self._key = (agent, channel)
        self._held = False

    def resume(self, *, held: bool) -> None:
        """Know whether the condition held in an earlier life."""
        self._held = held

    def see(self, now: float, sight: Sight) -> None:
        """How the agent is does not matter."""
        del now, sight

    def hear(self, now: float, key: Key, sample: Sample, age: float) -> None:
        """Take a usable value: bad ones and nothing at all are no news of the thing measured."""
        value = field_of(sample.value, self._field)
        if key == self._key and value is not None and sample.quality != "bad":
            self.take(now - age, sample.time, value)

    @abstractmethod
    def take(self, now: float, moment: float, value: JSON) -> None:
        """Take in a value that was measured at `moment` by its agent's clock, at `now` by ours.

        Where nobody knows when that was, `now` is -inf and `moment` means nothing.
        """

    @abstractmethod
    def look(self, now: float, sighted: float) -> Finding:
        """Judge; `sighted` is since when everything can be heard without a gap."""

    def with_unit(self, value: JSON, per: str = "") -> str:
        """Write a value, or a change of it `per` something, for people."""
        unit = f" {self.rule.unit}{per}" if self.rule.unit else per and f" per {per[1:]}"
        return f"{amount(value)}{unit}"


class _Limits(Measured):
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
        words = f"is {self.with_unit(self._value)}, {self._side} {self.with_unit(limit)}"
        return held(self._value, limit, words)


class _Equals(Measured):
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


class _SetPoint(Measured):
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
        actual, wanted = self.with_unit(self._actual), self.with_unit(self._wanted)
        words = (
            f"is {actual}, {self.with_unit(apart)} away from its set point {wanted}; "
            f"allowed is {self.with_unit(self.rule.within)}"
        )
        return held(self._actual, self._wanted, words)


OF_VALUES: dict[str, type[Measured]] = {
    "limits": _Limits,
    "equals": _Equals,
    "set point": _SetPoint,
}
"""The condition of each such kind of rule."""
