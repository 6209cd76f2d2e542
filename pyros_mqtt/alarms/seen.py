"""Conditions on how an agent is: its state, and its silence."""

from __future__ import annotations

import math
from typing import Any

from pyros_mqtt.alarms.findings import UNKNOWN, Finding, Sight, held, over
from pyros_mqtt.claims import Health
from pyros_mqtt.messages import Sample
from pyros_mqtt.settings.alarms_table import SILENT, AlarmRule

GONE = {SILENT, "lost"}
"""What is known of an agent that cannot say how it is."""


class _Seen:
    """What both share: the latest look at the agent."""

    def __init__(self, rule: AlarmRule) -> None:
        self.rule = rule
        self._sight = Sight()

    def hear(self, now: float, key: tuple[str, str], sample: Sample, age: float) -> None:
        del now, key, sample, age

    def resume(self, *, held: bool) -> None:
        del held

    def see(self, now: float, sight: Sight) -> None:
        del now
        self._sight = sight


class _InState(_Seen):
    """The agent claims one of some states, or is lost or silent."""

    def look(self, now: float, sighted: float) -> Finding:
        del now, sighted
        word, wanted = _word(self._sight), self.rule.state or ()
        # whoever says nothing any more has not said that it is well again
        if not word or (word in GONE and word not in wanted):
            return UNKNOWN
        if word not in wanted:
            return over(word, list(wanted))
        detail = f": {self._sight.detail}" if self._sight.detail else ""
        return held(word, list(wanted), f"is {word}{detail}")


def _word(sight: Sight) -> str:
    """Name the state that may be believed; empty where none may."""
    if sight.health is Health.SILENT:
        return SILENT
    if sight.health is Health.UNKNOWN or sight.state is None:
        return ""
    return sight.state.value


class _Silent(_Seen):
    """Nothing has been heard of the agent for some time; one that said goodbye is not silent."""

    def __init__(self, rule: AlarmRule) -> None:
        super().__init__(rule)
        self._news = -math.inf

    def see(self, now: float, sight: Sight) -> None:
        super().see(now, sight)
        if sight.health is not Health.LOST:  # a last will is the broker's word
            self._news = max(self._news, now - sight.age)

    def look(self, now: float, sighted: float) -> Finding:
        longest = self.rule.silent or 0.0
        if self._sight.health is Health.STOPPED:
            return over("stopped", longest)
        age = now - self._news
        if age <= longest:
            return over(round(age, 1), longest)
        if now - sighted <= longest:
            return UNKNOWN  # nobody could have told us before
        since = self._news if math.isfinite(age) else sighted
        how = "lost" if self._sight.health is Health.LOST else "silent"
        return held(how, longest, f"has been {how} for more than {longest:g} s", since)


OF_AGENTS: dict[str, Any] = {"state": _InState, "silence": _Silent}
"""The condition of each kind of rule about an agent."""
