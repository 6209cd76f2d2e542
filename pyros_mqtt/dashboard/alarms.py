"""Alarms as they are retained on the bus, and as a page shows them."""

from __future__ import annotations

from typing import Any

from pyros_mqtt import wire

STATES = ("raised", "acknowledged", "shelved", "cleared")
SEVERITIES = ("warning", "serious", "critical")
LONGEST = 500


def read(payload: bytes, agent: str, alarm: str) -> dict[str, Any]:
    """Read one alarm; what is unknown is shown as the worst, for it may be.

    Raises:
        ValueError: it is no JSON object.
    """
    body = wire.strict(payload.decode())
    if not isinstance(body, dict):
        raise TypeError("an alarm is a JSON object")
    state, severity = body.get("state"), body.get("severity")
    return {
        "agent": agent,
        "alarm": alarm,
        "about": _text(body.get("about")),
        "state": state if state in STATES else "raised",
        "severity": severity if severity in SEVERITIES else "critical",
        "text": _text(body.get("text")),
        "value": _plain(body.get("value")),
        "limit": _plain(body.get("limit")),
        "raised_at": _moment(body.get("raised_at")),
        "at": _moment(body.get("at")),
        "by": _text(body.get("by")),
        "until": _moment(body.get("until")),
    }


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:LONGEST]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _text(value)


def _moment(value: Any) -> float | None:
    """POSIX seconds out of RFC 3339 or a number."""
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return wire.from_rfc3339(str(value)) if value else None
    except ValueError:
        return None
