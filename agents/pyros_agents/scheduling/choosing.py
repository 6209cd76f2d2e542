"""Which target is observed now: alerts first, the latest before the others, then the survey.

The latest alert is the youngest burst, and afterglows fade within minutes; an earlier one goes on
when it is done. A target of the survey that has been begun is finished, unless it sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyros_agents.astronomy.sky import Site
from pyros_agents.scheduling.ranking import Demands, rank, rate
from pyros_agents.scheduling.targets import Target


@dataclass(frozen=True, slots=True)
class Choice:
    """What is observed, None for nothing; and why, for people."""

    target: Target | None
    reason: str


@dataclass(frozen=True, slots=True)
class Sky:
    """When and where: POSIX seconds of the sky, the place, and where targets must stand."""

    when: float
    site: Site
    demands: Demands


def choose(
    alerts: Sequence[Target],
    survey: Sequence[Target],
    visits: Mapping[str, int],
    current: Target | None,
    sky: Sky,
) -> Choice:
    """Choose.

    Args:
        alerts: targets of alerts, the latest first.
        survey: targets of the survey.
        visits: how often each has been finished.
        current: the one that was chosen before.
        sky: when and where.
    """
    waiting = []
    for alert in alerts:
        rated = rate(alert, 0, sky.when, sky.site, sky.demands)
        if rated.is_observable:
            return Choice(alert, f"alert: {alert.reason}" if alert.reason else "alert")
        waiting.append(f"{alert.name} waits, it is {rated.hindrance}")
    ranked = rank(survey, visits, sky.when, sky.site, sky.demands)
    able = [rated for rated in ranked if rated.is_observable]
    for rated in able:
        if current is not None and rated.target.name == current.name:
            return Choice(rated.target, _joined(f"begun, {rated.reason}", waiting))
    if able:
        return Choice(able[0].target, _joined(able[0].reason, waiting))
    return Choice(None, _joined("no target can be observed now", waiting))


def _joined(reason: str, waiting: Sequence[str]) -> str:
    return "; ".join([reason, *waiting])
