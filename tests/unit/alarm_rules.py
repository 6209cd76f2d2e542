"""Rules for tests, as they stand in a pyros.toml, and a hand that moves the time."""

from __future__ import annotations

from typing import Any

from pyros_mqtt.alarms import Change
from pyros_mqtt.alarms.engine import Engine
from pyros_mqtt.alarms.findings import Sight
from pyros_mqtt.claims import Health
from pyros_mqtt.messages import JSON, Alarm, Sample, State
from pyros_mqtt.settings import AlarmsTable

START = 1_763_841_600.0


def table(rule: dict[str, Any] | None = None, /, **rest: Any) -> AlarmsTable:
    """A table with one rule, named `it`."""
    rules = {"it": {"about": "weather/wind", "severity": "serious", **rule}} if rule else {}
    return AlarmsTable.model_validate({"rules": rules, "escalate_after": 0, **rest})


class Hand:
    """Feeds an engine; its clock goes only where it is moved."""

    def __init__(self, rule: dict[str, Any], **rest: Any) -> None:
        self.table = table(rule, **rest)
        self.engine = Engine(self.table)
        self.now = START
        self.events: list[str] = []
        self.engine.sight(self.now)

    def measure(
        self,
        *values: JSON,
        every: float = 1.0,
        channel: str = "wind",
        age: float = 0.0,
        **more: Any,
    ) -> None:
        """Measure these, one after the other, with a pause before each."""
        for value in values:
            self.go_on(every)
            sample = Sample(self.now, value, **more)
            self._note(self.engine.hear(self.now, "weather", channel, sample, age))

    def see(self, health: Health, state: State | None = None, age: float = 0.0) -> None:
        self._note(self.engine.see(self.now, "weather", Sight(health, state, age)))

    def go_on(self, seconds: float) -> None:
        """Let time pass, with a look at each second."""
        end = self.now + seconds
        while self.now + 1.0 < end:
            self.now += 1.0
            self._note(self.engine.tick(self.now))
        self.now = end
        self._note(self.engine.tick(self.now))

    def acknowledge(self, by: str = "ops") -> None:
        self._note([self.engine.acknowledge(self.now, "it", by)])

    def shelve(self, seconds: float) -> None:
        self._note([self.engine.shelve(self.now, "it", self.now + seconds, "ops", "wet paint")])

    def unshelve(self) -> None:
        self._note([self.engine.unshelve(self.now, "it", "ops")])

    def restart(self) -> None:
        """Another engine goes on from what this one showed."""
        kept = self.engine.alarms
        self.engine = Engine(self.table)
        for one in kept:
            self.engine.restore(one)
        self.engine.sight(self.now)

    @property
    def shown(self) -> Alarm | None:
        return next(iter(self.engine.alarms), None)

    @property
    def state(self) -> str:
        return self.shown.state.value if self.shown else "normal"

    def _note(self, changes: list[Change]) -> None:
        self.events += [one.event.value for one in changes]
