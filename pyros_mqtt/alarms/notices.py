"""Who is told of which change, and what is held back in a storm. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyros_mqtt.alarms.case import Change, Event
from pyros_mqtt.messages import Alarm, Severity

if TYPE_CHECKING:
    from pyros_mqtt.settings import AlarmsTable

GATHER = 10.0
"""Seconds for which a storm is gathered before its summary goes out."""

TOLD = {Event.RAISED, Event.ESCALATED}
"""What people are called for."""

MOST_NAMED = 20
"""So many alarms a summary names one by one."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent on: one alarm, or with `others` the summary of a storm.

    `notifiers` are the names of those that are to send it.
    """

    event: Event
    alarm: Alarm
    notifiers: tuple[str, ...]
    others: tuple[Alarm, ...] = ()

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """All that it is about."""
        return (self.alarm, *self.others)

    @property
    def subject(self) -> str:
        """One line for people."""
        if self.others:
            return f"[{self.alarm.severity}] {len(self.alarms)} more alarms: {self._names()}"
        again = ""
        if self.event is Event.ESCALATED:
            again = f" (nobody has answered, {self.alarm.escalated} x)"
        return f"[{self.alarm.severity}] {self.alarm.alarm}{again}: {self.alarm.text}"

    @property
    def text(self) -> str:
        """All of it, for people."""
        lines = [_line(one) for one in self.alarms[:MOST_NAMED]]
        left = len(self.alarms) - len(lines)
        if left:
            lines.append(f"... and {left} more")
        end = [f"To say that you know: pyros alarms ack {self._names(' ')}"]
        return "\n".join([*lines, "", *end, ""])

    def _names(self, between: str = ", ") -> str:
        names = [one.alarm for one in self.alarms[:MOST_NAMED]]
        return between.join(names)


def _line(alarm: Alarm) -> str:
    raised = ""
    if alarm.raised_at is not None:
        raised = f" Raised at {datetime.fromtimestamp(alarm.raised_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    escalated = f", unanswered {alarm.escalated} x" if alarm.escalated else ""
    return f"{alarm.alarm} ({alarm.severity}): {alarm.text}.{raised} by {alarm.agent}{escalated}."


@dataclass(slots=True)
class _Budget:
    """What may still be sent of one severity, and what is held back."""

    sent: deque[float] = field(default_factory=deque)
    held: list[Notice] = field(default_factory=list)
    held_since: float = 0.0
    summed_up_at: float = float("-inf")


class NoticeDesk:
    """Turns changes into notices. For one thread; all moments are seconds of one clock.

    Each severity has its own limit, so that a storm of warnings hides nothing critical.
    """

    def __init__(self, table: AlarmsTable, agent: str = "alarms") -> None:
        self._table = table
        self._agent = agent
        self._budgets = {one: _Budget() for one in Severity}
        self.held_back = 0
        """How many notices have gone into summaries."""

    def take(self, now: float, change: Change) -> list[Notice]:
        """Decide on one change."""
        if change.event not in TOLD:
            self._forget_held(change.alarm)
            return []
        notifiers = self._notifiers(change.alarm)
        notice = Notice(change.event, change.alarm, notifiers)
        return self._limit(now, notice) if notifiers else []

    def tick(self, now: float) -> list[Notice]:
        """Give the summaries that are due."""
        return [one for budget in self._budgets.values() for one in self._sum_up(now, budget)]

    def _notifiers(self, alarm: Alarm) -> tuple[str, ...]:
        """Those who are told at this step; from which severity on each of them is."""
        rule = self._table.rules.get(alarm.alarm) if alarm.agent == self._agent else None
        groups = self._table.notify if rule is None or rule.notify is None else rule.notify
        if not groups:
            return ()
        known = self._table.notifiers
        told = self._table.told(groups[min(alarm.escalated, len(groups) - 1)])
        return tuple(one for one in told if known[one].least.rank <= alarm.severity.rank)

    def _limit(self, now: float, notice: Notice) -> list[Notice]:
        budget = self._budgets[notice.alarm.severity]
        self._forget(now, budget)
        if len(budget.sent) < self._table.storm_notices and not budget.held:
            budget.sent.append(now)
            return [notice]
        if not budget.held:
            budget.held_since = now
        self.held_back += 1
        self._forget_held(notice.alarm)
        budget.held.append(notice)
        return []

    def _forget_held(self, alarm: Alarm) -> None:
        """What was to be told of an alarm is out of date; nobody need be called for it."""
        key = (alarm.agent, alarm.alarm)
        for one in self._budgets.values():
            one.held = [n for n in one.held if (n.alarm.agent, n.alarm.alarm) != key]

    def _sum_up(self, now: float, budget: _Budget) -> list[Notice]:
        is_time = now - budget.summed_up_at >= self._table.storm_seconds
        if not budget.held or not is_time or now - budget.held_since < GATHER:
            return []
        held, budget.held, budget.summed_up_at = budget.held, [], now
        if len(held) == 1:
            return held
        notifiers = dict.fromkeys(name for one in held for name in one.notifiers)
        others = tuple(one.alarm for one in held[1:])
        return [Notice(held[0].event, held[0].alarm, tuple(notifiers), others)]

    def _forget(self, now: float, budget: _Budget) -> None:
        while budget.sent and now - budget.sent[0] >= self._table.storm_seconds:
            budget.sent.popleft()
