"""Where things stand in the sky: altitude and azimuth, airmass, the Sun, separations.

Built on ERFA, the routines beneath astropy: one call takes a fraction of a millisecond, so that a
chore may ask every second. Angles are degrees, right ascension and declination are ICRS, azimuth
counts from north through east, times are POSIX seconds, UTC. Nothing here needs a network.
"""

from __future__ import annotations

from math import degrees, radians, sin
from typing import NamedTuple

import numpy as np
from erfa import ufunc as erfa

from pyros_agents.astronomy.earth import orientation
from pyros_agents.astronomy.sky import Site

_UNIX_EPOCH_JD = 2_440_587.5
_TT_MINUS_UTC = 69.184
"""Seconds since 2017; the Sun moves 0.04 arcseconds in one of them, so a leap second is small."""


class Horizontal(NamedTuple):
    """A direction as seen from the ground, degrees."""

    altitude: float
    azimuth: float


class Equatorial(NamedTuple):
    """A direction among the stars: ICRS, degrees."""

    ra: float
    dec: float


def horizontal(ra: float, dec: float, when: float, site: Site, pressure: float = 0.0) -> Horizontal:
    """Say where an ICRS direction stands above the ground.

    Refraction is off unless a `pressure` in hPa is stated (then for 10 degC, dry air, 550 nm).
    """
    azimuth, zenith, *_ = erfa.atco13(
        radians(ra), radians(dec), 0.0, 0.0, 0.0, 0.0, *_observer(when, site, pressure)
    )
    return Horizontal(90.0 - degrees(zenith), degrees(azimuth) % 360.0)


def equatorial(
    altitude: float, azimuth: float, when: float, site: Site, pressure: float = 0.0
) -> Equatorial:
    """Say which ICRS direction a telescope at this altitude and azimuth looks to."""
    ra, dec, _ = erfa.atoc13(
        b"A", radians(azimuth), radians(90.0 - altitude), *_observer(when, site, pressure)
    )
    return Equatorial(degrees(ra) % 360.0, degrees(dec))


def airmass(altitude: float) -> float | None:
    """Say how many zenith atmospheres lie in front of an altitude; None below the horizon.

    Source: Pickering 2002, The Southern Limits of the Ancient Star Catalog, DIO 12, p. 20; good
    down to the horizon. It wants the apparent altitude; above 15 degrees that matters little.
    """
    if altitude < 0.0:
        return None
    return float(1.0 / sin(radians(altitude + 244.0 / (165.0 + 47.0 * altitude**1.1))))


def separation(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Measure the angle between two directions (both ra, dec or both azimuth, altitude)."""
    angles = (radians(angle) for angle in (*one, *other))
    return degrees(erfa.seps(*angles))


def sun(when: float) -> Equatorial:
    """Say where the Sun stands, seen from the Earth's centre, aberration left to `horizontal`."""
    heliocentric, _, _ = erfa.epv00(_UNIX_EPOCH_JD, (when + _TT_MINUS_UTC) / 86_400)
    x, y, z = -heliocentric["p"]
    return Equatorial(
        degrees(float(np.arctan2(y, x))) % 360.0, degrees(float(np.arctan2(z, np.hypot(x, y))))
    )


def sun_altitude(when: float, site: Site) -> float:
    """Say how high the Sun's centre stands, refraction off: -0.833 at sunset, -18 when dark."""
    return horizontal(*sun(when), when, site).altitude


def _observer(when: float, site: Site, pressure: float) -> tuple[float, ...]:
    """Gather what ERFA's astrometry wants to know about time, place and air."""
    turn = orientation(when)
    place = (radians(site.longitude), radians(site.latitude), site.height)
    air = (pressure, 10.0, 0.0, 0.55)
    days = when / 86_400
    return (_UNIX_EPOCH_JD, days, turn.ut1_utc, *place, turn.pole_x, turn.pole_y, *air)
