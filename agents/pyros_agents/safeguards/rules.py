"""The safety rules of the weather as data, and the count of the dome's openings.

Pure: no clock and no bus. Times are seconds of the sky by a clock that nobody sets: a step of one
that somebody sets would pass for time that was watched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import TypeAdapter

LONGEST_STEP = 120.0
"""Two looks further apart than this (seconds) leave a gap in which anything may have happened."""

SLACK = 1e-3
"""Seconds: sums of POSIX times are not exact."""

_HUGE = 1e300


@dataclass(frozen=True, slots=True)
class Rule:
    """When one field of the weather is bad, and how long it stays so.

    With neither `above` nor `below` the field is a boolean, and true is bad. Limits and
    `tolerance` are in the field's `unit`: a value is bad when it is past a limit by more than the
    tolerance. `bad_after` is for how many seconds it must be so before it counts, `good_after`
    for how many seconds it must be good again, without a break; `frozen_after` is when a number
    that does not move is a broken sensor (None: it may stand still).
    """

    field: str
    above: float | None = None
    below: float | None = None
    unit: str = ""
    bad_after: float = 0.0
    good_after: float = 300.0
    tolerance: float = 0.01
    frozen_after: float | None = 1200.0

    @property
    def is_flag(self) -> bool:
        """The field is a boolean."""
        return self.above is None and self.below is None

    def unreadable(self, value: Any) -> str | None:
        """Say what is wrong with a value that cannot be judged; None where it can."""
        if value is None:
            return f"{self.field} has no value"
        if isinstance(value, bool) is not self.is_flag or not isinstance(value, (bool, int, float)):
            kind = "yes or no" if self.is_flag else "number"
            return f"{self.field} says {str(value)[:40]!r}, which is no {kind}"
        return None if -_HUGE < value < _HUGE else f"{self.field} is {str(value)[:40]}"

    def complaint(self, value: float) -> str | None:
        """Say in which way a readable value is bad; None where it is good."""
        if self.is_flag:
            return self.field if value else None
        if self.above is not None and value > self.above + self.tolerance:
            return f"{self.field} {value:g}{self._unit} is over {self.above:g}{self._unit}"
        if self.below is not None and value < self.below - self.tolerance:
            return f"{self.field} {value:g}{self._unit} is under {self.below:g}{self._unit}"
        return None

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


HOUR, DAY = 3600.0, 86400.0

RULES = (
    Rule("rain", good_after=300.0),
    Rule("humidity", above=75.0, unit="%", bad_after=90.0, good_after=300.0),
    Rule("wind", above=35.0, unit="km/h", bad_after=90.0, good_after=600.0),
    Rule("gust", above=40.0, unit="km/h", bad_after=90.0, good_after=600.0),
    Rule("ice", bad_after=HOUR, good_after=DAY),
)
"""The defaults. A field that has a rule is a required sensor."""


def rules_with(
    limits: Mapping[str, Mapping[str, Any] | bool] | None, rules: tuple[Rule, ...] = RULES
) -> tuple[Rule, ...]:
    """Change the rules by a table of the configuration: field to what is different.

    `{"wind": {"above": 30}}` changes a rule, `{"cloud": {"above": 0.8}}` adds one, and
    `{"ice": False}` takes one away, for a site that has no such sensor.

    Raises:
        ValueError: it names something that no rule has, or gives a limit that is no number.
    """
    known = {rule.field: rule for rule in rules}
    allowed = {entry.name for entry in fields(Rule)} - {"field"}
    for field, changes in (limits or {}).items():
        if changes is False:
            known.pop(field, None)
            continue
        if not isinstance(changes, Mapping) or set(changes) - allowed:
            raise ValueError(
                f"limits, {field}: {changes!r} must be false or a table of {sorted(allowed)}"
            )
        rule = asdict(known.get(field, Rule(field))) | dict(changes)
        known[field] = _rule.validate_python(rule)
    return tuple(known.values())


_rule = TypeAdapter(Rule)


def as_tables(rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
    """Write the rules as JSON can say them, without what is not set."""
    return [{k: v for k, v in asdict(rule).items() if v not in {None, ""}} for rule in rules]


class Stopwatch:
    """Counts the seconds that were watched."""

    def __init__(self) -> None:
        """Start with the first look."""
        self.total = 0.0
        self._last: float | None = None

    def step(self, now: float) -> float:
        """Give the seconds since the last look: none after a gap or where the clock went back."""
        passed = 0.0 if self._last is None else now - self._last
        self._last = now
        passed = passed if 0.0 <= passed <= LONGEST_STEP else 0.0
        self.total += passed
        return passed


class Openings:
    """Counts how often the dome opens: at most `most` times in `window` seconds."""

    def __init__(self, most: int = 3, window: float = 600.0) -> None:
        """Count from nought."""
        self._most, self._window = most, window
        self._watch = Stopwatch()
        self._times: list[float] = []
        self._state: str | None = None

    def feed(self, now: float, state: str | None) -> None:
        """Look at the shutter's state at `now` (elapsed sky seconds); None: it is not known."""
        self._watch.step(now)
        if state is not None:
            found_open = state == "open" and self._state is None
            if _is_open(state) and not _is_open(self._state or "") and not found_open:
                self._times.append(self._watch.total)
            self._state = state
        start = self._watch.total - self._window + SLACK
        self._times = [moment for moment in self._times if moment > start]

    @property
    def reason(self) -> str | None:
        """Why the dome may not be open, in words; None where it may.

        The last opening that is allowed may last: only when the dome has closed again, it must
        stay so until the first of them is old enough.
        """
        count = len(self._times)
        if count < self._most or (count == self._most and _is_open(self._state or "")):
            return None
        left = self._times[count - self._most] + self._window - self._watch.total
        return f"{count} openings in {self._window:g} s, the next is allowed in {left:.0f} s"

    def memory(self) -> list[float]:
        """Give what a successor must know: how many seconds ago the dome opened."""
        return [self._watch.total - moment for moment in self._times]

    def recall(self, memory: list[float], gap: float) -> None:
        """Take over from a predecessor that was there `gap` seconds ago."""
        self._times = [self._watch.total - float(ago) - max(0.0, gap) for ago in memory]


def _is_open(state: str) -> bool:
    return state in {"open", "opening"}
