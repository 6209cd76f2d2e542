"""Moments as text: RFC 3339 in UTC with `Z`, to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?[Zz]")


def to_rfc3339(moment: float, digits: int = 3) -> str:
    """Write POSIX seconds as `2026-11-22T20:14:03.120Z`, with 3 or 6 digits of the second."""
    timespec = "microseconds" if digits > 3 else "milliseconds"  # noqa: PLR2004
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec=timespec)
    return text.removesuffix("+00:00") + "Z"


def from_rfc3339(text: str) -> float:
    """Read a UTC moment into POSIX seconds.

    Raises:
        ValueError: not RFC 3339, not in UTC with `Z`, or no such moment.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError(f"{text!r} is not a UTC time such as 2026-11-22T20:14:03.120Z")
    return datetime.fromisoformat(text.upper()).timestamp()
