"""An alarm, as its topic shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pyros_mqtt.messages.json_value import JSON


class Severity(StrEnum):
    """How bad it is that an alarm's condition holds."""

    WARNING = "warning"
    SERIOUS = "serious"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for a warning; a higher one is worse."""
        return list(Severity).index(self)


class AlarmState(StrEnum):
    """The states that an alarm's topic can show; where it shows none, all is normal."""

    RAISED = "raised"
    """Its condition holds, and nobody has acknowledged it."""
    ACKNOWLEDGED = "acknowledged"
    """Its condition holds, and somebody knows."""
    CLEARED = "cleared"
    """Its condition is over, and nobody has acknowledged it."""
    SHELVED = "shelved"
    """Somebody has put it aside until a moment."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as its topic shows it; times are POSIX seconds.

    `agent` publishes it, and takes the commands on it; `about` is what it watches, such as
    `weather/conditions.wind`, or an agent. `at` is when this was last said, `raised_at` when the
    condition was found to hold: None for one that was shelved before it ever did. `by` and
    `comment` tell who acknowledged or shelved it and why, `until` when the shelf ends; `escalated`
    counts how often nobody has answered.
    """

    alarm: str
    agent: str
    about: str
    state: AlarmState
    severity: Severity
    text: str
    at: float
    raised_at: float | None = None
    value: JSON = None
    limit: JSON = None
    unit: str = ""
    by: str = ""
    comment: str = ""
    until: float | None = None
    escalated: int = 0
