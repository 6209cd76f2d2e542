"""What an author hands over, as plain values and columns; NumPy's arrays without NumPy."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from pyros_mqtt.dispatch import plain
from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import JSON

Values = list[JSON] | dict[str, list[JSON]]

SCALARS = frozenset({float, int, bool, str, type(None)})

LARGEST = sys.float_info.max
"""Numbers beyond it are none that a reader takes."""


def scalar(channel: str, value: Any) -> JSON:
    """Give the value of one sample: a scalar, or a dict of fields.

    Raises:
        AgentError: it is a list or an array, which needs times; or no value at all.
    """
    if isinstance(value, Mapping):
        return _fields(channel, value)
    if isinstance(value, list | tuple) or getattr(value, "ndim", None):
        raise AgentError(
            f"telemetry({channel!r}, ...): {len(value)} values need times: t0= and dt=, or "
            "time= with one for each"
        )
    found = _plain(channel, value)
    return found if type(found) in SCALARS else scalar(channel, found)


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


def may_share(value: JSON) -> bool:
    """Say whether a value can stand in columns: a scalar, or fields that are scalars."""
    return type(value) is not dict or all(type(one) in SCALARS for one in value.values())


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
    kinds = set(map(type, column))
    if not kinds <= SCALARS:
        column = [_plain(channel, one) for one in column]
        if not set(map(type, column)) <= SCALARS:
            raise AgentError(f"telemetry({channel!r}, ...): a batch holds scalars only")
    elif int in kinds:
        for one in column:
            _check_size(channel, one)
    return column


def _fields(channel: str, given: Mapping[Any, Any]) -> dict[str, JSON]:
    if not given:
        raise AgentError(f"telemetry({channel!r}, {{}}): it has no fields")
    fields = {str(name): _plain(channel, one) for name, one in given.items()}
    for name, one in fields.items():
        if isinstance(one, dict):
            raise AgentError(
                f"telemetry({channel!r}, ...): the field {name!r} has fields itself, "
                f"{', '.join(map(repr, one))!s:.100}; fields are one deep: name it {name}_... "
                "or make a channel of it"
            )
    return fields


def _plain(channel: str, value: Any) -> JSON:
    """Give the plain form of a NumPy scalar, a date, an enumeration and the like."""
    if type(value) in SCALARS:
        _check_size(channel, value)
        return value
    if isinstance(value, complex):
        raise AgentError(
            f"telemetry({channel!r}, ...): {value!r} is complex; send its parts as two fields"
        )
    if hasattr(value, "item") and not getattr(value, "ndim", None):
        return _plain(channel, value.item())
    try:
        return plain(value)
    except ValueError as error:
        raise AgentError(f"telemetry({channel!r}, ...): {error}") from None


def _check_size(channel: str, value: JSON) -> None:
    if type(value) is int and not -LARGEST <= value <= LARGEST:
        raise AgentError(
            f"telemetry({channel!r}, ...): an integer of {value.bit_length()} bits is too large "
            "for a measurement; numbers go to 1.8e308"
        )
