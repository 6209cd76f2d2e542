"""When a daily chore is due: by the sky's clock, whatever happens to that clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from math import inf

from pyros_mqtt.condition import Condition
from pyros_mqtt.daily import Almanac, Daily
from pyros_mqtt.errors import AgentError, words_of

log = logging.getLogger(__name__)

LATE = 3600.0
"""A moment that is missed by so many seconds of the sky is not made up for."""

APART = 3600.0
"""Two moments that lie nearer to each other are the same one, told by a clock set back or by an
almanac that is not quite of one mind."""

LOOK = 1.0
"""Wall seconds between two looks at the clock: it may be set at any time."""

ASK_AGAIN = 3600.0
"""Seconds of the sky after which an almanac that knew nothing is asked again."""


class WallClock:
    """The almanac of an agent that has none: the real time, and no sky."""

    def now(self) -> float:
        """Say what time it is."""
        return time.time()

    def wall_seconds(self, sky_seconds: float) -> float:
        """Say how long a span lasts: as long as it says."""
        return sky_seconds

    def next(self, event: str, after: float) -> float | None:  # noqa: ARG002 - as an Almanac
        """Say that no event of the sky is known."""
        return None


class Appointment:
    """Keeps one daily chore's next moment; used in the agent's thread only."""

    def __init__(self, name: str, daily: Daily, almanac: Almanac, condition: Condition) -> None:
        self._name = name
        self._daily = daily
        self._almanac = almanac
        self._condition = condition
        self._moment: float | None = None
        self._kept = -inf
        # moments that have passed before the agent started are none of its business
        self._seen = self._since = self._ask_at = almanac.now()

    def take(self, _now: float) -> bool:
        """Whether the moment has come: true once for each that is not missed by `LATE`."""
        now = self._almanac.now()
        self._keep_up(now)
        if self._moment is not None and now - self._moment >= LATE:
            log.warning(
                "the chore %s missed %s, as the clock was set or the agent slept or was busy",
                self._name,
                _utc(self._moment),
            )
            self._plan(now - LATE, now)
        if self._moment is None or now < self._moment:
            return False
        self._kept = self._moment
        self._plan(now, now)
        return True

    def wait(self, _now: float) -> float:
        """Say in how many wall seconds to look again, at most `LOOK`."""
        if self._moment is None:
            return LOOK
        left = self._almanac.wall_seconds(self._moment - self._almanac.now())
        return min(max(left, 0.0), LOOK)

    def again(self) -> str:
        """Say when it runs next, for people."""
        return "later" if self._moment is None else f"at {_utc(self._moment)}"

    def _keep_up(self, now: float) -> None:
        """Plan anew where the clock was set back, or nothing has been planned yet."""
        if now < self._seen:
            self._plan(now, now)
        elif self._moment is None and now >= self._ask_at:
            self._plan(self._since, now)
        self._seen = now

    def _plan(self, since: float, now: float) -> None:
        """Find the next moment later than `since`; an almanac that fails is asked again."""
        source = f"almanac for {self._name}"
        self._moment, self._since, self._ask_at = None, since, now + ASK_AGAIN
        try:
            moment = self._next(since)
            told = "" if moment is None else _utc(moment)
        except Exception as error:
            log.exception("the chore %s has no next moment", self._name)
            self._condition.degrade(
                f"the almanac does not say when {self._name} runs next: {words_of(error)}", source
            )
            return
        self._condition.recover(source)
        self._moment = moment
        if moment is None:
            log.warning("no moment in sight for the chore %s, %s", self._name, self._daily.words)
        else:
            log.info("the chore %s, %s, runs next at %s", self._name, self._daily.words, told)

    def _next(self, since: float) -> float | None:
        moment = self._daily.next(since, self._almanac)
        if moment is not None and abs(moment - self._kept) < APART:
            moment = self._daily.next(self._kept + APART, self._almanac)
        return moment


def check_almanac(agent: str, whens: Iterable[float | Daily], almanac: Almanac | None) -> None:
    """Refuse an agent whose chores wait for the sky, but who has no almanac.

    Raises:
        AgentError: naming the words, and what would be right.
    """
    for when in whens:
        if isinstance(when, Daily) and when.event is not None and almanac is None:
            raise AgentError(
                f"{agent} has a chore {when.words!r}, but no almanac that says when that is: set "
                "self.almanac in its constructor, for example to "
                "pyros_agents.astronomy.almanac.SkyAlmanac(site, clock)"
            )


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
