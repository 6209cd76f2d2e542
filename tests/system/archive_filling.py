"""Messages for an archive, as a recorder would have heard them."""

from __future__ import annotations

import json
import time
from typing import Any

from pyros_mqtt.archive import Store
from pyros_mqtt.recorder.arrivals import Arrival
from pyros_mqtt.recorder.intake import Intake
from pyros_mqtt.topics import Topics

EVENING = 1763841600.0
"""2025-11-22T20:00:00Z"""


def fill(store: Store, *messages: tuple[str, Any]) -> int:
    """Write topics below `pyros/` with their payloads; how many rows were new."""
    now = int(time.time() * 1e6)
    arrivals = [
        Arrival(f"pyros/{topic}", _bytes(payload), now + number, retain=False)
        for number, (topic, payload) in enumerate(messages)
    ]
    rows = Intake(Topics(), "recorder").rows(arrivals, store)
    written = store.write(rows.samples, rows.events)
    return written.samples + written.events


def azimuth(number: int, *, step: float = 1.0, start: float = EVENING) -> tuple[str, Any]:
    """One of many measurements."""
    body = {"t": start + number * step, "v": float(number % 360), "seq": number, "session": "a1"}
    return "dome/telemetry/azimuth", body


def _bytes(payload: Any) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()
