"""What an agent does again and again beside its commands."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyros_mqtt.condition import Condition

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    name: str
    call: Callable[[], Any]
    period: float
    due: float


class Chores:
    """Runs due chores, always in the agent's thread. A chore that raises is told of, and kept."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self._jobs: list[_Job] = []
        self._busy = False

    def add(self, name: str, call: Callable[[], Any], period: float) -> None:
        """Run `call` every `period` seconds from now on."""
        self._jobs.append(_Job(name, call, period, time.monotonic()))

    @property
    def is_busy(self) -> bool:
        """A chore runs right now, and others wait until it is done."""
        return self._busy

    def next_due(self, now: float) -> float:
        """Seconds until the next chore."""
        return max(0.0, min((job.due for job in self._jobs), default=now + 1.0) - now)

    def run_due(self, now: float) -> None:
        """Run what is due, once; periods that were missed are not made up for."""
        if self._busy:
            return
        for job in self._jobs:
            if job.due <= now:
                behind = (now - job.due) // job.period + 1
                job.due += behind * job.period
                self._run(job)

    def _run(self, job: _Job) -> None:
        self._busy = True
        try:
            job.call()
        except Exception as error:
            log.exception("the chore %s failed; it is tried again in %g s", job.name, job.period)
            self._condition.degrade(f"{job.name} failed: {error}", source=f"chore {job.name}")
        else:
            self._condition.recover(source=f"chore {job.name}")
        finally:
            self._busy = False
            self._condition.sign(time.monotonic())
