"""The scheduler's head: looks at what is so, and takes the next step of the observation.

`advance` is called again and again, and at once when an alert comes in; each call looks anew and
returns within milliseconds, so nothing that runs can keep an alert waiting.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from dataclasses import field as field_of
from math import inf
from typing import Any

from pyros_agents.astronomy.ephemeris import separation, sun_altitude
from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.scheduling.agenda import Agenda
from pyros_agents.scheduling.choosing import Choice, Sky, choose
from pyros_agents.scheduling.closing_up import ClosingUp
from pyros_agents.scheduling.errands import Crew, Ending, Errands, is_same_place
from pyros_agents.scheduling.observing import Facts, Step, next_step
from pyros_agents.scheduling.ranking import Demands
from pyros_agents.scheduling.targets import Target
from pyros_mqtt import Agent, SendError

TWILIGHT = -12.0
"""The Sun's altitude below which it is night, degrees: nautical dusk and dawn."""

FIELD = 0.2
"""Radius of the camera's field, degrees."""

FRESH = 10.0
"""Wall seconds for which the word of safety, dome and telescope is believed."""

PAUSE = 10.0
"""Wall seconds after a failure before anything is tried again, unless another target comes up."""

RECONSIDER = 5.0
"""Wall seconds after which targets are compared anew, though nothing has happened."""

SHOW = 10.0
"""Wall seconds after which the plan is published again, though it has not changed."""

_SUN_EVERY = 20.0
_REST = 600.0
_REST_ALERT = 60.0
_MOST_FAILURES = 2
_LAG = 1.5


@dataclass(frozen=True, slots=True)
class Rules:
    """By what an observer goes, degrees.

    Attributes:
        twilight: the Sun's altitude below which it is night.
        field: radius of the camera's field; a target that moved by less is still in the image.
        demands: where a target must stand.
    """

    twilight: float = TWILIGHT
    field: float = FIELD
    demands: Demands = field_of(default_factory=Demands)


class Observer:
    """Observes what the agenda holds. `advance` is for any thread, one at a time gets through."""

    def __init__(  # noqa: PLR0913 - what an observer needs to know
        self,
        agent: Agent,
        agenda: Agenda,
        crew: Crew,
        safety: str,
        rules: Rules,
        *,
        site: Site,
        clock: SkyClock,
    ) -> None:
        """Follow those whose word counts."""
        self.is_on = True
        self.rules, self.site, self.clock = rules, site, clock
        self._agent, self._agenda, self._crew = agent, agenda, crew
        self._errands = Errands(agent, crew, clock)
        self._verdict = agent.follow(safety, "verdict")
        self._shutter = agent.follow(crew.dome, "shutter") if crew.dome else None
        self._pointing = agent.follow(crew.telescope, "pointing")
        self._turn = threading.Lock()
        self._choice = Choice(None, "")
        self._considered: tuple[int, float] = (-1, -inf)
        self._pointed: Target | None = None
        self._pointed_at = -inf
        self._closing_up = ClosingUp(list(filter(None, (crew.dome, crew.telescope))))
        self._began = time.monotonic()
        self._sun: tuple[float, float] = (-inf, 0.0)
        self._trouble, self._failures, self._paused_until = "", 0, -inf
        self._shown: tuple[dict[str, Any], float] = ({}, -inf)

    def advance(self) -> None:
        """Take the next step, if one is due. Returns at once where another thread is at it."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._advance(self.clock.now())
        finally:
            self._turn.release()

    def sun(self, now: float) -> float:
        """Say how high the Sun stands, degrees."""
        when, altitude = self._sun
        if abs(now - when) > _SUN_EVERY:
            altitude = sun_altitude(now, self.site)
            self._sun = (now, altitude)
        return altitude

    def _advance(self, now: float) -> None:
        self._consider(now)
        ending = self._errands.ending()
        if ending is not None:
            self._conclude(ending, now)
            self._consider(now)
        step = next_step(self._facts(now))
        target = self._choice.target
        if not self._errands.is_fit(step, target, self.rules.field):
            self._errands.break_off(leave_telescope=step in {Step.UNSAFE, Step.CLOSE_UP})
            is_due = not step.is_waiting and time.monotonic() >= self._paused_until
            if is_due and not self._errands.must_wait(step, target):
                self._begin(step, target, now)
        self._tell_of_who_does_not_stop()
        self._show(step, target, now)

    def _consider(self, now: float) -> None:
        """Choose the target anew, where the agenda has changed or the sky has turned."""
        version, moment = self._considered
        if version == self._agenda.version and time.monotonic() - moment < RECONSIDER:
            return
        self._considered = (self._agenda.version, time.monotonic())
        before, agenda = self._choice.target, self._agenda
        if not self.is_on or self.sun(now) > self.rules.twilight:
            self._choice = Choice(None, "")
            return
        self._choice = choose(
            agenda.awake(agenda.alerts(now), now),
            agenda.awake(agenda.survey(), now),
            agenda.visits(),
            before,
            Sky(now, self.site, self.rules.demands),
        )
        if not is_same_place(before, self._choice.target, self.rules.field):
            self._failures, self._paused_until = 0, -inf

    def _facts(self, now: float) -> Facts:
        is_night = self.sun(now) <= self.rules.twilight
        if is_night:
            self._closing_up.evening()
        elif self._closing_up.is_new:
            self._look_around()
        if self._telescope_went_elsewhere():
            self._pointed = None
        return Facts(
            is_on=self.is_on,
            is_night=is_night,
            is_safe=_field(self._verdict, "safe") is True,
            is_closed_up=self._closing_up.is_done or self._closing_up.is_new,
            is_open=self._shutter is None or _field(self._shutter, "state") == "open",
            is_parked=_field(self._pointing, "state") in {"parked", "parking"},
            has_target=self._choice.target is not None,
            is_pointed=is_same_place(self._pointed, self._choice.target, self.rules.field),
        )

    def _look_around(self) -> None:
        """See what an earlier life of ours has left open, once all have told or had the time."""
        shutter = _field(self._shutter, "state") if self._shutter else "closed"
        pointing = _field(self._pointing, "state")
        if (shutter and pointing) or time.monotonic() - self._began > FRESH:
            states = {self._crew.dome: shutter, self._crew.telescope: pointing}
            in_order = {"closed", "closing", "parked", "parking"}
            self._closing_up.look_around([who for who in states if states[who] in in_order])

    def _telescope_went_elsewhere(self) -> bool:
        """Say whether the telescope itself contradicts that it looks where it was sent."""
        target = self._pointed
        since = time.monotonic() - self._pointed_at - _LAG
        if target is None or self._pointing.age > min(since, FRESH):
            return False
        if _field(self._pointing, "state") in {"parked", "parking", "stopped"}:
            return True
        ra, dec = _field(self._pointing, "ra"), _field(self._pointing, "dec")
        if not isinstance(ra, int | float) or not isinstance(dec, int | float):
            return False
        return separation((ra, dec), (target.ra, target.dec)) > self.rules.field

    def _begin(self, step: Step, target: Target | None, now: float) -> None:
        if step in {Step.SLEW, Step.UNPARK}:
            self._pointed = None
        try:
            left = self._closing_up.left if step is Step.CLOSE_UP else None
            self._errands.begin(step, target, left)
        except SendError as error:
            self._fail(step, target, str(error), now)

    def _conclude(self, ending: Ending, now: float) -> None:
        """Take note of how an errand ended."""
        step, target = ending.errand.step, ending.errand.target
        if step is Step.CLOSE_UP:
            self._closing_up.obeyed(ending.errand.done)
        if ending.trouble:
            self._fail(step, target, ending.trouble, now)
            return
        self._trouble, self._failures = "", 0
        self._agent.recover()
        if step is Step.SLEW:
            self._pointed, self._pointed_at = target, time.monotonic()
        elif step is Step.EXPOSE and target is not None and self._agenda.count(target) == 0:
            self._agent.log.info("%s is done", target.name)
            self._agenda.finish(target)
            self._choice = Choice(None, "")

    def _fail(self, step: Step, target: Target | None, trouble: str, now: float) -> None:
        """Say what failed, and wait a while; a target that fails again and again has to rest."""
        self._trouble = f"{step}: {trouble}"
        self._agent.degrade(self._trouble)
        self._failures += 1
        self._paused_until = time.monotonic() + PAUSE
        if step is Step.CLOSE_UP:
            # the dome closes by its own rules, too; who insists too often is only in the way
            self._paused_until += PAUSE * (self._closing_up.failed() - 1)
        elif step.is_of_target and target is not None and self._failures >= _MOST_FAILURES:
            self._agenda.rest(target, now + (_REST_ALERT if target.is_alert else _REST))

    def _tell_of_who_does_not_stop(self) -> None:
        if unheeded := self._errands.unheeded:
            self._agent.degrade(unheeded, "stop")
        else:
            self._agent.recover("stop")

    def _show(self, step: Step, target: Target | None, now: float) -> None:
        """Publish the plan where it has changed, and now and then."""
        plan = {
            "target": target.name if target and not step.is_waiting else None,
            "phase": step.value,
            "reason": self._why(step, target, now),
        }
        shown, moment = self._shown
        if plan != shown or time.monotonic() - moment > SHOW:
            self._shown = (plan, time.monotonic())
            self._agent.telemetry("plan", plan)

    def _why(self, step: Step, target: Target | None, now: float) -> str:
        """Tell people why this is the step."""
        match step:
            case Step.OFF:
                return "switched off; `night on=true` starts it"
            case Step.DAY | Step.CLOSE_UP:
                sun = self.sun(now)
                return f"the Sun stands at {sun:.0f} deg, night is below {self.rules.twilight:g}"
            case Step.UNSAFE:
                return self._why_unsafe()
        if self._errands.current is None and self._trouble and step is not Step.IDLE:
            return f"waits a moment after a failure: {self._trouble}"
        if step is Step.EXPOSE and target is not None:
            number = target.exposures - self._agenda.left(target) + 1
            return f"exposure {number} of {target.exposures}; {self._choice.reason}"
        return self._choice.reason

    def _why_unsafe(self) -> str:
        if not self._verdict.is_fresh(FRESH):
            return f"no safety verdict within the last {FRESH:g} s"
        reasons = _field(self._verdict, "reasons")
        told = "; ".join(map(str, reasons)) if isinstance(reasons, list) else ""
        return f"not safe: {told or 'no reason given'}"


def _field(follow: Any, name: str) -> Any:
    """Give a field of what somebody said a moment ago; None where it is not known."""
    value = follow.value if follow.is_fresh(FRESH) else None
    return value.get(name) if isinstance(value, dict) else None
