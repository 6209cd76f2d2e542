"""When the Sun sets and rises next over a site: what the daily chores of agents go by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

from pyros_agents.astronomy.ephemeris import sun
from pyros_agents.astronomy.night import SUNSET, night_of, noon, sunrise, sunset
from pyros_agents.astronomy.sky import Site, SkyClock

HORIZON = 370
"""Nights to look ahead: where the Sun does not set in a year it never does."""

_EVENTS: dict[str, tuple[Callable[[date, Site, float], float | None], float]] = {
    "sunset": (sunset, SUNSET),
    "civil dusk": (sunset, -6.0),
    "nautical dusk": (sunset, -12.0),
    "astronomical dusk": (sunset, -18.0),
    "astronomical dawn": (sunrise, -18.0),
    "nautical dawn": (sunrise, -12.0),
    "civil dawn": (sunrise, -6.0),
    "sunrise": (sunrise, SUNSET),
}
"""Each with the altitude of the Sun's centre that it crosses, degrees."""

_MARGIN = 1.0
"""Degrees by which the Sun's reach is overestimated: it drifts within a night, the axis turns."""


@dataclass(frozen=True, slots=True)
class SkyAlmanac:
    """The events of a site's sky by that sky's clock, simulated and fast ones, too.

    A dusk ends that twilight and a dawn begins it: the Sun's centre stands 6 (civil), 12
    (nautical) or 18 degrees (astronomical) below the horizon. Noon is the local mean one, at
    which a night begins. Where an event does not happen, as no sunset does under a midnight Sun,
    the next day on which it happens is the next.

    Set as an agent's `almanac`: `self.almanac = SkyAlmanac(Site.of(site), SkyClock.of(sky))`.
    """

    site: Site
    clock: SkyClock = field(default_factory=SkyClock)

    def now(self) -> float:
        """Sky time in POSIX seconds, UTC."""
        return self.clock.now()

    def wall_seconds(self, sky_seconds: float) -> float:
        """How long a span of the sky lasts for somebody who waits for it."""
        return self.clock.wall_seconds(sky_seconds)

    def next(self, event: str, after: float) -> float | None:
        """Say when an event comes next, later than `after`; POSIX seconds, good to 0.1 s.

        Returns:
            None where it does not come within a year.

        Raises:
            LookupError: there is no such event.
        """
        of_night = self._of_night(event)
        first = night_of(after, self.site)
        for number in range(HORIZON):
            moment = of_night(first + timedelta(days=number))
            if moment is not None and moment > after:
                return moment
        return None

    def _of_night(self, event: str) -> Callable[[date], float | None]:
        """Give the function that says when, if at all, an event happens in a night."""
        if event == "noon":
            return partial(noon, site=self.site)
        if event not in _EVENTS:
            raise LookupError(f"there is no {event!r} in the sky, but noon, {', '.join(_EVENTS)}")
        crossing, altitude = _EVENTS[event]

        def of_night(night: date) -> float | None:
            return crossing(night, self.site, altitude) if self._may(night, altitude) else None

        return of_night

    def _may(self, night: date, altitude: float) -> bool:
        """Whether the Sun may cross an altitude in a night; spares the long look at each."""
        declination = sun(noon(night, self.site) + 43_200.0).dec
        highest = 90.0 - abs(self.site.latitude - declination)
        lowest = abs(self.site.latitude + declination) - 90.0
        return lowest - _MARGIN < altitude < highest + _MARGIN
