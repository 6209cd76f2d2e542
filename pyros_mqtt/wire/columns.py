"""A telemetry payload as columns: what a recorder keeps, read without a shape for each sample."""

from __future__ import annotations

import json
import math
from array import array
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON
from pyros_mqtt.wire.json_text import MAX_NESTING

Column: TypeAlias = "array[float] | list[JSON]"
"""Numbers as doubles, with NaN for a missing one; anything else as it came."""

LATEST = 9e12
"""POSIX seconds up to which microseconds are whole numbers of 64 bits."""

MOST_COUNT = 2**63
"""No count of messages goes that far."""

_NUMBERS = {float, int}
_NUMBERS_OR_NONE = {float, int, type(None)}


@dataclass(slots=True)
class Columns:
    """The samples of one message, a column a field; a channel without fields has the one `""`.

    Attributes:
        times: POSIX seconds of each sample; of the first and only the start where `step` is set.
        step: seconds between two samples of a steady rate.
        is_timed: the times are the message's own, not those of its arrival.
        columns: of equal length.
        quality: `good`, `uncertain` or `bad`, for all of them or for each.
        seq: counts the messages of a channel in a session.
        ahead: how many samples came before these in the session, where that is not `seq`.
        session: the life of the agent, where the message tells it.
    """

    times: array[float]
    columns: dict[str, Column]
    step: float | None = None
    is_timed: bool = True
    quality: str | list[str] = "good"
    seq: int | None = None
    ahead: int | None = None
    session: str = ""
    late: bool = False

    def __len__(self) -> int:
        """How many samples there are."""
        return len(next(iter(self.columns.values()))) if self.columns else 0


class Number(NamedTuple):
    """The most frequent message of all: one number with its time."""

    time: float
    value: float
    quality: str
    seq: int | None
    ahead: int | None
    session: str
    late: bool


def decode_columns(payload: bytes, arrived: float) -> Columns | Number:
    """Read a bare scalar, one sample, or a batch; `arrived` (POSIX seconds) times a scalar.

    Returns:
        `Number` for a single number with a time, which takes half as long; else `Columns`.

    Raises:
        BadPayload: it is none of them, or the columns of a batch differ in length.
    """
    try:
        body = _decoder.decode(payload.decode())
        if isinstance(body, dict):
            if (number := _number(body)) is not None:
                return number
            return _batch(body) if _is_batch(body) else _single(body)
        if isinstance(body, list):
            raise TypeError("a list without times")  # noqa: TRY301 - told like the others
        return Columns(array("d", (arrived,)), {"": _one(body)}, is_timed=False)
    except RecursionError:
        raise BadPayload(f"not a measurement: nested too deeply: {payload[:200]!r}") from None
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise BadPayload(f"not a measurement: {error}: {payload[:200]!r}") from None


def _number(body: dict[str, JSON]) -> Number | None:
    """Read the simplest form; None where it is another."""
    time, value, seq = body.get("t"), body.get("v"), body.get("seq")
    if type(time) is not float or type(value) is not float:
        return None
    if not (-LATEST < time < LATEST and -math.inf < value < math.inf):
        raise ValueError(f"{value} at {time} is too large for a number")
    ahead, quality = _count(body.get("n")), str(body.get("q") or "good")
    session = str(body.get("session") or "")
    return Number(time, value, quality, _count(seq), ahead, session, bool(body.get("late")))


def _is_batch(body: dict[str, JSON]) -> bool:
    return "t0" in body or isinstance(body.get("t"), list)


def _single(body: dict[str, JSON]) -> Columns:
    time, value = float(body["t"]), body["v"]
    if not abs(time) < LATEST:
        raise ValueError(f"{time} is no time")
    if isinstance(value, dict):
        columns = {str(name): _one(item) for name, item in value.items()}
        if not columns:
            raise ValueError("no fields")
    else:
        columns = {"": _one(value)}
    return _told(Columns(array("d", (time,)), columns), body, missing=value is None)


def _batch(body: dict[str, JSON]) -> Columns:
    values = body["v"]
    given = values if isinstance(values, dict) else {"": values}
    columns = {str(name): _column(column) for name, column in given.items()}
    if len({len(column) for column in columns.values()}) != 1:
        raise ValueError("the columns differ in length, or there are none")
    count = len(next(iter(columns.values())))
    if "t0" in body:
        start, step = float(body["t0"]), float(body["dt"])
        if not (abs(start) < LATEST and abs(start + step * count) < LATEST):
            raise ValueError(f"{start} and steps of {step} are no times")
        return _told(Columns(array("d", (start,)), columns, step=step), body)
    times = array("d", body["t"])
    if len(times) != count:
        raise ValueError(f"{len(times)} times for {count} values")
    if times and not (max(times) < LATEST and min(times) > -LATEST and not math.isnan(sum(times))):
        raise ValueError("times beyond all calendars")
    return _told(Columns(times, columns), body)


def _told(columns: Columns, body: dict[str, JSON], *, missing: bool = False) -> Columns:
    quality = body.get("q") or ("bad" if missing else "good")
    columns.quality = list(map(str, quality)) if isinstance(quality, list) else str(quality)
    if isinstance(quality, list) and len(quality) != len(columns):
        raise ValueError("there are not as many qualities as values")
    columns.seq, columns.ahead = _count(body.get("seq")), _count(body.get("n"))
    columns.session = str(body.get("session") or "")
    columns.late = bool(body.get("late"))
    return columns


def _count(number: JSON) -> int | None:
    if number is not None and (type(number) is not int or not 0 <= number < MOST_COUNT):
        raise ValueError(f"{number} is no count")
    return number


def _one(value: JSON) -> Column:
    kind = type(value)
    if kind in _NUMBERS:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{value} is too large for a number")
        return array("d", (number,))
    return array("d", (math.nan,)) if value is None else _other([value])


def _column(values: JSON) -> Column:
    if not isinstance(values, list):
        raise TypeError("a column is a list")
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        column = array("d", values)
    elif kinds <= _NUMBERS_OR_NONE:
        column = array("d", (math.nan if value is None else value for value in values))
    else:
        return _other(values)
    if math.inf in column or -math.inf in column:
        raise ValueError("a number that is too large")
    return column


def _other(values: list[JSON]) -> list[JSON]:
    """Texts, booleans and what else JSON can say, as far as it can be written again."""
    for value in values:
        _check(value, MAX_NESTING)
    return values


def _check(value: JSON, depth: int) -> None:
    if isinstance(value, str):
        value.encode()  # a lone surrogate raises a ValueError
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is too large")
    elif isinstance(value, (dict, list)):
        if depth == 0:
            raise ValueError(f"nested deeper than {MAX_NESTING}")
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(item, depth - 1)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not a number in JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)
