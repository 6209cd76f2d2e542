"""Alarm <-> payload of an alarm topic (protocol section 9)."""

from __future__ import annotations

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, Alarm, AlarmState, Severity
from pyros_mqtt.wire.json_text import to_bytes, tolerant
from pyros_mqtt.wire.time_text import from_rfc3339, to_rfc3339

LONGEST_TEXT = 2000
"""Characters of a text from the bus that are kept: it goes on to people's telephones."""


def alarm_table(alarm: Alarm) -> dict[str, JSON]:
    """Give the document as a table, for the topic, a webhook or a program."""
    return {
        "alarm": alarm.alarm,
        "agent": alarm.agent,
        "about": alarm.about,
        "state": alarm.state.value,
        "severity": alarm.severity.value,
        "text": alarm.text,
        "value": alarm.value,
        "limit": alarm.limit,
        "unit": alarm.unit,
        "raised_at": None if alarm.raised_at is None else to_rfc3339(alarm.raised_at),
        "at": to_rfc3339(alarm.at),
        "by": alarm.by,
        "comment": alarm.comment,
        "until": None if alarm.until is None else to_rfc3339(alarm.until),
        "escalated": alarm.escalated,
    }


def encode_alarm(alarm: Alarm) -> bytes:
    """Write the document."""
    return to_bytes(alarm_table(alarm))


def decode_alarm(payload: bytes, agent: str, name: str) -> Alarm:
    """Read the alarm `name` of `agent`; what we do not know of it is passed over.

    A small device may leave out all but `state` and `severity`; without a severity it is serious.

    Raises:
        BadPayload: it is none, or it speaks of another alarm or agent.
    """
    try:
        body = tolerant(payload)
        return _from_table(body, agent, name)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise BadPayload(f"not an alarm: {error}: {payload[:200]!r}") from None


def _from_table(body: dict[str, JSON], agent: str, name: str) -> Alarm:
    for key, right in (("agent", agent), ("alarm", name)):
        if body.get(key, right) != right:
            raise ValueError(f"it speaks of {body[key]!r} on the topic of {right!r}")
    return Alarm(
        alarm=name,
        agent=agent,
        about=_text(body, "about") or agent,
        state=AlarmState(body["state"]),
        severity=Severity(body.get("severity") or Severity.SERIOUS),
        text=_text(body, "text") or name,
        at=_moment(body.get("at")) or 0.0,
        raised_at=_moment(body.get("raised_at")),
        value=body.get("value"),
        limit=body.get("limit"),
        unit=_text(body, "unit"),
        by=_text(body, "by"),
        comment=_text(body, "comment"),
        until=_moment(body.get("until")),
        escalated=int(body.get("escalated") or 0),
    )


def _text(body: dict[str, JSON], key: str) -> str:
    return str(body.get(key) or "")[:LONGEST_TEXT]


def _moment(text: JSON) -> float | None:
    return None if text is None else from_rfc3339(text)
