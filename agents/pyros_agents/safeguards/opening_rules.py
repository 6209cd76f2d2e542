"""When a dome may be open, and when it has to close by itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import Any

from pyros_agents.astronomy.ephemeris import sun_altitude
from pyros_agents.astronomy.night import SUNSET
from pyros_agents.astronomy.sky import Site
from pyros_agents.safeguards.pointing_rules import TOLERANCE


@dataclass(slots=True)
class EngineeringMode:
    """Lifts the rule of the Sun for a while and ends by itself; times are `SkyClock.elapsed`."""

    until: float = -inf

    def is_on(self, now: float) -> bool:
        """Tell whether it lasts still."""
        return now < self.until


@dataclass(frozen=True, slots=True)
class OpeningRules:
    """The rules of one dome. No news is bad news, and only `safe: true` is safe.

    `verdict_age` is wall seconds, since it judges the way that the verdict takes and not the sky;
    `sun_limit` is degrees of altitude.
    """

    site: Site
    verdict_age: float = 30.0
    sun_limit: float = SUNSET

    def why_not(self, verdict: Any, age: float, now: float, *, by_day: bool = False) -> str | None:
        """Tell people why the dome may not be open at `now`; None where it may.

        Args:
            verdict: the last value of the safety agent's channel, or None.
            age: how many seconds ago it came, infinite if it never did.
            now: POSIX seconds of the sky.
            by_day: engineering mode lifts the rule of the Sun; it never overrules the weather.
        """
        if age > self.verdict_age:
            known = f"the last one came {age:.0f} s ago" if verdict else "none has come"
            return f"no fresh safety verdict: {known}, the limit is {self.verdict_age:g} s"
        if not isinstance(verdict, dict) or verdict.get("safe") is not True:
            return f"the safety verdict is not safe: {_reasons(verdict)}"
        altitude = sun_altitude(now, self.site)
        if altitude > self.sun_limit + TOLERANCE and not by_day:
            return f"the Sun is up ({altitude:.1f} deg) and engineering mode is off"
        return None


@dataclass(slots=True)
class OpeningCount:
    """At most so many openings in so many seconds, for a shutter's motor is no metronome.

    Times are `SkyClock.elapsed`, so that no clock that is set forgets or prolongs them.
    """

    most: int = 3
    seconds: float = 600.0
    _times: deque[float] = field(default_factory=deque)

    def is_full(self, now: float) -> bool:
        """Tell whether one more opening is one too many."""
        while self._times and now - self._times[0] >= self.seconds:
            self._times.popleft()
        return len(self._times) >= self.most

    def add(self, now: float) -> None:
        """Count an opening."""
        self._times.append(now)


def _reasons(verdict: Any) -> str:
    reasons = verdict.get("reasons") if isinstance(verdict, dict) else None
    return "; ".join(map(str, reasons)) if isinstance(reasons, list) and reasons else "no reason"
