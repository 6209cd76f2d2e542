"""Which night a moment belongs to, and when that night's Sun sets and rises.

A night goes from local noon to local noon and is named after the date of its sunset, in local
mean solar time. So it has a name even where the Sun does not set.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from pyros_agents.astronomy.ephemeris import sun_altitude
from pyros_agents.astronomy.sky import Site

SUNSET = -0.833
"""The Sun's altitude when its upper edge touches the horizon: half a degree of disc, 34' of air."""

_STEP = 600.0
_EXACT = 0.1
"""Seconds: between two looks at the Sun, and of the answer."""


def night_of(when: float, site: Site) -> date:
    """Name the night of a moment (POSIX seconds): the local date of its sunset."""
    local_noon_as_midnight = when + site.longitude * 240.0 - 43_200.0
    return datetime.fromtimestamp(local_noon_as_midnight, UTC).date()


def noon(night: date, site: Site) -> float:
    """Say when a night begins: POSIX seconds of the local mean noon before it."""
    midday = datetime(night.year, night.month, night.day, 12, tzinfo=UTC)
    return midday.timestamp() - site.longitude * 240.0


@lru_cache(maxsize=256)
def sunset(night: date, site: Site, altitude: float = SUNSET) -> float | None:
    """Say when the Sun sinks below `altitude` (-12 for nautical dusk); None where it does not."""
    start = noon(night, site)
    moments = [start + step * _STEP for step in range(145)]
    return _crossing(moments, site, altitude)


@lru_cache(maxsize=256)
def sunrise(night: date, site: Site, altitude: float = SUNSET) -> float | None:
    """Say when the Sun climbs above `altitude` (-12 for nautical dawn); None where it does not."""
    end = noon(night + timedelta(days=1), site)
    moments = [end - step * _STEP for step in range(145)]
    return _crossing(moments, site, altitude)


def _crossing(moments: list[float], site: Site, altitude: float) -> float | None:
    """Find the first step, in the order given, from above to below; halve it."""
    above: float | None = None
    for moment in moments:
        if sun_altitude(moment, site) > altitude:
            above = moment
        elif above is not None:
            return _halve(above, moment, site, altitude)
    return None


def _halve(above: float, below: float, site: Site, altitude: float) -> float:
    while abs(above - below) > _EXACT:
        middle = (above + below) / 2.0
        if sun_altitude(middle, site) > altitude:
            above = middle
        else:
            below = middle
    return below
