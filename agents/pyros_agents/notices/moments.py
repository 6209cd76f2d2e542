"""Dates as notices write them -> POSIX seconds, UTC.

Some lack the `Z`, some are impossible; the time scales of spacecraft differ from UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

AHEAD_OF_UTC = {"UTC": 0.0, "TT": 69.184, "TDB": 69.184, "TCB": 69.184, "TAI": 37.0, "GPS": 18.0}
"""Seconds since 2017, good to the leap seconds before and to TCB's drift: for a burst's age."""


def moment(text: Any, scale: str = "UTC") -> float | None:
    """Read an ISO 8601 date; one without a zone is UTC. None for what is no date.

    `scale` is the time scale of the date, one of `AHEAD_OF_UTC`; an unknown one counts as UTC.
    """
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.timestamp() - AHEAD_OF_UTC.get(scale.upper(), 0.0)
    except (ValueError, OverflowError):
        return None
