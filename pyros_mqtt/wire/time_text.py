"""Moments as text: RFC 3339 in UTC with `Z`, to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

_WHOLE = len("2026-11-22T20:14:03")

_SHAPE = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?[Zz]")


def to_rfc3339(moment: float, digits: int = 3) -> str:
    """Write POSIX seconds as `2026-11-22T20:14:03.120Z`, with 3 or 6 digits of the second."""
    whole = floor(moment)
    more, micros = divmod(round((moment - whole) * 1e6), 1_000_000)
    return f"{_second(whole + more)}.{micros:06d}"[: _WHOLE + 1 + digits] + "Z"


@lru_cache(maxsize=64)
def _second(whole: int) -> str:
    """Write a whole second; most of what is written falls into one that was written before."""
    return datetime.fromtimestamp(whole, UTC).isoformat().removesuffix("+00:00")


def from_rfc3339(text: str) -> float:
    """Read a UTC moment into POSIX seconds.

    Raises:
        ValueError: not RFC 3339, not in UTC with `Z`, or no such moment.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError(f"{text!r} is not a UTC time such as 2026-11-22T20:14:03.120Z")
    return datetime.fromisoformat(text.upper()).timestamp()
