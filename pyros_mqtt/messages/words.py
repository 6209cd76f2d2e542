"""What an agent says of itself: what it understands and measures, and its log."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyros_mqtt.messages.json_value import JSON
from pyros_mqtt.messages.measurements import Channel


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of an agent's log: `time` in POSIX seconds, `level` such as `warning`.

    `exception` is a traceback, or empty; `left_out` counts the records that were not sent since
    the one before.
    """

    time: float
    level: str
    logger: str
    text: str
    exception: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """What an agent says of one message; `args` is a JSON Schema of its arguments."""

    description: str = ""
    args: dict[str, JSON] = field(default_factory=dict)
    urgent: bool = False
    idempotent: bool = False
    ttl: float | None = None
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What an agent understands and measures: enough for a form or a command line."""

    agent: str
    version: str = ""
    protocol: int = 1
    description: str = ""
    messages: dict[str, MessageInfo] = field(default_factory=dict)
    telemetry: dict[str, Channel] = field(default_factory=dict)
    journal: str = "memory"
