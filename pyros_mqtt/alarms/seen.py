"""Conditions on how an agent is: its state, and its silence."""

from __future__ import annotations

import math
from typing import Any

from pyros_mqtt.alarms.findings import UNKNOWN, Finding, Sight, held, over
from pyros_mqtt.claims import Health
from pyros_mqtt.messages import Sample
from pyros_mqtt.settings.alarms_table import SILENT, AlarmRule


class _Seen:
    """What both share: the latest look at the agent."""

    def __init__(self, rule: AlarmRule) -> None:
        self.rule = rule
        self._sight = Sight()
        self._seen_at = float("-inf")

    def hear(self, now: float, key: tuple[str, str], sample: Sample, age: float) -> None:
        del now, key, sample, age

    def resume(self, *, held: bool) -> None:
        del held

    def see(self, now: float, sight: Sight) -> None:
        self._sight, self._seen_at = sight, now


class _InState(_Seen):
    """The agent claims one of some states, or is lost or silent."""

    def look(self, now: float, sighted: float) -> Finding:
        del now, sighted
        word = _word(self._sight)
        if not word:
            return UNKNOWN
        detail = f": {self._sight.detail}" if self._sight.detail else ""
        wanted = self.rule.state or ()
        return Finding(word in wanted, word, list(wanted), f"is {word}{detail}")


def _word(sight: Sight) -> str:
    """Name the state that may be believed; empty where none may."""
    if sight.health is Health.SILENT:
        return SILENT
    if sight.health is Health.UNKNOWN or sight.state is None:
        return ""
    return sight.state.value


class _Silent(_Seen):
    """Nothing has been heard of the agent for some time; one that said goodbye is not silent."""

    def look(self, now: float, sighted: float) -> Finding:
        longest = self.rule.silent or 0.0
        if self._sight.health is Health.STOPPED:
            return over("stopped", longest)
        age = self._sight.age + max(0.0, now - self._seen_at)
        if age <= longest:
            return over(round(age, 1), longest)
        if now - sighted <= longest:
            return UNKNOWN  # nobody could have told us before
        since = now - age if math.isfinite(age) else sighted
        how = "lost" if self._sight.health is Health.LOST else "silent"
        return held(how, longest, f"has been {how} for more than {longest:g} s", since)


OF_AGENTS: dict[str, Any] = {"state": _InState, "silence": _Silent}
"""The condition of each kind of rule about an agent."""
