"""Alarm <-> payload of an alarm topic (protocol section 9)."""

from __future__ import annotations

from pyros_mqtt.errors import BadPayload
from pyros_mqtt.messages import JSON, Alarm, AlarmState, Severity
from pyros_mqtt.wire.json_text import lenient, to_bytes
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


def decode_alarm(payload: bytes, agent: str, name: str, heard: float = 0.0) -> Alarm:
    """Read the alarm `name` of `agent`; what we do not know of it is passed over.

    A small device may leave out all but `state`; what is there and cannot be read counts as left
    out. Without a severity that we know it is serious, without `at` it was said when it was
    `heard` (POSIX seconds).

    Raises:
        BadPayload: it is none, tells no state, or speaks of another alarm or agent.
    """
    try:
        body = lenient(payload)
        if not isinstance(body, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004, TRY301 - told like all others
        return _from_table(body, agent, name, heard)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise BadPayload(f"not an alarm: {why}: {payload[:200]!r}") from None


def unreadable_alarm(agent: str, name: str, problem: object, heard: float) -> Alarm:
    """Give what stands for an alarm that cannot be read: the worst, for it may be."""
    return Alarm(
        alarm=name,
        agent=agent,
        about=agent,
        state=AlarmState.RAISED,
        severity=Severity.CRITICAL,
        text=f"it cannot be read: {problem}"[:LONGEST_TEXT],
        at=heard,
    )


def _from_table(body: dict[str, JSON], agent: str, name: str, heard: float) -> Alarm:
    for key, right in (("agent", agent), ("alarm", name)):
        if body.get(key, right) != right:
            raise ValueError(f"it speaks of {body[key]!r} on the topic of {right!r}")
    at = _moment(body.get("at"))
    return Alarm(
        alarm=name,
        agent=agent,
        about=_text(body, "about") or agent,
        state=AlarmState(body["state"]),
        severity=_severity(body.get("severity")),
        text=_text(body, "text") or name,
        at=heard if at is None else at,
        raised_at=_moment(body.get("raised_at")),
        value=body.get("value"),
        limit=body.get("limit"),
        unit=_text(body, "unit"),
        by=_text(body, "by"),
        comment=_text(body, "comment"),
        until=_moment(body.get("until")),
        escalated=_count(body.get("escalated")),
    )


def _text(body: dict[str, JSON], key: str) -> str:
    return str(body.get(key) or "")[:LONGEST_TEXT]


def _severity(word: JSON) -> Severity:
    try:
        return Severity(word)
    except ValueError:
        return Severity.SERIOUS


def _moment(text: JSON) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        return from_rfc3339(text)
    except ValueError:
        return None


def _count(number: JSON) -> int:
    return int(number) if isinstance(number, (int, float)) else 0
