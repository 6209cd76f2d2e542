"""What an agent's author declares, checked when the agent is made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import Channel
from pyros_mqtt.telemetry.columns import LARGEST
from pyros_mqtt.telemetry.units import check_unit
from pyros_mqtt.topics import check_name

SMALLEST_MESSAGE = 256
"""Least bytes that a message may be bounded to."""


def row_of(declared: object) -> list[Channel]:
    """Give an agent's row of channels.

    Raises:
        AgentError: it is no such row, a channel contradicts itself, or two have one name.
        BadName: a channel's name breaks the rule.
    """
    if isinstance(declared, str | Channel) or not isinstance(declared, Iterable):
        raise AgentError(f"channels is a tuple, such as (Channel(...),), not {declared!r}")
    row = list(declared)
    for one in row:
        if not isinstance(one, Channel):
            hint = f": write Channel({one!r})" if isinstance(one, str) else ""
            raise AgentError(f"channels holds Channel(...), not {one!r}{hint}")
        checked(one)
    names = [one.name for one in row]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise AgentError(f"channels holds two Channel({twice!r}, ...): a channel is declared once")
    return row


def checked(channel: Channel) -> Channel:
    """Give a channel back if it can be kept to; a unit that is not in VOUnit is only told of.

    Raises:
        AgentError: one of its values makes no sense.
        BadName: its name breaks the rule.
    """
    check_name("channel", channel.name)
    for name, is_right, rule in _rules(channel):
        if not is_right:
            value = getattr(channel, name)
            raise AgentError(f"Channel({channel.name!r}, {name}={value!r}): it must be {rule}")
    check_unit(channel)
    return channel


def _rules(channel: Channel) -> Iterable[tuple[str, bool, str]]:
    whole = _number(channel.batch, 1) and channel.batch % 1 == 0
    room = _number(channel.batch_bytes, SMALLEST_MESSAGE)
    yield "unit", isinstance(channel.unit, str), "a text such as 'deg'"
    yield "description", isinstance(channel.description, str), "a text"
    yield "fields", _is_row(channel.fields), "a tuple of names, such as ('ra', 'dec')"
    yield "retain", isinstance(channel.retain, bool), "True or False"
    yield "qos", _number(channel.qos, 0) and channel.qos in {0, 1}, "0 or 1"
    yield "batch", whole, "a number of samples, 1 or more"
    yield "batch_age", _number(channel.batch_age, 0), "seconds"
    yield "batch_bytes", room, f"{SMALLEST_MESSAGE} or more"
    yield "deadband", channel.deadband is None or _number(channel.deadband, 0), "0 or more, or None"
    yield "refresh", _number(channel.refresh, 0), "seconds"
    yield "rate", channel.rate is None or _number(channel.rate, 0), "samples a second, or None"
    yield "range", _is_range(channel.range), "(lowest, highest), or None"


def _number(value: Any, least: float = -math.inf) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and least <= value <= LARGEST and value >= -LARGEST


def _is_row(names: Any) -> bool:
    if not isinstance(names, tuple | list) or not all(isinstance(one, str) for one in names):
        return False
    return all(names) and len(set(names)) == len(names)


def _is_range(limits: Any) -> bool:
    if limits is None:
        return True
    if not isinstance(limits, tuple | list) or len(limits) != 2:  # noqa: PLR2004 - a pair
        return False
    return all(_number(one) for one in limits) and limits[0] <= limits[1]
