"""When what an author hands over was measured, and how good it is: checked at the call."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from typing import Any

from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import QUALITIES
from pyros_mqtt.telemetry.columns import columns

LATEST = 9e12
"""POSIX seconds beyond which no reader takes a time for one."""

Times = list[float] | tuple[float, float]
"""Of each sample, or (the first one's, seconds between two)."""


def check_quality(channel: str, quality: str) -> None:
    """Refuse a quality that is none.

    Raises:
        AgentError: with those that there are.
    """
    if quality not in QUALITIES:
        raise AgentError(
            f"telemetry({channel!r}, ..., quality={quality!r}): it must be one of "
            f"{', '.join(QUALITIES)}"
        )


def checked_time(channel: str, given: Any, word: str = "time") -> float:
    """Give POSIX seconds.

    Raises:
        AgentError: it is no number of them.
    """
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not -LATEST < given < LATEST:
        raise AgentError(
            f"telemetry({channel!r}, ..., {word}={given!r:.100}): it must be seconds since 1970, "
            "such as time.time()"
        )
    return float(given)


def times_of(channel: str, count: int, times: Any, start: float | None, step: Any) -> Times:
    """Give the times of a batch, as a column or as (t0, dt).

    Raises:
        AgentError: they are none, or not as many as values.
    """
    if times is not None:
        return _listed(channel, count, times)
    if step is None:
        raise AgentError(f"telemetry({channel!r}, ...): t0= needs dt=, seconds between two samples")
    is_number = isinstance(step, int | float) and not isinstance(step, bool)
    if not is_number or not 0 < step < math.inf:
        raise AgentError(
            f"telemetry({channel!r}, ..., dt={step!r:.100}): it must be seconds between two "
            "samples, more than 0"
        )
    first = time.time() - step * (count - 1) if start is None else start
    checked_time(channel, float(step) * count, "dt")
    return checked_time(channel, first, "t0"), float(step)


def cut(times: Times, first: int, end: int) -> Times:
    """Give the times of some rows of a batch."""
    if isinstance(times, tuple):
        return times[0] + first * times[1], times[1]
    return times[first:end]


def _listed(channel: str, count: int, times: Collection[float] | Any) -> list[float]:
    if not hasattr(times, "__len__"):
        return [checked_time(channel, times)]
    listed = columns(channel, times)
    if len(listed) != count or isinstance(listed, dict):
        raise AgentError(f"telemetry({channel!r}, ...): {len(listed)} times, {count} values")
    return [checked_time(channel, one) for one in listed]
