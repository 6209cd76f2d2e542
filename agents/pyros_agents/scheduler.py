"""The scheduler: observes the survey by night, and alerts before everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from pydantic import Field

from pyros_agents.arguments import Declination, RightAscension
from pyros_agents.astronomy.ephemeris import separation
from pyros_agents.astronomy.sky import Site, SkyClock
from pyros_agents.memory import Memory
from pyros_agents.scheduling.agenda import Agenda
from pyros_agents.scheduling.errands import Crew
from pyros_agents.scheduling.observer import FIELD, TWILIGHT, Observer, Rules
from pyros_agents.scheduling.ranking import Demands, Rated, rank, rate
from pyros_agents.scheduling.targets import ALERT_PRIORITY, SURVEY, Target
from pyros_mqtt import Agent, Channel, every, on

Name = Annotated[str, Field(min_length=1, max_length=80)]
Event = Annotated[str, Field(min_length=1, max_length=200, description="the alert's name for it")]
PositionError = Annotated[float | None, Field(ge=0, le=180, description="degrees, if known")]
Seconds = Annotated[float, Field(gt=0, le=7200, description="of one exposure, seconds of the sky")]
Count = Annotated[int, Field(ge=1, le=1000, description="exposures of one visit")]
Priority = Annotated[int, Field(ge=0, lt=ALERT_PRIORITY, description="the highest comes first")]


class Scheduler(Agent):
    """Decides what is observed: alerts first, by night and when it is safe, else the survey."""

    channels = (
        Channel(
            "plan",
            description="what is observed now, in which phase, and why",
            fields=("target", "phase", "reason"),
            retain=True,
            qos=1,
        ),
    )

    def __init__(  # noqa: PLR0913 - each is a key of the configuration
        self,
        name: str = "scheduler",
        *,
        site: Mapping[str, Any] | Site | None = None,
        sky: Mapping[str, Any] | SkyClock | None = None,
        survey: Iterable[Mapping[str, Any]] | None = None,
        crew: Mapping[str, str] | None = None,
        safety: str = "safety",
        on: bool = True,
        twilight: float = TWILIGHT,
        field: float = FIELD,
        demands: Mapping[str, float] | None = None,
        alert_life: float = 86_400.0,
        memory: str | Path | None = None,
        **options: Any,
    ) -> None:
        """Take the survey on.

        Args:
            name: the agent's.
            site: the place, a table of the configuration.
            sky: the sky's clock, a table of the configuration.
            survey: tables `{name, ra, dec, priority, exposures, seconds, filter}`; without any,
                bright sights of the southern sky.
            crew: names of the agents `telescope`, `dome` and `camera`, where they differ from
                these words; an empty dome means that there is none.
            safety: the agent whose verdict counts.
            on: observe from the start, without waiting for `night on=true`.
            twilight: the Sun's altitude below which it is night, degrees.
            field: radius of the camera's field, degrees.
            demands: where targets must stand, degrees: `lowest`, `sun`, `moon`.
            alert_life: sky seconds after which an alert is given up.
            memory: a file in which alerts, added targets and `night` outlive this process.
            options: the agent's.
        """
        super().__init__(name, **options)
        self.clock = SkyClock.of(sky)
        self._alert_life = alert_life
        targets = SURVEY if survey is None else [Target(**table) for table in survey]
        self.agenda = Agenda(targets)
        self._observer = Observer(
            self,
            self.agenda,
            Crew(**(crew or {})),
            safety,
            Rules(twilight, field, Demands(**(demands or {}))),
            site=Site.of(site),
            clock=self.clock,
        )
        self._observer.is_on = on
        self._memory, self._noting = Memory(memory), Lock()
        self._take_over()
        self._noted = self._known()

    def work(self) -> None:
        """Look at the sky once, so that the first alert finds everything loaded."""
        self._rated()

    def _take_over(self) -> None:
        """Recall what the life before knew; not in `work`, for an alert may come before that."""
        try:
            if table := self._memory.read():
                self._observer.is_on = bool(table["on"])
                self.agenda.recall(table["agenda"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            self.log.exception("the memory cannot be read; the agenda is the configured one")

    @every(seconds=0.1)
    def go_on(self) -> None:
        """Take the next step of the observation, if one is due."""
        self._observer.advance()
        self._note()

    @on("observe", urgent=True, idempotent=True)
    def observe(  # noqa: PLR0913 - what an alert is, by name
        self,
        *,
        event: Event,
        ra: RightAscension,
        dec: Declination,
        error: PositionError = None,
        ivorn: str = "",
        exposures: Count = 3,
        seconds: Seconds = 30.0,
        reason: str = "",
    ) -> dict[str, Any]:
        """Observe an alert before everything else, as soon as it can be seen.

        Interrupts what runs. An event that is on the agenda already gets the new position.
        """
        if self.agenda.find(event) is not None:
            return self.update(event=event, ra=ra, dec=dec, error=error, reason=reason)
        target = Target(
            name=event,
            ra=ra,
            dec=dec,
            priority=ALERT_PRIORITY,
            exposures=exposures,
            seconds=seconds,
            event=event,
            error=error,
            reason=reason or ivorn,
            until=self.clock.now() + self._alert_life,
        )
        self.agenda.alert(target)
        self._note()
        self._observer.advance()
        return self._told(target)

    @on("update", urgent=True, idempotent=True)
    def update(  # noqa: PLR0913 - what an alert is, by name
        self,
        *,
        event: Event,
        ra: RightAscension,
        dec: Declination,
        error: PositionError = None,
        ivorn: str = "",
        reason: str = "",
    ) -> dict[str, Any]:
        """Give an alert a better position; the telescope follows if it leaves the field.

        An event that is not on the agenda is observed.
        """
        before = self.agenda.find(event)
        if before is None:
            return self.observe(
                event=event, ra=ra, dec=dec, error=error, ivorn=ivorn, reason=reason
            )
        target = replace(before, ra=ra, dec=dec, error=error, reason=reason or before.reason)
        moved = separation((before.ra, before.dec), (ra, dec))
        self.agenda.refine(target, anew=moved > self._observer.rules.field)
        self._note()
        self._observer.advance()
        return self._told(target) | {"moved": round(moved, 6)}

    @on("retract", urgent=True, idempotent=True)
    def retract(self, *, event: Event, reason: str = "") -> dict[str, Any]:
        """Give an alert up; its observation, if it runs, ends at once."""
        dropped = self.agenda.drop(event)
        self._note()
        if dropped is not None:
            self.log.info("%s is given up: %s", event, reason or "retracted")
        self._observer.advance()
        return {"event": event, "ended": dropped is not None}

    @on("add")
    def add(  # noqa: PLR0913 - what a target is, by name
        self,
        *,
        name: Name,
        ra: RightAscension,
        dec: Declination,
        priority: Priority = 10,
        exposures: Count = 3,
        seconds: Seconds = 30.0,
        filter: str = "",  # noqa: A002 - the message's word
    ) -> dict[str, Any]:
        """Add a target to the survey, or change the one of this name."""
        target = Target(name, ra, dec, priority, exposures, seconds, filter)
        self.agenda.add(target)
        self._note()
        return self._told(target)

    @on("targets")
    def targets(self) -> list[dict[str, Any]]:
        """List all targets, the next one first, with what speaks for and against each."""
        return [_line(rated) for rated in self._rated()]

    @on("night")
    def night(self, *, on: bool = True) -> dict[str, Any]:
        """Let the scheduler observe, or keep it from it; what runs then ends at once."""
        self._observer.is_on = on
        self.agenda.touch()
        self._note()
        self._observer.advance()
        return {"on": on, "sun": round(self._observer.sun(self.clock.now()), 2)}

    def _known(self) -> dict[str, Any]:
        return {"on": self._observer.is_on, "agenda": self.agenda.memory()}

    def _note(self) -> None:
        """Write down what the next life must know, before anybody is told that it is known."""
        with self._noting:
            table = self._known()
            if table == self._noted:
                return
            try:
                self._memory.write(table)
                self._noted = table
                self.recover("memory")
            except OSError as error:
                self.degrade(f"the agenda would not outlive a restart: {error}", "memory")

    def _rated(self) -> list[Rated]:
        now, observer = self.clock.now(), self._observer
        targets = [*self.agenda.alerts(now), *self.agenda.survey()]
        return rank(targets, self.agenda.visits(), now, observer.site, observer.rules.demands)

    def _told(self, target: Target) -> dict[str, Any]:
        """Tell a sender how its target stands now."""
        observer, visits = self._observer, self.agenda.visits().get(target.name, 0)
        rules = observer.rules
        return _line(rate(target, visits, self.clock.now(), observer.site, rules.demands))


def _line(rated: Rated) -> dict[str, Any]:
    target = rated.target
    return {
        "name": target.name,
        "ra": target.ra,
        "dec": target.dec,
        "priority": target.priority,
        "observable": rated.is_observable,
        "reason": rated.hindrance or rated.reason,
        "altitude": round(rated.aspect.altitude, 2),
    }
