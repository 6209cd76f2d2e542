"""What comes on a telemetry topic, as numbers by field; the one place that reads it here."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pyros_mqtt import wire
from pyros_mqtt.messages import ALLOWED_SKEW, Sample

MOST_FIELDS = 64
LONGEST = 64
"""Of a field's name, and of a text that is shown as a value."""

FUTURE = 3600.0
PAST = 30 * 86_400.0
"""A time further away than this comes from a device without a clock: ours stands for it."""

BARE = ""
"""The field of a channel that has none."""


class Reading(NamedTuple):
    """One measurement: POSIX seconds, what is shown of it, and its numbers by field.

    `age`: seconds since then if the broker had kept it; infinite where it does not tell.
    """

    time: float
    shown: Any
    numbers: dict[str, float]
    quality: str
    age: float = 0.0


def read(payload: bytes, arrived: float, skew: float = ALLOWED_SKEW) -> list[Reading]:
    """Read every form of protocol section 7; a batch gives as many readings as it has rows.

    Clocks may differ by `skew` seconds.

    Raises:
        BadPayload: it is no measurement.
    """
    columns = wire.decode_columns(payload, arrived)
    return [
        _reading(columns.sample(row), arrived, columns.age(arrived, row, skew=skew))
        for row in range(len(columns))
    ]


def _reading(sample: Sample, arrived: float, age: float) -> Reading:
    time = sample.time
    is_plausible = math.isfinite(time) and arrived - PAST < time < arrived + FUTURE
    moment, age = (time, age) if is_plausible else (arrived, math.inf)
    return Reading(moment, *_parts(sample.value), sample.quality, age)


def _parts(value: Any) -> tuple[Any, dict[str, float]]:
    if not isinstance(value, dict):
        number = _number(value)
        return _short(value), {} if number is None else {BARE: number}
    shown: dict[str, Any] = {}
    numbers: dict[str, float] = {}
    for key, one in list(value.items())[:MOST_FIELDS]:
        name = str(key)[:LONGEST]
        shown[name] = _short(one)
        number = _number(one)
        if number is not None:
            numbers[name] = number
    return shown, numbers


def _number(value: Any) -> float | None:
    """A number as a float; booleans are 0 and 1."""
    return float(value) if isinstance(value, (int, float)) else None


def _short(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else wire.compact(value)
    return text if len(text) <= LONGEST * 4 else text[: LONGEST * 4 - 1] + "\u2026"
