"""All rules together: events in, changes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches

from pyros_mqtt.alarms.case import Case, Change, What
from pyros_mqtt.alarms.errors import NoSuchAlarm
from pyros_mqtt.alarms.findings import UNKNOWN, Condition, Sight
from pyros_mqtt.alarms.in_time import OF_COURSES
from pyros_mqtt.alarms.measured import OF_VALUES
from pyros_mqtt.alarms.seen import OF_AGENTS
from pyros_mqtt.messages import Alarm, AlarmState, Sample
from pyros_mqtt.settings import AlarmRule, AlarmsTable

Key = tuple[str, str]

CONDITIONS: dict[str, Callable[[AlarmRule], Condition]] = {**OF_VALUES, **OF_COURSES, **OF_AGENTS}


FOLLOWED = {*OF_VALUES, "rate"}
"""The kinds whose value is a measurement, and not a time that grows by itself."""


class _Watched:
    """One rule: what it is judged by, and how its alarm stands."""

    def __init__(self, name: str, rule: AlarmRule, table: AlarmsTable, agent: str) -> None:
        self.rule = rule
        self.condition = CONDITIONS[rule.kind](rule)
        self.case = Case(what_of(name, rule, table, agent))

    def learn_unit(self, unit: str) -> None:
        """Name values with their unit from now on."""
        self.rule = self.condition.rule = self.rule.model_copy(update={"unit": unit})
        self.case.what = replace(self.case.what, unit=unit)


def what_of(name: str, rule: AlarmRule, table: AlarmsTable, agent: str) -> What:
    """Say what a rule's alarm is, whatever becomes of it."""
    own = rule.escalate_after
    return What(
        alarm=name,
        agent=agent,
        about=rule.about,
        severity=rule.severity,
        delay=rule.delay,
        clear_delay=rule.clear_delay,
        escalate_after=table.escalate_after if own is None else own,
        text=rule.text,
        unit=rule.unit,
        band=rule.dead_band if rule.kind in FOLLOWED else None,
    )


class Engine:
    """Judges every rule of a table. For one thread.

    It is blind until `sight`: what happened before nobody knows, so nothing is raised or cleared
    for it. All `now` are seconds of one clock that never goes back; they become the alarms'
    moments, so they are POSIX seconds.

    Args:
        table: the rules; those that are not `enabled` are out of service.
        agent: in whose name the alarms are raised.
    """

    def __init__(self, table: AlarmsTable, agent: str = "alarms") -> None:
        self._watched = {
            name: _Watched(name, rule, table, agent)
            for name, rule in table.rules.items()
            if rule.enabled
        }
        self._sighted: float | None = None
        self._by_channel: dict[Key, list[_Watched]] = defaultdict(list)
        self._by_agent: dict[str, list[_Watched]] = defaultdict(list)
        for one in self._watched.values():
            for key in one.rule.needs:
                self._by_channel[key].append(one)
            if not one.rule.needs:
                self._by_agent[one.rule.agent].append(one)

    @property
    def channels(self) -> tuple[Key, ...]:
        """Agent and channel of every measurement that some rule needs."""
        return tuple(self._by_channel)

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents whose state or silence some rule watches."""
        return tuple(self._by_agent)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """All alarms that are not normal."""
        return tuple(one.case.shown for one in self._watched.values() if one.case.shown)

    def learn_unit(self, agent: str, channel: str, unit: str) -> None:
        """Use the unit that an agent gives for its channel, where a rule names none."""
        for one in self._by_channel.get((agent, channel), ()):
            if not one.rule.unit and unit and one.rule.agent == agent:
                one.learn_unit(unit)

    # -- what happens -----------------------------------------------------------------------------

    def sight(self, now: float) -> None:
        """From now on everything is heard."""
        self._sighted = now

    def blind(self) -> None:
        """Nothing is heard any more: everything stays as it is."""
        self._sighted = None
        for one in self._watched.values():
            one.case.pause()

    def restore(self, alarm: Alarm) -> None:
        """Go on from what an earlier life has shown.

        Raises:
            NoSuchAlarm: no rule has this name any more.
        """
        one = self._find(alarm.alarm)
        one.case.restore(alarm)
        if alarm.state is not AlarmState.SHELVED:
            one.condition.resume(held=one.case.is_up)

    def hear(
        self, now: float, agent: str, channel: str, sample: Sample, age: float = 0.0
    ) -> list[Change]:
        """Take in a measurement, which is `age` seconds old (infinite: nobody knows).

        What was held up is of the past.
        """
        key = (agent, channel)
        if sample.late or key not in self._by_channel:
            return []
        for one in self._by_channel[key]:
            one.condition.hear(now, key, sample, age)
        return self._judge(now, self._by_channel[key])

    def see(self, now: float, agent: str, sight: Sight) -> list[Change]:
        """Take in how an agent is."""
        if agent not in self._by_agent:
            return []
        for one in self._by_agent[agent]:
            one.condition.see(now, sight)
        return self._judge(now, self._by_agent[agent])

    def tick(self, now: float) -> list[Change]:
        """Let time pass: delays, silences, shelves and escalations."""
        return self._judge(now, self._watched.values())

    def _judge(self, now: float, watched: Iterable[_Watched]) -> list[Change]:
        changes = []
        for one in watched:
            is_seen = self._sighted is not None
            finding = one.condition.look(now, self._sighted or now) if is_seen else UNKNOWN
            change = one.case.judge(now, finding)
            if change is not None:
                changes.append(change)
        return changes

    # -- what an operator does --------------------------------------------------------------------

    def acknowledge(self, now: float, name: str, by: str, comment: str = "") -> Change:
        """Somebody knows of an alarm.

        Raises:
            NoSuchAlarm: there is no such rule, or nothing to be acknowledged.
        """
        case = self._find(name).case
        change = case.acknowledge(now, by, comment)
        if change is None:
            state = case.shown.state.value if case.shown else "normal"
            raise NoSuchAlarm(name, f"is {state}; there is nothing to be acknowledged")
        return change

    def shelve(self, now: float, name: str, until: float, by: str, reason: str = "") -> Change:
        """Put an alarm aside until a moment, whether it is up or not.

        Raises:
            NoSuchAlarm: there is no such rule.
        """
        return self._find(name).case.shelve(now, until, by, reason)

    def unshelve(self, now: float, name: str, by: str = "") -> Change:
        """Take an alarm from the shelf.

        Raises:
            NoSuchAlarm: there is no such rule, or it is not on the shelf.
        """
        change = self._find(name).case.unshelve(now, by)
        if change is None:
            raise NoSuchAlarm(name, "is not shelved")
        return change

    def _find(self, name: str) -> _Watched:
        found = self._watched.get(name)
        if found is None:
            near = get_close_matches(name, self._watched, 1)
            known = f"known are {', '.join(self._watched)}" if self._watched else "there are none"
            raise NoSuchAlarm(
                name, f"no such rule; {f'did you mean {near[0]!r}?' if near else known}"
            )
        return found
