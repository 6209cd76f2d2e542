"""Calling people: whom, for what, and over which line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from pyros_mqtt.alarms import Change
from pyros_mqtt.alarms.notices import Notice, NoticeDesk
from pyros_mqtt.alarms.others import Others
from pyros_mqtt.messages import Alarm
from pyros_mqtt.settings import AlarmsTable
from pyros_mqtt.watchman.line import Line
from pyros_mqtt.watchman.notifiers import make_all


class Calls:
    """Hands notices to their lines. For one thread; it never waits.

    Args:
        table: who is told.
        agent: whose alarms are ours; all others are those of other agents.
        on_trouble: told of each notifier by name what is wrong, and "" when it is over; from
            the lines' own threads.

    Raises:
        SettingsError: a notifier of your own cannot be made.
    """

    def __init__(
        self, table: AlarmsTable, agent: str, on_trouble: Callable[[str, str], None]
    ) -> None:
        self._desk = NoticeDesk(table, agent)
        self._others = Others(table.escalate_after) if table.others else None
        self.lines = {
            name: Line(name, notifier, partial(on_trouble, f"notifier {name}"))
            for name, notifier in make_all(table).items()
        }

    def take(self, now: float, changes: Iterable[Change]) -> None:
        """Call whoever is to be called for these."""
        for change in changes:
            self._send(self._desk.take(now, change))

    def miss(self, lost_at: float, up_since: float) -> None:
        """Nothing was heard of other agents between two moments."""
        if self._others is not None:
            self._others.miss(lost_at, up_since)

    def hear(self, now: float, agent: str, name: str, alarm: Alarm | None, *, kept: bool) -> None:
        """Take in an alarm of another agent; None: normal."""
        if self._others is not None:
            self.take(now, self._others.hear(now, agent, name, alarm, kept=kept))

    def tick(self, now: float) -> None:
        """Call for what nobody has answered, and send the summaries that are due."""
        if self._others is not None:
            self.take(now, self._others.tick(now))
        self._send(self._desk.tick(now))

    def counts(self) -> dict[str, int]:
        """What has become of the notices since the start."""
        return {
            "sent": sum(one.sent for one in self.lines.values()),
            "given_up": sum(one.dropped for one in self.lines.values()),
            "held_back": self._desk.held_back,
        }

    def end(self) -> None:
        """Let every line end."""
        for line in self.lines.values():
            line.end()

    def _send(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            for name in notice.notifiers:
                self.lines[name].put(notice)
