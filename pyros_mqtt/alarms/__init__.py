"""When something is an alarm, and what becomes of it: without clock, thread or network.

Pure but for `memory`, which keeps alarms on the disk. Fed with moments, measurements and how
agents are; a night that was recorded is judged as the one that is on. The agent that feeds it,
and calls people, is in the room `watchman`.

Here is what each agent has for its own alarms, and what notifiers are told; `engine`, `night` and
`others` are for those who judge by rules.
"""

from pyros_mqtt.alarms.case import Case, Change, Event, What
from pyros_mqtt.alarms.errors import NightUnreadable, NoSuchAlarm
from pyros_mqtt.alarms.findings import Finding
from pyros_mqtt.alarms.memory import Memory
from pyros_mqtt.alarms.notices import Notice

__all__ = [
    "Case",
    "Change",
    "Event",
    "Finding",
    "Memory",
    "NightUnreadable",
    "NoSuchAlarm",
    "Notice",
    "What",
]
