"""Which target comes next, and why: priority first, then fewest visits, then the better sky.

Pure: the same targets, visits, time and place give the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import acos, asin, atan2, cos, degrees, inf, radians, sin, tan

from pyros_agents.astronomy.ephemeris import airmass, horizontal, separation, sun
from pyros_agents.astronomy.moon import moon
from pyros_agents.astronomy.sky import Site
from pyros_agents.scheduling.targets import Target

_SIDEREAL_DEGREE = 239.345
"""Seconds in which the sky turns by one degree."""

_HURRY = 7_200.0
"""A target that sets within this many seconds gains on others, the more the sooner it sets."""


@dataclass(frozen=True, slots=True)
class Demands:
    """Where a target must stand to be observed, degrees.

    Attributes:
        lowest: altitude above the ground.
        sun: never nearer to the Sun.
        moon: never nearer to the Moon; an alert does not mind it.
    """

    lowest: float = 25.0
    sun: float = 30.0
    moon: float = 20.0


@dataclass(frozen=True, slots=True)
class Aspect:
    """How a target stands at one moment: degrees, and the seconds until it is too low."""

    altitude: float
    airmass: float | None
    sun: float
    moon: float
    sets_in: float


@dataclass(frozen=True, slots=True)
class Rated:
    """A target with its place in the order.

    `hindrance` says why it cannot be observed now, ``""`` where it can; `reason` what speaks for
    it. `merit` compares targets of equal priority and visits: higher is better.
    """

    target: Target
    aspect: Aspect
    merit: float
    hindrance: str
    reason: str

    @property
    def is_observable(self) -> bool:
        """Nothing hinders it now."""
        return not self.hindrance


def aspect(target: Target, when: float, site: Site, lowest: float) -> Aspect:
    """Say how a target stands at `when` (POSIX seconds) above `site`."""
    place = (target.ra, target.dec)
    altitude, azimuth = horizontal(*place, when, site)
    return Aspect(
        altitude=altitude,
        airmass=airmass(altitude),
        sun=separation(place, sun(when)),
        moon=separation(place, moon(when)),
        sets_in=_sets_in(altitude, azimuth, site.latitude, lowest),
    )


def rank(
    targets: Iterable[Target],
    visits: Mapping[str, int],
    when: float,
    site: Site,
    demands: Demands,
) -> list[Rated]:
    """Order targets, the next one first; those that cannot be observed now come last.

    Args:
        targets: the candidates.
        visits: how often a target of this name has been finished.
        when: POSIX seconds of the sky.
        site: the place.
        demands: where a target must stand.
    """
    rated = [rate(each, visits.get(each.name, 0), when, site, demands) for each in targets]
    return sorted(rated, key=lambda each: _order(each, visits), reverse=True)


def rate(target: Target, visits: int, when: float, site: Site, demands: Demands) -> Rated:
    """Say how one target fares, and why."""
    seen = aspect(target, when, site, demands.lowest)
    return Rated(
        target=target,
        aspect=seen,
        merit=_merit(target, seen),
        hindrance=_hindrance(target, seen, demands),
        reason=_reason(target, seen, visits),
    )


def _order(rated: Rated, visits: Mapping[str, int]) -> tuple[bool, int, int, float]:
    target = rated.target
    return rated.is_observable, target.priority, -visits.get(target.name, 0), rated.merit


def _merit(target: Target, seen: Aspect) -> float:
    """Weigh the air and the haste: 1/airmass, and 1 - (time left / 2 h) for one that sets soon.

    One that would set before its visit is done gains nothing by its haste.
    """
    if seen.airmass is None:
        return 0.0
    lasts = 2.0 * target.exposures * target.seconds
    haste = 1.0 - seen.sets_in / _HURRY if lasts < seen.sets_in < _HURRY else 0.0
    return 1.0 / seen.airmass + haste


def _hindrance(target: Target, seen: Aspect, demands: Demands) -> str:
    if seen.altitude < demands.lowest:
        side = "below the horizon" if seen.altitude < 0 else f"too low, at {seen.altitude:.0f} deg"
        return f"{side}; it has to stand above {demands.lowest:g} deg"
    if seen.sun < demands.sun:
        return f"only {seen.sun:.0f} deg from the Sun"
    if seen.moon < demands.moon and not target.is_alert:
        return f"only {seen.moon:.0f} deg from the Moon"
    return ""


def _reason(target: Target, seen: Aspect, visits: int) -> str:
    air = "" if seen.airmass is None else f", airmass {seen.airmass:.2f}"
    sets = "never sets" if seen.sets_in == inf else f"too low in {seen.sets_in / 3600:.1f} h"
    times = {0: "not yet observed", 1: "observed once"}.get(visits, f"observed {visits} times")
    return (
        f"priority {target.priority}, {times}, at {seen.altitude:.0f} deg{air}, {sets}, "
        f"{seen.moon:.0f} deg from the Moon"
    )


def _sets_in(altitude: float, azimuth: float, latitude: float, lowest: float) -> float:
    """Say after how many seconds a direction sinks below `lowest`: 0 where it is lower already.

    Turns the horizontal direction into hour angle and declination of date, and compares the hour
    angle with that at which this declination passes `lowest`; infinite where it never does.
    """
    if altitude < lowest:
        return 0.0
    alt, az, lat, low = (radians(angle) for angle in (altitude, azimuth, latitude, lowest))
    dec = asin(sin(alt) * sin(lat) + cos(alt) * cos(lat) * cos(az))
    hour_angle = degrees(atan2(-sin(az), tan(alt) * cos(lat) - cos(az) * sin(lat)))
    down = cos(lat) * cos(dec)
    passing = (sin(low) - sin(lat) * sin(dec)) / down if abs(down) > 0 else -inf
    if passing <= -1.0:
        return inf
    return max(0.0, degrees(acos(min(passing, 1.0))) - hour_angle) * _SIDEREAL_DEGREE
