"""Where a telescope may point: above its horizon, and away from the Sun."""

from __future__ import annotations

from dataclasses import dataclass

from pyros_agents.astronomy.ephemeris import horizontal, separation, sun, sun_altitude
from pyros_agents.astronomy.sky import Site

TOLERANCE = 0.001
"""Degrees by which a limit may seem to be broken: 47.9998 is not below 48."""


@dataclass(frozen=True, slots=True)
class PointingRules:
    """The limits of one telescope, degrees."""

    site: Site
    horizon: float = 15.0
    sun_radius: float = 30.0

    def why_not(self, ra: float, dec: float, when: float) -> str | None:
        """Tell people why an ICRS direction is out of bounds at `when`; None where it is not."""
        altitude = horizontal(ra, dec, when, self.site).altitude
        if altitude < self.horizon - TOLERANCE:
            return f"its altitude of {altitude:.3f} deg is below the limit of {self.horizon:g} deg"
        distance = self.sun_distance(ra, dec, when)
        if distance < self.sun_radius - TOLERANCE:
            return f"it is {distance:.3f} deg from the Sun, the limit is {self.sun_radius:g} deg"
        return None

    def sun_distance(self, ra: float, dec: float, when: float) -> float:
        """Measure how far a direction is from the Sun, degrees."""
        return separation((ra, dec), sun(when))

    def sun_burns(self, ra: float, dec: float, when: float) -> bool:
        """Tell whether the Sun is up, and shines in from within the avoidance radius."""
        near = self.sun_distance(ra, dec, when) < self.sun_radius - TOLERANCE
        return near and sun_altitude(when, self.site) > -1.0
