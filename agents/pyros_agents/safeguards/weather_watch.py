"""The rules of the weather over time: bad at once, good slowly, and no news is bad news.

Pure: whoever applies these feeds them with (time, value), about once a second. Times are seconds
of the sky by a clock that nobody sets, `SkyClock.elapsed`. Only time that was watched counts: a
pause of the watcher neither shortens a delay nor wears out a sensor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pyros_agents.safeguards.rules import LONGEST_STEP, RULES, SLACK, Rule, Stopwatch


class RuleWatch:
    """Keeps one rule over time.

    It holds how many seconds of good values are still owed. A bad value that lasts owes
    `good_after`; at the start, and after each look without a readable value, no more than
    `settle` is owed on top of what was owed before. While anything is owed, the rule is bad.
    """

    def __init__(self, rule: Rule, settle: float) -> None:
        """Start bad, until `settle` seconds (at most `good_after`) of good values were seen."""
        self.rule = rule
        self.owed = self._settle = min(rule.good_after, settle)
        self.is_tripped = False
        self._watch = Stopwatch()
        self._before = "unreadable"
        self._over_for = self._still_for = 0.0
        self._last: float | None = None
        self._trouble: str | None = f"{rule.field} has never been seen"

    def feed(self, now: float, value: Any) -> None:
        """Look at a value at `now` (elapsed sky seconds); None: there is none."""
        step = self._watch.step(now)
        unreadable = self.rule.unreadable(value)
        if unreadable is None:
            self._note_movement(value, step)
            unreadable = self._frozen()
        if unreadable is not None:
            seen = self._last is not None or value is not None
            self._trouble = unreadable if seen else f"{self.rule.field} has never been seen"
            self.owed, self._before = max(self.owed, self._settle), "unreadable"
            return
        self._trouble = self.rule.complaint(value)
        if self._trouble is None:
            self._good(step if self._before == "good" else 0.0)
        else:
            self._bad(step if self._before == "bad" else 0.0)
        self._before = "good" if self._trouble is None else "bad"

    @property
    def reason(self) -> str | None:
        """Why the rule is broken now, in words; None where it is kept."""
        if self._before != "unreadable" and self.owed <= SLACK:
            return None
        if self._trouble is not None:
            return self._trouble
        why = "is good again" if self.is_tripped else "is being watched"
        return f"{self.rule.field} {why}, {self.owed:.0f} s to go"

    def memory(self) -> dict[str, Any]:
        """Give what a successor must know."""
        return {"owed": self.owed, "tripped": self.is_tripped}

    def recall(self, memory: Mapping[str, Any], gap: float) -> None:
        """Take over from a predecessor that was there `gap` seconds ago."""
        owed = float(memory["owed"])
        self.owed = owed if 0.0 <= gap <= LONGEST_STEP else max(owed, self._settle)
        self.is_tripped = bool(memory["tripped"])

    def _bad(self, step: float) -> None:
        self._over_for += step
        self.is_tripped |= self._over_for >= self.rule.bad_after - SLACK
        if self.is_tripped:
            self.owed = self.rule.good_after
        elif self.owed > SLACK:
            self.owed = max(self.owed, self._settle)

    def _good(self, step: float) -> None:
        self._over_for = 0.0
        self.owed = max(0.0, self.owed - step)
        self.is_tripped &= self.owed > SLACK

    def _note_movement(self, value: float, step: float) -> None:
        self._still_for = self._still_for + step if value == self._last else 0.0
        self._last = value

    def _frozen(self) -> str | None:
        after = self.rule.frozen_after
        if self.rule.is_flag or after is None or self._still_for < after - SLACK:
            return None
        return f"{self.rule.field} has not moved for {self._still_for:.0f} s, its sensor is frozen"


class WeatherWatch:
    """All rules of the weather over time."""

    def __init__(
        self, rules: tuple[Rule, ...] = RULES, *, stale: float = 120.0, settle: float = 600.0
    ) -> None:
        """Watch by `rules`; weather older than `stale` seconds is no weather."""
        self.watches = tuple(RuleWatch(rule, settle) for rule in rules)
        self.reasons: tuple[str, ...] = ("no weather has been heard yet",)
        """Why it is not safe, in words; empty while it is."""
        self._stale = stale

    def feed(self, now: float, conditions: Any, age: float) -> None:
        """Look at the latest conditions, a dict that is `age` sky seconds old, or None."""
        missing = self._missing(conditions, age)
        values: Mapping[str, Any] = {} if missing else conditions
        for watch in self.watches:
            watch.feed(now, values.get(watch.rule.field))
        if missing:
            late = (watch.rule.field for watch in self.watches if watch.is_tripped)
            self.reasons = (missing, *(f"{field} was bad before" for field in late))
        else:
            self.reasons = tuple(w.reason for w in self.watches if w.reason is not None)

    def _missing(self, conditions: Any, age: float) -> str | None:
        if conditions is None:
            return "no weather has been heard yet" if age == math.inf else "the weather is null"
        if not isinstance(conditions, Mapping):
            return f"the weather cannot be read: {str(conditions)[:80]!r}"
        if age > self._stale:
            return f"the weather is {age:.0f} s old, at most {self._stale:g} s are allowed"
        return None

    def memory(self) -> dict[str, Any]:
        """Give what a successor must know."""
        return {watch.rule.field: watch.memory() for watch in self.watches}

    def recall(self, memory: Mapping[str, Any], gap: float) -> None:
        """Take over from a predecessor that was there `gap` seconds ago."""
        for watch in self.watches:
            if watch.rule.field in memory:
                watch.recall(memory[watch.rule.field], gap)
