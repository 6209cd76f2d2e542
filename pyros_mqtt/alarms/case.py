"""The life of one alarm: raised, acknowledged, cleared, shelved, escalated. Pure.

The states are those of IEC 62682 (ANSI/ISA-18.2): normal, unacknowledged (`raised`), acknowledged,
returned to normal unacknowledged (`cleared`), and shelved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from pyros_mqtt.alarms.findings import Finding
from pyros_mqtt.messages import JSON, Alarm, AlarmState, Severity

FOLLOW = 10.0
"""Seconds, at least, between two values that are shown of one alarm."""


class Event(StrEnum):
    """What has happened to an alarm."""

    RAISED = "raised"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    SHELVED = "shelved"
    FOLLOWED = "followed"
    """It is as it was, but for its value, which has gone on."""
    NORMAL = "normal"
    """Over and acknowledged, or the shelf ended and nothing was wrong: its topic is emptied."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that has happened; `alarm` is how it is from now on."""

    event: Event
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class What:
    """What does not change in an alarm's life. Delays are seconds; `escalate_after` 0 is never.

    The value that is shown follows the measurement by steps of more than `band`; None: never.
    """

    alarm: str
    agent: str
    about: str
    severity: Severity
    delay: float = 0.0
    clear_delay: float = 0.0
    escalate_after: float = 0.0
    text: str = ""
    unit: str = ""
    band: float | None = None


class Case:
    """Whether one alarm is up, and who knows. All moments are POSIX seconds."""

    def __init__(self, what: What) -> None:
        self.what = what
        self._shown: Alarm | None = None
        self._is_up = False
        self._turning_since: float | None = None
        self._escalates_at = float("inf")
        self._followed_at = float("-inf")

    @property
    def shown(self) -> Alarm | None:
        """The alarm as its topic shows it; None: normal."""
        return self._shown

    @property
    def is_up(self) -> bool:
        """The condition holds, as far as is known."""
        return self._is_up

    def restore(self, alarm: Alarm) -> None:
        """Go on from what an earlier life has shown; a condition holds until it is seen to end."""
        what = self.what
        self._shown = replace(
            alarm,
            about=what.about,
            severity=what.severity,
            agent=what.agent,
            unit=what.unit or alarm.unit,
        )
        self._is_up = alarm.state in {AlarmState.RAISED, AlarmState.ACKNOWLEDGED}
        if alarm.state is AlarmState.RAISED:
            said = alarm.at if alarm.raised_at is None else alarm.raised_at
            self._expect_answer(said + alarm.escalated * what.escalate_after)

    def judge(self, now: float, finding: Finding) -> Change | None:
        """Go on with what was found; at most one thing happens at a time."""
        return (
            self._turn(now, finding)
            or self._unshelve_when_due(now)
            or self._escalate(now)
            or self._follow(now, finding)
        )

    def pause(self) -> None:
        """Nothing can be found out for a while: delays begin anew afterwards."""
        self._turning_since = None

    # -- what an operator does ------------------------------------------------------------------

    def acknowledge(self, now: float, by: str, comment: str = "") -> Change | None:
        """Somebody knows; None where there is nothing to be acknowledged."""
        shown = self._shown
        if shown is None or shown.state not in {AlarmState.RAISED, AlarmState.CLEARED}:
            return None
        said = replace(shown, at=now, by=by, comment=comment)
        self._escalates_at = float("inf")
        if shown.state is AlarmState.CLEARED:
            return self._normal(said)
        return self._show(Event.ACKNOWLEDGED, replace(said, state=AlarmState.ACKNOWLEDGED))

    def shelve(self, now: float, until: float, by: str, reason: str = "") -> Change:
        """Put it aside until a moment; whoever does that knows of it."""
        shown = self._shown or self._made(now, "shelved before it was raised", raised_at=None)
        self._escalates_at = float("inf")
        return self._show(
            Event.SHELVED,
            replace(shown, state=AlarmState.SHELVED, at=now, until=until, by=by, comment=reason),
        )

    def unshelve(self, now: float, by: str = "") -> Change | None:
        """Take it from the shelf: raised anew if its condition holds, else normal."""
        shown = self._shown
        if shown is None or shown.state is not AlarmState.SHELVED:
            return None
        said = replace(shown, at=now, until=None, by=by, comment="")
        if not self._is_up:
            return self._normal(said)
        return self._raise(now, replace(said, raised_at=shown.raised_at or now, escalated=0))

    # -- how it goes on -------------------------------------------------------------------------

    def _turn(self, now: float, finding: Finding) -> Change | None:
        """The condition may begin or end, once its delay is over."""
        if finding.holds is None or finding.holds == self._is_up:
            self._turning_since = None
            return None
        if self._turning_since is None or now < self._turning_since:
            self._turning_since = now
        delay = self.what.delay if finding.holds else self.what.clear_delay
        if now - self._turning_since < delay:
            return None
        began, self._turning_since = self._turning_since, None
        self._is_up = finding.holds
        return self._begin(now, finding, began) if finding.holds else self._end(now, finding.value)

    def _begin(self, now: float, finding: Finding, began: float) -> Change | None:
        since = began if finding.since is None else min(finding.since, began)
        made = self._made(now, self._told(finding.words, since), raised_at=now)
        made = replace(made, value=finding.value, limit=finding.limit)
        if self._shown is not None and self._shown.state is AlarmState.SHELVED:
            shelf = self._shown
            self._shown = replace(
                made, state=shelf.state, until=shelf.until, by=shelf.by, comment=shelf.comment
            )
            return None
        return self._raise(now, made)

    def _end(self, now: float, value: JSON) -> Change | None:
        shown = self._shown
        if shown is None or shown.state is AlarmState.SHELVED:
            return None
        ended = replace(shown, at=now, value=value)
        if shown.state is AlarmState.ACKNOWLEDGED:
            return self._normal(ended)
        self._escalates_at = float("inf")
        return self._show(Event.CLEARED, replace(ended, state=AlarmState.CLEARED))

    def _unshelve_when_due(self, now: float) -> Change | None:
        shown = self._shown
        if shown is None or shown.state is not AlarmState.SHELVED:
            return None
        is_due = shown.until is None or now >= shown.until
        return self.unshelve(now) if is_due else None

    def _escalate(self, now: float) -> Change | None:
        if self._shown is None or now < self._escalates_at:
            return None
        self._expect_answer(now)
        more = replace(self._shown, at=now, escalated=self._shown.escalated + 1)
        return self._show(Event.ESCALATED, more)

    def _follow(self, now: float, finding: Finding) -> Change | None:
        """Show how the value has gone on, now and then; its text stays that of the beginning."""
        shown, band = self._shown, self.what.band
        if shown is None or band is None or not self._is_up or not finding.holds:
            return None
        is_due = now - max(self._followed_at, shown.raised_at or 0.0) >= FOLLOW
        if shown.state is AlarmState.SHELVED or not is_due:
            return None
        if not _differ(shown.value, finding.value, band):
            return None
        self._followed_at = now
        return self._show(Event.FOLLOWED, replace(shown, at=now, value=finding.value))

    def _raise(self, now: float, alarm: Alarm) -> Change:
        self._expect_answer(now)
        return self._show(Event.RAISED, replace(alarm, state=AlarmState.RAISED, at=now))

    def _expect_answer(self, now: float) -> None:
        after = self.what.escalate_after
        self._escalates_at = now + after if after else float("inf")

    def _show(self, event: Event, alarm: Alarm) -> Change:
        self._shown = alarm
        return Change(event, alarm)

    def _normal(self, alarm: Alarm) -> Change:
        self._shown = None
        return Change(Event.NORMAL, alarm)

    def _told(self, words: str, since: float) -> str:
        """Say what is the case, and since when."""
        if not words:
            return self.what.text
        told = f"{self.what.about} {words}, since {datetime.fromtimestamp(since, UTC):%H:%M:%S} UTC"
        return f"{self.what.text}: {told}" if self.what.text else told

    def _made(self, now: float, text: str, raised_at: float | None) -> Alarm:
        what = self.what
        return Alarm(
            what.alarm,
            what.agent,
            what.about,
            AlarmState.RAISED,
            what.severity,
            text,
            at=now,
            raised_at=raised_at,
            unit=what.unit,
        )


def _differ(one: JSON, other: JSON, band: float) -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return abs(one - other) > band if numbers else bool(one != other)
