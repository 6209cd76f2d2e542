"""The alarms as numbers: how many, how bad, and each by its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pyros_mqtt.alarm_board import AlarmBoard
from pyros_mqtt.messages import AlarmState, Severity
from pyros_mqtt.metrics import Family, Gauge, label

MOST_ALARMS = 500
"""So many alarms have series of their own, the worst first."""


class Alarms:
    """Gives the alarms as families, whenever somebody looks."""

    def __init__(self, board: AlarmBoard) -> None:
        self._board = board

    def collect(self) -> Iterator[Family]:
        """Give all families."""
        alarms = self._board.alarms
        counts = Counter((one.severity, one.state) for one in alarms)
        total = Gauge("pyros_alarms", "Alarms that are not normal", "severity", "state")
        for severity in Severity:
            for state in AlarmState:
                total.add_metric([severity, state], counts[severity, state])
        yield total
        left_out = Gauge(
            "pyros_alarms_without_series",
            f"Alarms beyond {MOST_ALARMS}, which have no series of their own",
        )
        left_out.add_metric([], max(0, len(alarms) - MOST_ALARMS))
        yield left_out
        labels = ("agent", "alarm", "severity", "state")
        each = Gauge("pyros_alarm", "1 for each alarm that is not normal", *labels)
        shown = {(one.agent, label(one.alarm)): one for one in reversed(alarms[:MOST_ALARMS])}
        for (agent, alarm), one in reversed(shown.items()):
            each.add_metric([agent, alarm, one.severity, one.state], 1)
        yield each
