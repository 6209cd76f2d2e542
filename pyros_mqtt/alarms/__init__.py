"""When something is an alarm, and what becomes of it: without clock, thread or network.

Pure but for `memory`, which keeps alarms on the disk. Fed with moments, measurements and how
agents are; a night that was recorded is judged as the one that is on. The agent that feeds it,
and calls people, is in the room `watchman`.
"""

from pyros_mqtt.alarms.case import Case, Change, Event, What
from pyros_mqtt.alarms.engine import Engine, NoSuchAlarm
from pyros_mqtt.alarms.findings import Finding, Sight
from pyros_mqtt.alarms.memory import Memory
from pyros_mqtt.alarms.night import (
    Heard,
    Night,
    NightUnreadable,
    Replay,
    Tally,
    as_heard,
    read_lines,
    replay,
)
from pyros_mqtt.alarms.notices import Notice, NoticeDesk
from pyros_mqtt.alarms.others import Others

__all__ = [
    "Case",
    "Change",
    "Engine",
    "Event",
    "Finding",
    "Heard",
    "Memory",
    "Night",
    "NightUnreadable",
    "NoSuchAlarm",
    "Notice",
    "NoticeDesk",
    "Others",
    "Replay",
    "Sight",
    "Tally",
    "What",
    "as_heard",
    "read_lines",
    "replay",
]
