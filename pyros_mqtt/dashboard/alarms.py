"""Alarms as they are retained on the bus, and as a page shows them."""

from __future__ import annotations

import math
import time
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.errors import BadPayload

LONGEST = 500


def read(payload: bytes, agent: str, alarm: str) -> dict[str, Any]:
    """Read one alarm; one that cannot be read is shown as the worst, for it may be."""
    now = time.time()
    try:
        one = wire.decode_alarm(payload, agent, alarm, now)
    except BadPayload as error:
        one = wire.unreadable_alarm(agent, alarm, error, now)
    return {
        "agent": agent,
        "alarm": alarm,
        "about": one.about[:LONGEST],
        "state": one.state.value,
        "severity": one.severity.value,
        "text": one.text[:LONGEST],
        "value": _plain(one.value),
        "limit": _plain(one.limit),
        "raised_at": one.raised_at,
        "at": one.at,
        "by": one.by[:LONGEST],
        "until": one.until,
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)[:LONGEST]
