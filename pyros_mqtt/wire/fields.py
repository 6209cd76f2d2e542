"""What each field of a command may say (protocol section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyros_mqtt.messages import JSON
from pyros_mqtt.wire.json_text import compact
from pyros_mqtt.wire.time_text import from_rfc3339

LONGEST = 1e10
"""Seconds; a lifetime beyond three hundred years is as good as none."""


def read(field: str, value: JSON) -> Any:
    """Read the value of one of `FIELDS`.

    Raises:
        ValueError: it is none, in words for its sender.
    """
    expected, reader = FIELDS[field]
    try:
        return reader(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{field}: {compact(value)[:80]} is not {expected}") from None


def _string(value: JSON) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _name(value: JSON) -> str:
    if "\0" in _string(value):
        raise ValueError
    return _string(value).strip()


def _boolean(value: JSON) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _seconds(value: JSON) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError
    return min(float(value), LONGEST)


def _moment(value: JSON) -> float:
    return from_rfc3339(_string(value))


def _table(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise TypeError
    return value


FIELDS: dict[str, tuple[str, Callable[[JSON], Any]]] = {
    "message": ("a text", _name),
    "args": ("an object of arguments", _table),
    "id": ("a text", _string),
    "from": ("a name", _string),
    "sent_at": ("a UTC time such as 2026-11-22T20:14:03.120Z", _moment),
    "ttl": ("a number of seconds, 0 or more", _seconds),
    "expires": ("a UTC time such as 2026-11-22T20:14:03.120Z", _moment),
    "urgent": ("true or false", _boolean),
    "session": ("a text", _string),
}
"""What is expected, in words, and how it is read."""
