"""Payload of a telemetry topic, in all of its forms -> columns (protocol section 7).

One set of rules for everyone who reads measurements. Columns stay columns: nothing here makes an
object for each sample of a batch, so that a batch of a thousand costs well below 1.5 microseconds
a sample.
"""

from __future__ import annotations

import sys

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, Columns, Sample
from pyros_mqtt.wire.json_text import MAX_NESTING, quick

LATEST = 9e12
"""POSIX seconds up to which microseconds are whole numbers of 64 bits."""

MOST_COUNT = 2**63
"""No count of messages goes that far."""

LARGEST = sys.float_info.max
"""Numbers beyond it are none that a double holds."""

_NUMBERS = {float, int}
_SCALARS = {float, int, bool, str, type(None)}


def decode_columns(payload: bytes, arrived: float) -> Columns:
    """Read a bare scalar, one sample, or a batch; `arrived` (POSIX seconds) times a scalar.

    Raises:
        BadPayload: it is none of them, or the columns of a batch differ in length.
    """
    try:
        body = quick(payload)
        if type(body) is not dict:
            return _bare(body, arrived)
        if "t0" in body or type(body.get("t")) is list:
            return _batch(body)
        return _single(body)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise BadPayload(f"not a measurement: {why}: {payload[:200]!r}") from None


def decode_samples(payload: bytes, arrived: float) -> list[Sample]:
    """Read the same as `decode_columns`, sample by sample.

    Raises:
        BadPayload: as `decode_columns`.
    """
    columns = decode_columns(payload, arrived)
    return [columns.sample(row) for row in range(len(columns))]


def _bare(value: JSON, arrived: float) -> Columns:
    if isinstance(value, list):
        raise TypeError("a list without times")
    _check(value)
    return Columns([arrived], [value], "bad" if value is None else "good", is_timed=False)


def _single(body: dict[str, JSON]) -> Columns:
    time, value = _moment(body["t"]), body["v"]
    values: list[JSON] | dict[str, list[JSON]] = [value]
    if type(value) is not float:
        _check(value)
        if type(value) is dict:
            values = {name: [one] for name, one in value.items()}
            if not values:
                raise ValueError("it has no fields")
    elif not -LARGEST <= value <= LARGEST:
        raise ValueError("a number that is too large")
    quality = _quality(body, 1)
    if value is None and quality == "good":
        quality = "bad"
    return _columns(body, [time], values, quality)


def _batch(body: dict[str, JSON]) -> Columns:
    values = body["v"]
    given = list(values.values()) if type(values) is dict else [values]
    kinds = [_checked_kinds(column) for column in given]
    if len(set(map(len, given))) != 1:
        raise ValueError("the columns differ in length, or there are none")
    count = len(given[0])
    quality = _quality(body, count)
    if values is given[0] and type(None) in kinds[0]:
        quality = _bad_where_missing(quality, values)
    if "t0" not in body:
        times = _moments(body["t"])
        if len(times) != count:
            raise ValueError(f"{len(times)} times for {count} values")
        return _columns(body, times, values, quality)
    start, step = _moment(body["t0"]), _moment(body["dt"])
    if not abs(start + step * count) < LATEST:
        raise ValueError(f"{start} and steps of {step} are no times")
    times = [start + step * row for row in range(count)]
    return _columns(body, times, values, quality, step)


def _columns(
    body: dict[str, JSON],
    times: list[float],
    values: list[JSON] | dict[str, list[JSON]],
    quality: str | list[str],
    step: float | None = None,
) -> Columns:
    seq, first = body.get("seq"), body.get("n")
    if seq is not None:
        _check_count(seq)
    if first is not None:
        _check_count(first)
    session = body.get("session")
    return Columns(
        times,
        values,
        quality,
        seq,
        seq if first is None else first,
        str(session) if session else "",
        bool(body.get("late")),
        step,
    )


def _quality(body: dict[str, JSON], count: int) -> str | list[str]:
    given = body.get("q")
    if given is None:
        return "good"
    if not isinstance(given, list):
        return str(given or "good")
    if len(given) != count:
        raise ValueError(f"{len(given)} qualities for {count} values")
    return list(map(str, given))


def _bad_where_missing(quality: str | list[str], values: list[JSON]) -> list[str]:
    """Call a lone null bad that is not told to be anything else."""
    told = [quality] * len(values) if isinstance(quality, str) else quality
    return [
        "bad" if value is None and one == "good" else one
        for one, value in zip(told, values, strict=True)
    ]


def _moment(value: JSON) -> float:
    if type(value) not in _NUMBERS or not -LATEST < value < LATEST:
        raise ValueError(f"{value!r:.80} is no time")
    return float(value)


def _moments(times: JSON) -> list[float]:
    if not isinstance(times, list) or not set(map(type, times)) <= _NUMBERS:
        raise TypeError("times are a list of numbers")
    if times and not (max(times) < LATEST and min(times) > -LATEST):
        raise ValueError("times beyond all calendars")
    return times if int not in set(map(type, times)) else list(map(float, times))


def _check_count(number: JSON) -> None:
    if type(number) is not int or not 0 <= number < MOST_COUNT:
        raise ValueError(f"{number!r:.80} is no count")


def _checked_kinds(column: JSON) -> set[type]:
    """Refuse what is no column of scalars, and numbers that no double holds; what is in it."""
    if not isinstance(column, list):
        raise TypeError("a column is a list")
    kinds = set(map(type, column))
    if not kinds <= _SCALARS:
        raise TypeError("a column holds scalars")
    numbers = column if kinds <= _NUMBERS else [one for one in column if type(one) in _NUMBERS]
    if numbers and not (max(numbers) <= LARGEST and min(numbers) >= -LARGEST):
        raise ValueError("a number that is too large")
    return kinds


def _check(value: JSON, depth: int = MAX_NESTING) -> None:
    """Refuse what cannot be written again: numbers that no double holds, and abysses."""
    if isinstance(value, (int, float)):
        if not abs(value) <= LARGEST:
            raise ValueError("a number that is too large")
    elif isinstance(value, (dict, list)):
        if depth == 0:
            raise ValueError(f"nested deeper than {MAX_NESTING}")
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth - 1)
