"""What to do with a tube into which the Sun may shine: leave it, stop it, or park it."""

from __future__ import annotations

from enum import StrEnum
from math import inf

from pyros_agents.astronomy.ephemeris import Horizontal, horizontal, separation, sun
from pyros_agents.devices.mount import MountReading, MountState
from pyros_agents.safeguards.pointing_rules import PointingRules

DETOUR = 1.0
"""Degrees by which a way that leads out of the radius may come nearer to the Sun at first."""

_STEP = 0.5
"""Degrees between two places of a way that are looked at."""

_MOVING = {MountState.SLEWING, MountState.PARKING}


class Advice(StrEnum):
    """What is to be done for the Sun's sake, and the words that tell people."""

    FINE = "it does not shine in"
    LEAVES = "the telescope is on its way out"
    STOP = "the telescope is stopped on its way"
    PARK = "the telescope is parked"
    STAY = "cover the telescope or send it away, no way to its park position is known to be clear"


class SunWatch:
    """Looks at each reading of a mount, in order; one thread at a time.

    Args:
        rules: the telescope's.
        park: the park position; without it, the place where the mount was last seen parked.
    """

    def __init__(self, rules: PointingRules, park: Horizontal | None = None) -> None:
        """Begin without any reading."""
        self._rules = rules
        self._park = park
        self._reached: float | None = None
        self._is_barred = False

    def look(self, reading: MountReading, now: float) -> Advice:
        """Judge one reading, taken at `now` (POSIX seconds of the sky)."""
        parked = reading.state is MountState.PARKED
        if parked and self._park is None:
            self._park = Horizontal(reading.altitude, reading.azimuth)
        if parked or not self._rules.sun_burns(reading.ra, reading.dec, now):
            self._reached, self._is_barred = inf, False
            return Advice.FINE
        distance = self._rules.sun_distance(reading.ra, reading.dec, now)
        if reading.state in _MOVING:
            return self._look_at_the_way(reading, distance)
        self._reached = distance
        clear = not self._is_barred and self._is_clear(reading, distance, now)
        return Advice.PARK if clear else Advice.STAY

    def _look_at_the_way(self, reading: MountReading, distance: float) -> Advice:
        """Let go what comes out of the radius; stop what comes in, or turns back."""
        before = self._reached
        if before is None or distance >= before - DETOUR:
            self._reached = max(distance, before or 0.0)
            return Advice.LEAVES
        # A parking that led towards the Sun once would do so again, each time a little nearer.
        self._is_barred = self._is_barred or reading.state is MountState.PARKING
        return Advice.STOP

    def _is_clear(self, reading: MountReading, distance: float, now: float) -> bool:
        """Tell whether the way to the park position leads away from the Sun.

        Mounts differ: it has to be clear for axes that arrive together, and for axes of one speed.
        """
        if self._park is None:
            return False
        bright = horizontal(*sun(now), now, self._rules.site)
        high = self._park.altitude - reading.altitude
        around = (self._park.azimuth - reading.azimuth + 180.0) % 360.0 - 180.0
        longest = max(abs(high), abs(around), _STEP)
        steps = int(longest / _STEP) + 1
        for gone in (longest * step / steps for step in range(steps + 1)):
            together = Horizontal(
                reading.altitude + high * gone / longest, reading.azimuth + around * gone / longest
            )
            alone = Horizontal(
                reading.altitude + _cut(high, gone), reading.azimuth + _cut(around, gone)
            )
            if min(_apart(together, bright), _apart(alone, bright)) < distance - DETOUR:
                return False
        return _apart(self._park, bright) >= self._rules.sun_radius


def _apart(one: Horizontal, other: Horizontal) -> float:
    return separation((one.azimuth, one.altitude), (other.azimuth, other.altitude))


def _cut(way: float, longest: float) -> float:
    return min(max(way, -longest), longest)
