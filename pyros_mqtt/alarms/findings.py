"""What a condition is judged by, and what comes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pyros_mqtt.claims import Health
from pyros_mqtt.messages import JSON, Sample, State

if TYPE_CHECKING:
    from pyros_mqtt.settings import AlarmRule


@dataclass(frozen=True, slots=True)
class Sight:
    """How an agent is, as its neighbours see it. `age` is the seconds since its last news."""

    health: Health = Health.UNKNOWN
    state: State | None = None
    age: float = math.inf
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One look at a condition.

    `holds` is None where nobody can know: then everything stays as it was. `words` say what is the
    case, for people; `since` is when it began, where that was before it was seen to hold.
    """

    holds: bool | None
    value: JSON = None
    limit: JSON = None
    words: str = ""
    since: float | None = None


UNKNOWN = Finding(None)
"""Nobody can know."""


def held(value: JSON, limit: JSON, words: str, since: float | None = None) -> Finding:
    """It holds, since a moment or since it was seen to."""
    return Finding(True, value, limit, words, since)  # noqa: FBT003 - the name says it


def over(value: JSON, limit: JSON) -> Finding:
    """It does not hold."""
    return Finding(False, value, limit)  # noqa: FBT003 - the name says it


class Condition(Protocol):
    """One rule's condition. All moments are seconds of one clock, which never goes back."""

    rule: AlarmRule

    def hear(self, now: float, key: tuple[str, str], sample: Sample, age: float) -> None:
        """Take in a measurement of channel `key`, which came `age` seconds late, or infinitely."""

    def see(self, now: float, sight: Sight) -> None:
        """Take in how the agent is."""

    def resume(self, *, held: bool) -> None:
        """Know whether the condition held in an earlier life, or before a gap."""

    def look(self, now: float, sighted: float) -> Finding:
        """Judge; `sighted` is since when everything can be heard without a gap."""
