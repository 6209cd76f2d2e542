"""The alarms that an agent raises itself: shown, acknowledged and kept like those of rules."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pyros_mqtt.alarms import Case, Change, Event, Finding, Memory, What
from pyros_mqtt.dispatch import Action, ActionTable, Rules
from pyros_mqtt.errors import ActionFailed, AgentError
from pyros_mqtt.messages import Alarm, Severity
from pyros_mqtt.topics import check_name

log = logging.getLogger(__name__)

LONGEST_SHELF = 86_400.0
"""Seconds."""

LOOK = 1.0
"""Seconds between two looks at shelves that may have ended."""

Show = Callable[[str, Alarm | None], None]


class OwnAlarms:
    """An agent's own alarms. For any thread.

    Args:
        agent: whose they are.
        actions: its table; the messages `acknowledge`, `shelve` and `unshelve` are added, where
            the agent has none of these names.
        show: publishes an alarm under its name, or empties its topic.
        file: where they are kept over a restart; None: nowhere.
    """

    def __init__(self, agent: str, actions: ActionTable, show: Show, file: Path | None) -> None:
        self._agent = agent
        self._show = show
        self._lock = threading.RLock()
        self._cases: dict[str, Case] = {}
        self._memory = Memory(file, agent) if file else None
        for alarm in self._load():
            self._case(alarm.alarm, alarm.severity, alarm.unit).restore(alarm)
        for message in (self.acknowledge, self.shelve, self.unshelve):
            if message.__name__ not in actions:
                actions.bind(Action(message.__name__, message, Rules(idempotent=True)))

    def raise_(self, name: str, severity: str, text: str, unit: str, found: Finding) -> None:
        """The condition of an alarm holds.

        Raises:
            BadName: the alarm's name breaks the rule.
            AgentError: there is no such severity.
        """
        now, level = time.time(), _severity(severity)
        with self._lock:
            case = self._case(check_name("alarm", name), level, unit)
            case.what = replace(case.what, severity=level, text=text, unit=unit)
            self._tell(name, case.judge(now, found))

    def clear(self, name: str) -> None:
        """The condition of an alarm is over."""
        with self._lock:
            if name in self._cases:
                self._tell(name, self._cases[name].judge(time.time(), Finding(holds=False)))

    def severity_shown(self, name: str) -> str | None:
        """How urgent an alarm is whose condition holds, also on the shelf; None: it does not."""
        with self._lock:
            case = self._cases.get(name)
            shown = case.shown if case is not None and case.is_up else None
            return None if shown is None else shown.severity.value

    def look(self) -> None:
        """Let shelves end that are due."""
        with self._lock:
            for name, case in self._cases.items():
                self._tell(name, case.judge(time.time(), Finding(None)))

    def show_all(self) -> None:
        """Say again how all of them are: the broker may have forgotten."""
        with self._lock:
            for name, case in self._cases.items():
                if case.shown is not None:
                    self._show(name, case.shown)

    # -- messages -----------------------------------------------------------------------------

    def acknowledge(self, alarm: str, by: str = "", comment: str = "") -> str:
        """Say that somebody knows; returns the alarm's state."""
        with self._lock:
            case = self._known(alarm)
            self._tell(alarm, case.acknowledge(time.time(), by, comment))
            return _state(case)

    def shelve(
        self, alarm: str, seconds: float = 0.0, minutes: float = 0.0, by: str = "", reason: str = ""
    ) -> str:
        """Put an alarm aside for a time; returns its state."""
        lasts = seconds + 60 * minutes
        if not 0 < lasts <= LONGEST_SHELF:
            raise ActionFailed(f"a shelf of {lasts:g} s: at most a day", "bad-arguments")
        with self._lock:
            case = self._known(alarm)
            self._tell(alarm, case.shelve(time.time(), time.time() + lasts, by, reason))
            return _state(case)

    def unshelve(self, alarm: str, by: str = "") -> str:
        """Take an alarm from the shelf; returns its state."""
        with self._lock:
            case = self._known(alarm)
            self._tell(alarm, case.unshelve(time.time(), by))
            return _state(case)

    # -- with the lock held -------------------------------------------------------------------

    def _load(self) -> list[Alarm]:
        """What cannot be read must not keep the agent from its start."""
        try:
            return self._memory.load() if self._memory else []
        except OSError as error:
            log.warning("%s: alarms cannot be read from the disk: %s", self._agent, error)
            return []

    def _case(self, name: str, severity: Severity, unit: str) -> Case:
        what = What(name, self._agent, self._agent, severity, unit=unit)
        return self._cases.setdefault(name, Case(what))

    def _known(self, name: str) -> Case:
        case = self._cases.get(name)
        if case is None:
            known = f"known are {', '.join(self._cases)}" if self._cases else "there is none"
            raise ActionFailed(f"{self._agent} has raised no alarm {name!r}; {known}")
        return case

    def _tell(self, name: str, change: Change | None) -> None:
        if change is None:
            return
        level = logging.WARNING if change.event is Event.RAISED else logging.INFO
        log.log(level, "%s: %s %s: %s", self._agent, name, change.event, change.alarm.text)
        self._show(name, None if change.event is Event.NORMAL else change.alarm)
        if self._memory:
            try:
                self._memory.save(one.shown for one in self._cases.values() if one.shown)
            except OSError as error:
                log.warning("%s: alarms cannot be written to the disk: %s", self._agent, error)


def _state(case: Case) -> str:
    return case.shown.state.value if case.shown else "normal"


def _severity(word: str) -> Severity:
    try:
        return Severity(word)
    except ValueError:
        known = ", ".join(Severity)
        raise AgentError(f"an alarm's severity is one of {known}, not {word!r}") from None


def own_alarms_file(state_dir: Path, client_id: str) -> Path:
    """Where an agent keeps its own alarms."""
    return state_dir / "alarms" / f"{client_id}.own"
