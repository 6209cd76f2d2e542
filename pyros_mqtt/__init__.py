"""Distributed telemetry agents for robotic observatories over MQTT.

Everything that agents and scripts need is here; it is loaded when it is first used, so that a
script that only sends a message starts fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pyros_mqtt.version import __version__

if TYPE_CHECKING:
    from pyros_mqtt.agent import Agent
    from pyros_mqtt.alarm_board import AlarmBoard
    from pyros_mqtt.archive import Archive
    from pyros_mqtt.daily import Almanac
    from pyros_mqtt.dispatch import every, on
    from pyros_mqtt.errors import (
        ActionFailed,
        AgentError,
        ArchiveError,
        AskedOneself,
        BadName,
        Cancelled,
        Ended,
        Expired,
        Failed,
        Interrupted,
        MissingExtra,
        NameTaken,
        NoAnswer,
        NobodyListens,
        PyrosError,
        Rejected,
        SendError,
        SettingsError,
        Undeliverable,
        Unreachable,
        WasCancelled,
    )
    from pyros_mqtt.fleet import Fleet, Member
    from pyros_mqtt.messages import (
        Alarm,
        AlarmState,
        Channel,
        Command,
        Outcome,
        Report,
        Sample,
        Severity,
        State,
        Status,
    )
    from pyros_mqtt.sender import Receipt, Sender
    from pyros_mqtt.settings import Settings
    from pyros_mqtt.telemetry import Follow

__all__ = [
    "ActionFailed",
    "Agent",
    "AgentError",
    "Alarm",
    "AlarmBoard",
    "AlarmState",
    "Almanac",
    "Archive",
    "ArchiveError",
    "AskedOneself",
    "BadName",
    "Cancelled",
    "Channel",
    "Command",
    "Ended",
    "Expired",
    "Failed",
    "Fleet",
    "Follow",
    "Interrupted",
    "Member",
    "MissingExtra",
    "NameTaken",
    "NoAnswer",
    "NobodyListens",
    "Outcome",
    "PyrosError",
    "Receipt",
    "Rejected",
    "Report",
    "Sample",
    "SendError",
    "Sender",
    "Settings",
    "SettingsError",
    "Severity",
    "State",
    "Status",
    "Undeliverable",
    "Unreachable",
    "WasCancelled",
    "__version__",
    "every",
    "on",
]

_ROOMS = {
    "agent": {"Agent"},
    "alarm_board": {"AlarmBoard"},
    "archive": {"Archive"},
    "daily": {"Almanac"},
    "dispatch": {"every", "on"},
    "fleet": {"Fleet", "Member"},
    "messages": {
        "Alarm", "AlarmState", "Channel", "Command", "Outcome", "Report", "Sample", "Severity",
        "State", "Status",
    },
    "sender": {"Receipt", "Sender"},
    "settings": {"Settings"},
    "telemetry": {"Follow"},
}  # fmt: skip
"""Where the names are; whatever is not named here is in `errors`."""


def __getattr__(name: str) -> Any:
    """Load a name from its room when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = next((room for room, names in _ROOMS.items() if name in names), "errors")
    return getattr(importlib.import_module(f"pyros_mqtt.{room}"), name)
