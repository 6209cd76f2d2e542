"""What an author hands over, as plain values and columns; NumPy's arrays without NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyros_mqtt.dispatch import plain
from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import JSON

Values = list[JSON] | dict[str, list[JSON]]

SCALARS = frozenset({float, int, bool, str, type(None)})


def scalar(channel: str, value: Any) -> JSON:
    """Give the value of one sample: a scalar, or a dict of fields.

    Raises:
        AgentError: it is a list or an array, which needs times.
    """
    if type(value) in SCALARS:
        return value
    if isinstance(value, Mapping):
        fields = dict(value)
        known = all(type(one) in SCALARS for one in fields.values())
        return fields if known else _plain_fields(channel, fields)
    if isinstance(value, list | tuple) or getattr(value, "ndim", None):
        raise AgentError(
            f"telemetry({channel!r}, ...): {len(value)} values need times: t0= and dt=, or "
            "time= with one for each"
        )
    return _plain(channel, value)


def columns(channel: str, values: Any) -> Values:
    """Give a batch: a list of scalars, or a dict of such lists, all of one length.

    Raises:
        AgentError: it is neither.
    """
    if isinstance(values, Mapping):
        fields = {str(name): _column(channel, one) for name, one in values.items()}
        if len({len(one) for one in fields.values()}) != 1:
            raise AgentError(f"telemetry({channel!r}, ...): the columns differ in length")
        return fields
    return _column(channel, values)


def length(values: Values) -> int:
    """How many samples a batch has."""
    return len(next(iter(values.values()))) if isinstance(values, dict) else len(values)


def part(values: Values, start: int, end: int) -> Values:
    """Some rows of a batch."""
    if isinstance(values, dict):
        return {name: one[start:end] for name, one in values.items()}
    return values[start:end]


def pieces(count: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut `count` rows into pieces of `most` at most."""
    for start in range(0, count, most):
        yield start, min(start + most, count)


def _column(channel: str, values: Any) -> list[JSON]:
    is_text = isinstance(values, str | bytes)
    if is_text or getattr(values, "ndim", None) not in {None, 1} or not hasattr(values, "__len__"):
        raise AgentError(
            f"telemetry({channel!r}, ...): a batch is a list or a one-dimensional array of "
            f"scalars, not {values!r:.100}"
        )
    column: list[JSON] = values.tolist() if hasattr(values, "tolist") else list(values)
    if not set(map(type, column)) <= SCALARS:
        column = [_plain(channel, one) for one in column]
        if not set(map(type, column)) <= SCALARS:
            raise AgentError(f"telemetry({channel!r}, ...): a batch holds scalars only")
    return column


def _plain_fields(channel: str, fields: dict[Any, Any]) -> dict[str, JSON]:
    return {str(name): _plain(channel, one) for name, one in fields.items()}


def _plain(channel: str, value: Any) -> JSON:
    """Give the plain form of a NumPy scalar, a date, an enumeration and the like."""
    if type(value) in SCALARS:
        return value
    if hasattr(value, "item") and not getattr(value, "ndim", None):
        return _plain(channel, value.item())
    try:
        return plain(value)
    except ValueError as error:
        raise AgentError(f"telemetry({channel!r}, ...): {error}") from None
