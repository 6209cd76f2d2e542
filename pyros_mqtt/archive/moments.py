"""Moments as people say them, and the nights that they belong to."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from pyros_mqtt.archive.extras import dubious_years
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.settings.site import site_problems

Moment: TypeAlias = "float | str | datetime | Any"
"""POSIX seconds, `2026-11-22T20:14:03Z`, `2h` (ago), a datetime, or an astropy Time."""

DAY = 86_400.0

LONGEST_SPAN = 1e9
"""Seconds; some thirty years."""

SHORTEST_SPAN = 1e-6
"""Seconds: what is recorded has microseconds."""

EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_800.0
"""POSIX seconds of the years that have a calendar, 1 to 9999."""

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)")
_UNITS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": 7 * DAY}
_FORMS = "say seconds since 1970, a UTC time such as 2026-11-22T20:14, or how long ago, as 2h"


def posix(moment: Moment, now: float | None = None) -> float:
    """Turn a moment into POSIX seconds; a time without a zone is UTC.

    Raises:
        ArchiveError: it is none, or not of the years 1 to 9999.
    """
    found = _posix(moment, now)
    if not EARLIEST - 2 * DAY <= found <= LATEST + 2 * DAY:  # a night there may begin a day before
        raise ArchiveError(f"{moment!r} is not within the years 1 to 9999: {_FORMS}")
    return found


def _posix(moment: Moment, now: float | None) -> float:
    if isinstance(moment, (int, float)):
        return float(moment) if abs(moment) < 1e300 else math.inf  # noqa: PLR2004 - an integer may be of any length
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(moment, str):
        return _said(moment.strip(), time.time() if now is None else now)
    try:
        with dubious_years():
            return float(moment.utc.unix)  # an astropy Time, of one moment
    except (AttributeError, TypeError, ValueError):
        raise ArchiveError(f"{moment!r} is no moment: {_FORMS}") from None


def seconds(span: str | float) -> float:
    """Read a span of time: seconds, or `10s`, `5min`, `1h`.

    Raises:
        ArchiveError: it is none, shorter than a microsecond, or longer than thirty years.
    """
    if isinstance(span, str):
        found = _AGO.fullmatch(span.strip())
        said = float(found[1]) * _UNITS[found[2]] if found else _number(span)
    else:
        said = float(span)
    if said is not None and said >= LONGEST_SPAN:
        raise ArchiveError(f"{span!r} is too long: at most thirty years can be asked for")
    if said is None or not said >= SHORTEST_SPAN:
        raise ArchiveError(f"{span!r} is no span of time: say seconds, or 10s, 5min, 1h")
    return said


def _said(text: str, now: float) -> float:
    if found := _AGO.fullmatch(text):
        return now - float(found[1]) * _UNITS[found[2]]
    if (number := _number(text)) is not None:
        return number
    try:
        said = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ArchiveError(f"{text!r} is no moment: {_FORMS}") from None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Nights:
    """Nights of one place: from local mean noon to the next, named after the date of the sunset.

    `longitude` in degrees, east positive.
    """

    longitude: float = 0.0

    @classmethod
    def of(cls, observatory: Mapping[str, Any]) -> Nights:
        """Take the place from the settings' `[observatory]`; Greenwich where it tells none.

        Raises:
            ArchiveError: what it tells is no place on Earth.
        """
        if problem := next(site_problems(observatory), None):
            raise ArchiveError(f"when a night begins is not known: {problem}")
        return cls(float(observatory.get("site", {}).get("longitude", 0.0)))

    def name(self, moment: float) -> str:
        """Name the night of a moment (POSIX seconds)."""
        return datetime.fromtimestamp(moment + self._shift, UTC).date().isoformat()

    def span(self, name: str) -> tuple[float, float]:
        """Say when a night begins and ends, POSIX seconds.

        Raises:
            ArchiveError: the name is no date.
        """
        try:
            day = date.fromisoformat(name)
        except ValueError:
            raise ArchiveError(f"{name!r} is no night: name it by its date, 2026-11-22") from None
        start = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - self._shift
        return start, start + DAY

    def before(self, name: str, nights: int) -> str:
        """Name the night so many nights before."""
        return (date.fromisoformat(name) - timedelta(days=nights)).isoformat()

    @property
    def _shift(self) -> float:
        return self.longitude * 240.0 - DAY / 2
