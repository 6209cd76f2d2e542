"""What alarms have said -> when each was raised, and when it was over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyros_mqtt import wire
from pyros_mqtt.archive import Event
from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import Alarm, AlarmState, Severity


@dataclass(slots=True)
class AlarmStory:
    """One alarm: when it was raised and when it ended, as far as the record tells.

    `severity` is the worst that it had; one that cannot be read may be the worst of all.
    """

    agent: str
    alarm: str
    severity: Severity
    text: str
    start: float
    stop: float | None = None
    states: list[str] = field(default_factory=list)


def alarm_stories(events: Iterable[Event]) -> list[AlarmStory]:
    """Tell of each alarm, in order of time; `events` are of the branch `alarm`."""
    open_ones: dict[tuple[str, str], AlarmStory] = {}
    told: list[AlarmStory] = []
    for event in events:
        key = event.agent, event.leaf
        alarm = _alarm_of(event)
        story = open_ones.get(key)
        if alarm is None or alarm.state is AlarmState.CLEARED:
            if story is not None:
                story.stop = event.time
                del open_ones[key]
            continue
        if story is None:
            story = AlarmStory(event.agent, event.leaf, alarm.severity, alarm.text, event.time)
            open_ones[key] = story
            told.append(story)
        story.severity = max(story.severity, alarm.severity, key=lambda one: one.rank)
        if alarm.text != alarm.alarm:
            story.text = alarm.text
        if not story.states or story.states[-1] != alarm.state:
            story.states.append(alarm.state)
    return told


def _alarm_of(event: Event) -> Alarm | None:
    """Read an alarm as everybody does; None where it was removed."""
    if not event.payload:
        return None
    try:
        return wire.decode_alarm(event.payload, event.agent, event.leaf, event.time)
    except BadPayload as error:
        return wire.unreadable_alarm(event.agent, event.leaf, error, event.time)
