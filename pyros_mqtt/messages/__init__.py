"""The frozen shapes that travel.

They hold values that have been checked already; bytes become shapes in the room `wire`.
Times are POSIX seconds, UTC, as floats; on the wire they are RFC 3339 with `Z`.
"""

from pyros_mqtt.messages.alarms import Alarm, AlarmState, Severity
from pyros_mqtt.messages.commands import (
    ALWAYS_URGENT,
    FOR_NOW,
    FULL,
    NOT_READY,
    Command,
    Outcome,
    Problem,
    Progress,
    Report,
    Seal,
    report_on,
)
from pyros_mqtt.messages.json_value import JSON
from pyros_mqtt.messages.measurements import ALLOWED_SKEW, QUALITIES, Channel, Columns, Sample
from pyros_mqtt.messages.states import State, Status, Task
from pyros_mqtt.messages.words import About, LogRecord, MessageInfo

__all__ = [
    "ALLOWED_SKEW",
    "ALWAYS_URGENT",
    "FOR_NOW",
    "FULL",
    "JSON",
    "NOT_READY",
    "QUALITIES",
    "About",
    "Alarm",
    "AlarmState",
    "Channel",
    "Columns",
    "Command",
    "LogRecord",
    "MessageInfo",
    "Outcome",
    "Problem",
    "Progress",
    "Report",
    "Sample",
    "Seal",
    "Severity",
    "State",
    "Status",
    "Task",
    "report_on",
]
