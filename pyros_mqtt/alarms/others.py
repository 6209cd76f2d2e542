"""Alarms that other agents raise themselves: people are called for them as for ours. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyros_mqtt.alarms.case import Change, Event
from pyros_mqtt.hearsay import Hearsay
from pyros_mqtt.messages import Alarm, AlarmState

MOST = 1000
"""So many are followed; whoever floods the bus with more does not grow its reader."""


@dataclass(slots=True)
class _Followed:
    alarm: Alarm
    escalates_at: float
    escalated: int = 0


class Others:
    """Follows them, and says when people are to be called. For one thread.

    Args:
        escalate_after: seconds without an answer after which more people are called; 0: never.
    """

    def __init__(self, escalate_after: float) -> None:
        self._after = escalate_after
        self._followed: dict[tuple[str, str], _Followed] = {}
        self._hearsay: Hearsay[tuple[str, str]] = Hearsay()

    def miss(self, lost_at: float, up_since: float) -> None:
        """Nothing was heard between two moments: what nobody says again is over."""
        self._hearsay.lose(lost_at)
        self._hearsay.regain(up_since)

    def hear(
        self, now: float, agent: str, name: str, alarm: Alarm | None, *, kept: bool
    ) -> list[Change]:
        """Take in what a topic showed at `now`; None: normal.

        What the broker had `kept` has been told before, or is told when nobody answers.
        """
        key = (agent, name)
        known = self._followed.pop(key, None)
        self._hearsay.forget(key)
        if alarm is None or alarm.state is not AlarmState.RAISED:
            gone = alarm or (known.alarm if known else None)
            return [Change(Event.NORMAL, gone)] if gone else []
        if known is not None and known.alarm.raised_at == alarm.raised_at:
            known.alarm = alarm
            self._followed[key] = known
            self._hearsay.hear(key, now)
        elif len(self._followed) < MOST:
            self._followed[key] = _Followed(alarm, now + self._after)
            self._hearsay.hear(key, now)
            if not kept or not self._after:
                return [Change(Event.RAISED, alarm)]
        return []

    def tick(self, now: float) -> list[Change]:
        """Call more people for what nobody has answered, and that is not over meanwhile."""
        gone = [self._followed.pop(key).alarm for key in self._hearsay.over(now)]
        changes = [Change(Event.NORMAL, alarm) for alarm in gone]
        for key, one in self._followed.items():
            if self._after and now >= one.escalates_at and not self._hearsay.doubts(key):
                one.escalates_at, one.escalated = now + self._after, one.escalated + 1
                changes.append(Change(Event.ESCALATED, replace(one.alarm, escalated=one.escalated)))
        return changes
