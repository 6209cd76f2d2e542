"""What can be observed: targets of the survey, and those of alerts."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

ALERT_PRIORITY = 100
"""Alerts come before every target of the survey, whose priorities go from 0 to 99."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place on the sky and what to do there.

    `ra` and `dec` are ICRS degrees, `error` degrees or None where unknown; `exposures` of `seconds`
    each through `filter` make one visit. `event` is the alert's name for it, ``""`` in the survey;
    after `until` (POSIX seconds of the sky) it is not worth observing any more.
    """

    name: str
    ra: float
    dec: float
    priority: int = 10
    exposures: int = 3
    seconds: float = 30.0
    filter: str = ""
    event: str = ""
    error: float | None = None
    reason: str = ""
    until: float = inf

    @property
    def is_alert(self) -> bool:
        """It came from a notice, not from the survey."""
        return bool(self.event)


SURVEY = tuple(
    Target(name, ra, dec)
    for name, ra, dec in (
        ("47 Tucanae", 6.0236, -72.0813),
        ("NGC 253", 11.8880, -25.2882),
        ("NGC 1365", 53.4015, -36.1404),
        ("30 Doradus", 84.6767, -69.1009),
        ("M 42", 83.8221, -5.3911),
        ("M 46", 115.4450, -14.8100),
        ("NGC 2516", 119.5170, -60.7530),
        ("NGC 2997", 146.4117, -31.1911),
        ("Eta Carinae", 161.2648, -59.6845),
        ("M 104", 189.9976, -11.6231),
        ("Centaurus A", 201.3651, -43.0191),
        ("Omega Centauri", 201.6970, -47.4795),
        ("M 83", 204.2538, -29.8658),
        ("NGC 6397", 265.1754, -53.6743),
        ("M 8", 270.9042, -24.3867),
        ("NGC 6752", 287.7171, -59.9846),
        ("M 55", 294.9988, -30.9647),
        ("M 2", 323.3626, -0.8233),
        ("Helix Nebula", 337.4107, -20.8372),
    )
)
"""Bright sights of the southern sky: at any hour of any night some are up over Les Makes."""
