"""Something that happened, as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyros_mqtt import wire


@dataclass(frozen=True, slots=True)
class Event:
    """A status, command, report, alarm, log record or about, as it was recorded.

    Attributes:
        agent: whose topic it came on.
        branch: `status`, `about`, `inbox`, `outbox`, `alarm` or `log`.
        leaf: the sender of an outbox, the alarm's name, the log's level.
        time: POSIX seconds: its own, where it tells one, else that of its arrival.
        heard: when it arrived at the recorder.
        payload: as it came.
    """

    agent: str
    branch: str
    leaf: str
    time: float
    heard: float
    payload: bytes

    @property
    def document(self) -> dict[str, Any] | None:
        """The payload as a JSON object; None where it is none."""
        try:
            body = wire.tolerant(self.payload)
        except ValueError:
            return None
        return body if isinstance(body, dict) else None
