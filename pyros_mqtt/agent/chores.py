"""What an agent does again and again beside its commands."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pyros_mqtt.agent.appointment import Appointment, WallClock
from pyros_mqtt.condition import Condition
from pyros_mqtt.daily import Almanac, Daily
from pyros_mqtt.errors import words_of

log = logging.getLogger(__name__)


class _Plan(Protocol):
    """When a job is due; `now` in monotonic seconds."""

    def take(self, now: float) -> bool:
        """Whether it is due, which is said once."""

    def wait(self, now: float) -> float:
        """Seconds until it may be due."""

    def again(self) -> str:
        """When it is due next, for people."""


@dataclass(slots=True)
class _Period:
    seconds: float
    due: float

    def take(self, now: float) -> bool:
        if self.due > now:
            return False
        self.due += ((now - self.due) // self.seconds + 1) * self.seconds
        return True

    def wait(self, now: float) -> float:
        return self.due - now

    def again(self) -> str:
        return f"in {self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    call: Callable[[], Any]
    plan: _Plan


class Chores:
    """Runs due chores, always in the agent's thread. A chore that raises is told of, and kept."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self._jobs: list[_Job] = []
        self._busy = False

    def add(
        self,
        name: str,
        call: Callable[[], Any],
        when: float | Daily,
        almanac: Almanac | None = None,
    ) -> None:
        """Run `call` from now on every so many seconds, or at a moment of every day.

        That moment is the almanac's or, without one, that of the wall clock.
        """
        plan: _Plan
        if isinstance(when, Daily):
            plan = Appointment(name, when, almanac or WallClock(), self._condition)
        else:
            plan = _Period(when, time.monotonic())
        self._jobs.append(_Job(name, call, plan))

    @property
    def is_busy(self) -> bool:
        """A chore runs right now, and others wait until it is done."""
        return self._busy

    def next_due(self, now: float) -> float:
        """Seconds until the next chore."""
        return max(0.0, min((job.plan.wait(now) for job in self._jobs), default=1.0))

    def run_due(self, now: float) -> None:
        """Run what is due, once; periods that were missed are not made up for."""
        if self._busy:
            return
        for job in self._jobs:
            if job.plan.take(now):
                self._run(job)

    def _run(self, job: _Job) -> None:
        self._busy = True
        try:
            job.call()
        except Exception as error:
            log.exception("the chore %s failed; it is tried again %s", job.name, job.plan.again())
            self._condition.degrade(
                f"{job.name} failed: {words_of(error)}", source=f"chore {job.name}"
            )
        else:
            self._condition.recover(source=f"chore {job.name}")
        finally:
            self._busy = False
            self._condition.sign(time.monotonic())
