"""When a command is sent, and how long it may wait: what people give, checked."""

from __future__ import annotations

import time
from datetime import datetime

from pyros_mqtt import wire

Eta = datetime | str | float
"""A moment: a datetime with a time zone, RFC 3339 in UTC, or POSIX seconds."""

LONGEST = 100 * 365.25 * 86400
"""Seconds beyond which nobody waits: a hundred years."""

JUST_NOW = 60.0
"""Seconds by which a moment may be past already: it took that long to get here."""


def lasting(name: str, seconds: float) -> float:
    """Check a number of seconds that something may take.

    Raises:
        TypeError, ValueError: it is none, or beyond all waiting.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name}={seconds!r}: give a number of seconds")
    if not 0 <= seconds <= LONGEST:  # nan is neither
        limit = f"{LONGEST:.0f} (a hundred years)"
        raise ValueError(f"{name}={seconds!r}: give seconds, from 0 to {limit}")
    return seconds


def moment_of(countdown: float | None, eta: Eta | None) -> float | None:
    """When to send, in POSIX seconds; None: at once.

    Raises:
        TypeError, ValueError: both are given, or the moment cannot be read, has no time zone, or is
            past.
    """
    if countdown is not None and eta is not None:
        raise ValueError("give either countdown= or eta=, not both")
    if countdown is not None:
        return time.time() + lasting("countdown", countdown)
    return None if eta is None else _to_come(eta)


def _to_come(eta: Eta) -> float:
    moment = _posix(eta)
    away = moment - time.time()
    if not -JUST_NOW <= away <= LONGEST:
        where = "past" if away < 0 else "too far away"
        raise ValueError(f"eta={eta!r} is {where}: give a moment to come, within a hundred years")
    return moment


def _posix(eta: Eta) -> float:
    if isinstance(eta, str):
        return wire.from_rfc3339(eta)
    if isinstance(eta, datetime):
        if eta.tzinfo is None:
            raise ValueError(f"eta={eta!r} has no time zone: use datetime.now(UTC) and the like")
        return eta.timestamp()
    return eta
