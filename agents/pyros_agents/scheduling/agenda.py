"""What is to be observed, and what has been done of it; alerts come in while it is worked on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pyros_agents.scheduling.targets import Target


class Agenda:
    """The survey's targets and the alerts. Any thread may use it.

    `version` changes with every change, so that a reader sees when to look again.
    """

    def __init__(self, survey: Iterable[Target] = ()) -> None:
        """Start with the survey's targets; their names are unique, the last of a name counts."""
        self._lock = threading.Lock()
        self._given = {target.name: target for target in survey}
        self._survey = dict(self._given)
        self._alerts: dict[str, Target] = {}
        self._taken: Counter[str] = Counter()
        self._visits: Counter[str] = Counter()
        self._resting: dict[str, float] = {}
        self.version = 0

    def add(self, target: Target) -> None:
        """Enter a target of the survey, or replace the one of its name."""
        with self._lock:
            self._survey[target.name] = target
            self._touch(target.name)

    def alert(self, target: Target) -> None:
        """Enter the target of an alert, the latest first; one event has one target."""
        with self._lock:
            self._alerts.pop(target.event, None)
            self._alerts = {target.event: target, **self._alerts}
            self._touch(target.name)

    def refine(self, target: Target, *, anew: bool) -> None:
        """Replace an alert's target by one with a better position, if it is still wanted.

        `anew` counts its exposures from zero: those taken so far show another place.
        """
        with self._lock:
            if target.event in self._alerts:
                self._alerts[target.event] = target
                self.version += 1
                if anew:
                    self._taken.pop(target.name, None)
                    self._resting.pop(target.name, None)

    def drop(self, event: str) -> Target | None:
        """Take an event off the agenda; None where it was not on it."""
        with self._lock:
            self.version += 1
            return self._alerts.pop(event, None)

    def find(self, event: str) -> Target | None:
        """Give the target of an event as it is known now."""
        with self._lock:
            return self._alerts.get(event)

    def alerts(self, now: float) -> list[Target]:
        """List the targets of alerts, the latest first; forget those whose time is over."""
        with self._lock:
            self._alerts = {key: each for key, each in self._alerts.items() if each.until > now}
            return list(self._alerts.values())

    def survey(self) -> list[Target]:
        """List the targets of the survey."""
        with self._lock:
            return list(self._survey.values())

    def awake(self, targets: Iterable[Target], now: float) -> list[Target]:
        """Leave out the targets that rest after a failure."""
        with self._lock:
            return [each for each in targets if self._resting.get(each.name, 0.0) <= now]

    def visits(self) -> dict[str, int]:
        """Tell how often each target has been finished."""
        with self._lock:
            return dict(self._visits)

    def left(self, target: Target) -> int:
        """Tell how many exposures are missing for the visit."""
        with self._lock:
            return max(0, target.exposures - self._taken[target.name])

    def count(self, target: Target) -> int:
        """Count one exposure; tell how many are missing."""
        with self._lock:
            self._taken[target.name] += 1
            return max(0, target.exposures - self._taken[target.name])

    def finish(self, target: Target) -> None:
        """Close a visit: an alert is done, a target of the survey may come again."""
        with self._lock:
            self._alerts.pop(target.event, None)
            self._visits[target.name] += 1
            self._touch(target.name)

    def rest(self, target: Target, until: float) -> None:
        """Leave a target alone until then (POSIX seconds of the sky); something failed with it."""
        with self._lock:
            self._resting[target.name] = until
            self.version += 1

    def memory(self) -> dict[str, Any]:
        """Give what a successor must know: alerts, what was added, and what has been taken."""
        with self._lock:
            added = [
                each for name, each in self._survey.items() if each is not self._given.get(name)
            ]
            return {
                "alerts": [asdict(target) for target in self._alerts.values()],
                "added": [asdict(target) for target in added],
                "taken": dict(self._taken),
                "visits": dict(self._visits),
            }

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take over from a predecessor."""
        alerts = [Target(**table) for table in memory["alerts"]]
        added = [Target(**table) for table in memory["added"]]
        with self._lock:
            self._alerts = {target.event: target for target in alerts}
            self._survey |= {target.name: target for target in added}
            self._taken, self._visits = Counter(memory["taken"]), Counter(memory["visits"])
            self.version += 1

    def touch(self) -> None:
        """Make whoever works on it look again."""
        with self._lock:
            self.version += 1

    def _touch(self, name: str) -> None:
        self._taken.pop(name, None)
        self._resting.pop(name, None)
        self.version += 1
