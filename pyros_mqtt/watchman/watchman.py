"""The watchman: an agent that feeds the rules, shows their alarms, and has people called."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from pyros_mqtt.agent import Agent
from pyros_mqtt.alarms import Change, Event, Memory, NoSuchAlarm
from pyros_mqtt.alarms.engine import Engine
from pyros_mqtt.alarms.findings import Sight
from pyros_mqtt.dispatch import every, on
from pyros_mqtt.errors import ActionFailed, BadPayload, SettingsError
from pyros_mqtt.fleet import Fleet, Member
from pyros_mqtt.messages import Alarm, AlarmState, Channel
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, settings_for
from pyros_mqtt.watchman.calls import Calls
from pyros_mqtt.watchman.ear import Ear, Word
from pyros_mqtt.watchman.notifiers import missing_programs
from pyros_mqtt.watchman.showcase import Clock, Showcase
from pyros_mqtt.wire import decode_alarm, decode_columns, unreadable_alarm

SETTLE = 0.5
"""Seconds in which what the broker has kept comes, once the connection stands."""

AWAY = 2.0
"""Seconds without a broker that are worth a word."""

TURN = 0.5
"""Most seconds for which news is taken in before operators have their turn."""

LOOK = 1.0
"""Seconds between two looks at everything that changes by itself."""

SETTLED_WITHIN = 10.0
"""Most seconds that an answer to an alarm waits for what the broker had kept."""


class Watchman(Agent):
    """Watches the rules of [alarms], shows their alarms, and has people called."""

    channels = (
        Channel(
            "alarms",
            description="how many there are of each state; since the start: notices sent, given "
            "up, and held back in storms",
            fields=(*AlarmState, "sent", "given_up", "held_back"),
            rate=0.1,
            retain=True,
        ),
    )

    def __init__(
        self,
        name: str = "alarms",
        *,
        bus: Bus | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        """Take the rules of `[alarms]`.

        Raises:
            SettingsError: there are none, or a notifier of your own cannot be made.
        """
        settings = settings or settings_for(bus)
        table = settings.alarms
        if not table.rules and not table.notifiers:
            raise SettingsError(
                "there is no alarm to watch: write a table such as [alarms.rules.wind] into "
                "pyros.toml"
            )
        if bus is None:
            from pyros_mqtt.link import Brokers

            bus = Brokers(settings)
        super().__init__(name, bus=bus, settings=settings, **options)
        topics = Topics(settings.root)
        self._longest_shelf = table.longest_shelf
        self._skew = settings.max_clock_skew
        self._engine = Engine(table, name)
        self._calls = Calls(table, name, self._tell_trouble)
        self._doubtful = list(missing_programs(table))
        self._ear = Ear(bus, topics, name)
        self._fleet = Fleet(bus, topics)
        self._clock = Clock()
        file = settings.state_dir / "alarms" / f"{topics.client_id(name)}.jsonl"
        self._showcase = Showcase(
            self._engine,
            Memory(file, name),
            self._ear.show,
            self._clock,
            lambda text: self._tell_trouble("memory", text),
        )
        self._connections = 0
        self._early = deque[Word]()  # came before everything was heard
        self._has_settled = False
        self._blind_until = 0.0
        self._heard_until = time.monotonic()
        self._looked_at = 0.0
        self._missed = 0

    # -- life -------------------------------------------------------------------------------------

    def work(self) -> None:
        """Start to listen."""
        for problem in self._doubtful:
            self.log.warning("%s", problem)
        for line in self._calls.lines.values():
            self.thread(line.run, name=f"notifier {line.name}")
        self._fleet.open()
        self._ear.open(self._engine.channels)
        self._ear.wait_up(AWAY)  # so that who sees it ready can rely on its watch

    def shutdown(self) -> None:
        """Leave; the alarms stay where they are."""
        self._calls.end()
        self._fleet.close()
        self._ear.close()

    # -- what operators do ------------------------------------------------------------------------

    @on("acknowledge", idempotent=True)
    def acknowledge(self, alarm: str, by: str = "", comment: str = "") -> str:
        """Say that somebody knows; returns the alarm's state."""
        shown = {one.alarm: one for one in self._engine.alarms}.get(alarm)
        if shown is not None and shown.state.value == Event.ACKNOWLEDGED:
            return shown.state.value
        return self._do(self._engine.acknowledge, alarm, self._who(by), comment)

    @on("shelve", idempotent=True)
    def shelve(
        self,
        alarm: str,
        seconds: float = 0.0,
        minutes: float = 0.0,
        by: str = "",
        reason: str = "",
    ) -> str:
        """Put an alarm aside for a time; returns its state."""
        lasts = seconds + 60 * minutes
        if not 0 < lasts <= self._longest_shelf:
            raise ActionFailed(
                f"a shelf of {lasts:g} s: give seconds or minutes, together at most "
                f"{self._longest_shelf:g} s (alarms.longest_shelf)",
                "bad-arguments",
            )
        return self._do(
            self._engine.shelve, alarm, self._clock.now() + lasts, self._who(by), reason
        )

    @on("unshelve", idempotent=True)
    def unshelve(self, alarm: str, by: str = "") -> str:
        """Take an alarm from the shelf; returns its state."""
        return self._do(self._engine.unshelve, alarm, self._who(by))

    def _do(self, what: Any, alarm: str, *details: Any) -> str:
        self._await_the_past()
        try:
            change: Change = what(self._clock.now(), alarm, *details)
        except NoSuchAlarm as error:
            raise ActionFailed(str(error)) from None
        self._tell([change])
        return "normal" if change.event is Event.NORMAL else change.alarm.state.value

    def _await_the_past(self) -> None:
        """Wait until it is known which alarms there were; the chore that looks runs meanwhile."""
        deadline = time.monotonic() + SETTLED_WITHIN
        while not self._has_settled:
            if time.monotonic() > deadline:
                raise ActionFailed("the alarms of before cannot be read: the broker is silent")
            self.sleep(0.05)

    def _who(self, by: str) -> str:
        command = self.command
        return by or (command.sender if command else "")

    # -- watching ---------------------------------------------------------------------------------

    @every(seconds=0.2)
    def watch(self) -> None:
        """Take in what has come, and let time pass."""
        if not self._sees():
            return
        end = time.monotonic() + TURN
        for word in self._ear.take():
            self._hear(word)
            if time.monotonic() > end:
                break
        if time.monotonic() - self._looked_at >= LOOK:
            self._looked_at = time.monotonic()
            self._look()

    @every(seconds=10)
    def report(self) -> None:
        """Publish how many alarms there are, and what became of the notices."""
        states = [one.state for one in self._engine.alarms]
        counts = {one.value: states.count(one) for one in AlarmState}
        missed, self._missed = self._ear.passed_over - self._missed, self._ear.passed_over
        text = f"{missed} measurements came faster than they could be judged" if missed else ""
        self._tell_trouble("flood", text)
        self.telemetry("alarms", {**counts, **self._calls.counts()})

    def _sees(self) -> bool:
        """Whether everything is heard; follows the connections as they come and go."""
        now, up_since = self._clock.now(), self._ear.up_since
        if up_since is None or not self._fleet.is_up:
            self._engine.blind()
            self._blind_until, self._connections = now, 0
            if time.monotonic() - self._heard_until > AWAY:
                why = self._ear.trouble or self._fleet.trouble
                self._tell_trouble("broker", f"no rule can be judged: {why}")
            # what comes meanwhile waits; shelves and escalations go on
            self._tell(self._engine.tick(now))
            return False
        self._heard_until = time.monotonic()
        connections = self._ear.connections
        if self._connections != connections:
            if time.monotonic() - up_since < SETTLE:
                return False
            self._calls.miss(self._clock.at(self._ear.lost_at), self._clock.at(up_since))
            self._settle(max(self._clock.at(up_since), self._blind_until))
            self._connections = connections  # not before: whatever fails there is tried again
        return True

    def _settle(self, sighted: float) -> None:
        """The broker has told what it had kept: go on from there."""
        self._early.extend(self._ear.take())
        kept = {one.address.leaf: self._read(one) for one in self._early if self._is_ours(one)}
        if not self._has_settled:
            self._showcase.remember(kept)
        self._has_settled = True
        self._engine.sight(sighted)
        self._tell_trouble("broker", "")
        self._showcase.show_all(kept)
        while self._early:
            self._hear(self._early.popleft())

    def _hear(self, word: Word) -> None:
        agent, leaf = word.address.agent, word.address.leaf
        if word.address.branch == "telemetry":
            self._hear_samples(word, agent, leaf)
        elif not self._is_ours(word):
            alarm = self._read_others(word)
            self._calls.hear(self._clock.at(word.at), agent, leaf, alarm, kept=word.kept)

    def _hear_samples(self, word: Word, agent: str, channel: str) -> None:
        wall = time.time()
        try:
            columns = decode_columns(word.payload, wall)
        except BadPayload:
            self.log.debug("passed over on %s: %r", word.address, word.payload[:200])
            return
        for row in range(len(columns)):
            age = columns.age(wall, row, skew=self._skew) if word.kept else 0.0
            now = self._clock.at(word.at)
            self._tell(self._engine.hear(now, agent, channel, columns.sample(row), age))

    def _is_ours(self, word: Word) -> bool:
        return word.address.branch == "alarm" and word.address.agent == self.name

    def _read_others(self, word: Word) -> Alarm | None:
        """Read an alarm that is not ours to say again: people are called if it cannot be read."""
        if not word.payload:
            return None
        agent, name, now = word.address.agent, word.address.leaf, time.time()
        try:
            return decode_alarm(word.payload, agent, name, now)
        except BadPayload as error:
            self.log.warning("%s/%s: %s", agent, name, error)
            return unreadable_alarm(agent, name, error, now)

    def _read(self, word: Word) -> Alarm | None:
        if not word.payload:
            return None
        try:
            return decode_alarm(word.payload, word.address.agent, word.address.leaf)
        except BadPayload as error:
            self.log.warning("passed over: %s", error)
            return None

    def _look(self) -> None:
        now = self._clock.now()
        for name in self._engine.agents:
            self._tell(self._engine.see(now, name, _sight(self._fleet.get(name))))
        for agent, channel in self._engine.channels:
            member = self._fleet.get(agent)
            known = member.about.telemetry.get(channel) if member and member.about else None
            if known is not None:
                self._engine.learn_unit(agent, channel, known.unit)
        self._tell(self._engine.tick(now))
        self._calls.tick(now)

    def _tell(self, changes: Iterable[Change]) -> None:
        """Show our alarms as they are now, and have people called."""
        self._calls.take(self._clock.now(), self._showcase.tell(changes))

    def _tell_trouble(self, about: str, text: str) -> None:
        if text:
            self.degrade(text, about)
        else:
            self.recover(about)


def _sight(member: Member | None) -> Sight:
    if member is None or member.status is None:
        return Sight()
    return Sight(member.health, member.status.state, member.age, member.status.detail)
