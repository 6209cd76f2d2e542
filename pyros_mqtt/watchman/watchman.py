"""The watchman: an agent that feeds the rules, shows their alarms, and has people called."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pyros_mqtt.agent import Agent
from pyros_mqtt.alarms import (
    Change,
    Engine,
    Event,
    Memory,
    NoSuchAlarm,
    Notice,
    NoticeDesk,
    Others,
    Sight,
)
from pyros_mqtt.alarms.notices import TOLD
from pyros_mqtt.dispatch import every, on
from pyros_mqtt.errors import ActionFailed, BadPayload, SettingsError
from pyros_mqtt.fleet import Fleet, Member
from pyros_mqtt.messages import Alarm, AlarmState, Channel
from pyros_mqtt.settings import Settings
from pyros_mqtt.topics import Topics
from pyros_mqtt.watchman.ear import Ear, Word
from pyros_mqtt.watchman.line import Line
from pyros_mqtt.watchman.notifiers import make_all
from pyros_mqtt.wire import decode_alarm, decode_samples

if TYPE_CHECKING:
    from pyros_mqtt.transport import Bus

SETTLE = 0.5
"""Seconds in which what the broker has kept comes, once the connection stands."""

AWAY = 2.0
"""Seconds without a broker that are worth a word."""

TURN = 0.5
"""Most seconds for which news is taken in before operators have their turn."""

LOOK = 1.0
"""Seconds between two looks at everything that changes by itself."""


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
        settings = settings or Settings()
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
        self._table = table
        self._engine = Engine(table, name)
        self._desk = NoticeDesk(table, name)
        self._others = Others(table.escalate_after)
        self._ear = Ear(bus, topics, name)
        self._fleet = Fleet(bus, topics)
        file = settings.state_dir / "alarms" / f"{topics.client_id(name)}.jsonl"
        self._memory = Memory(file, name)
        self._lines = {
            key: Line(key, notifier, partial(self._tell_trouble, f"notifier {key}"))
            for key, notifier in make_all(table).items()
        }
        # the engine's clock never goes back, nor jumps where somebody sets the machine's
        self._epoch = time.time() - time.monotonic()
        self._kept: dict[str, Alarm | None] = {}
        self._connections = 0
        self._has_settled = False
        self._looked_at = 0.0
        self._missed = 0
        self._heard_until = time.monotonic()

    # -- life -------------------------------------------------------------------------------------

    def work(self) -> None:
        """Start to listen."""
        for line in self._lines.values():
            self.thread(line.run, self.stopping, name=f"notifier {line.name}")
        self._fleet.open()
        self._ear.open(self._engine.channels)
        self._ear.wait_up(AWAY)  # so that who sees it ready can rely on its watch

    def shutdown(self) -> None:
        """Leave; the alarms stay where they are."""
        for line in self._lines.values():
            line.end()
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
        if not 0 < lasts <= self._table.longest_shelf:
            raise ActionFailed(
                f"a shelf of {lasts:g} s: give seconds or minutes, together at most "
                f"{self._table.longest_shelf:g} s (alarms.longest_shelf)",
                "bad-arguments",
            )
        return self._do(self._engine.shelve, alarm, self._now() + lasts, self._who(by), reason)

    @on("unshelve", idempotent=True)
    def unshelve(self, alarm: str, by: str = "") -> str:
        """Take an alarm from the shelf; returns its state."""
        return self._do(self._engine.unshelve, alarm, self._who(by))

    def _do(self, what: Any, alarm: str, *details: Any) -> str:
        if not self._has_settled:
            raise ActionFailed("not yet: the alarms of before are still being read", "not-ready")
        try:
            change: Change = what(self._now(), alarm, *details)
        except NoSuchAlarm as error:
            raise ActionFailed(str(error)) from None
        self._tell([change])
        return "normal" if change.event is Event.NORMAL else change.alarm.state.value

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
        sent = sum(one.sent for one in self._lines.values())
        lost = sum(one.dropped for one in self._lines.values())
        held = self._desk.held_back
        missed, self._missed = self._ear.passed_over - self._missed, self._ear.passed_over
        text = f"{missed} measurements came faster than they could be judged" if missed else ""
        self._tell_trouble("flood", text)
        self.telemetry("alarms", {**counts, "sent": sent, "given_up": lost, "held_back": held})

    def _now(self) -> float:
        return self._epoch + time.monotonic()

    def _sees(self) -> bool:
        """Whether everything is heard; follows the connections as they come and go."""
        up_since = self._ear.up_since
        if up_since is None or not self._fleet.is_up:
            self._engine.blind()
            self._connections = 0
            if time.monotonic() - self._heard_until > AWAY:
                why = self._ear.trouble or self._fleet.trouble
                self._tell_trouble("broker", f"no rule can be judged: {why}")
            # what comes meanwhile waits; shelves and escalations go on
            self._tell(self._engine.tick(self._now()))
            return False
        self._heard_until = time.monotonic()
        if self._connections != self._ear.connections:
            if time.monotonic() - up_since < SETTLE:
                return False
            self._connections = self._ear.connections
            self._settle(self._epoch + up_since)
        return True

    def _settle(self, up_since: float) -> None:
        """The broker has told what it had kept."""
        words = list(self._ear.take())
        own = [one for one in words if self._is_our_alarm(one)]
        for word in own:
            self._kept[word.address.leaf] = self._read(word)
        if not self._has_settled:
            self._remember()
        self._has_settled = True
        self._engine.sight(up_since)
        self._tell_trouble("broker", "")
        self._show_all()
        for word in words:
            if word not in own:
                self._hear(word)

    def _remember(self) -> None:
        """Go on from what an earlier life has shown: here or at the broker, what is younger."""
        found = {one.alarm: one for one in self._memory.load()}
        for name, alarm in self._kept.items():
            if alarm is not None and alarm.at > (found[name].at if name in found else 0.0):
                found[name] = alarm
        for name, alarm in found.items():
            try:
                self._engine.restore(alarm)
            except NoSuchAlarm:
                self.log.warning("%s: no rule has this name any more; it is taken away", name)
                self._kept.setdefault(name, alarm)

    def _show_all(self) -> None:
        """Say again how all our alarms are: the broker may have forgotten, or missed something."""
        alarms = {one.alarm: one for one in self._engine.alarms}
        for name in self._kept.keys() - alarms.keys():
            self._ear.show(name, None)
        for name, alarm in alarms.items():
            self._ear.show(name, self._by_our_clock(alarm))
        self._kept.clear()
        self._save()

    def _hear(self, word: Word) -> None:
        if word.address.branch == "alarm":
            self._hear_alarm(word)
            return
        wall = time.time()
        try:
            samples = decode_samples(word.payload, wall)
        except BadPayload:
            self.log.debug("passed over on %s: %r", word.address, word.payload[:200])
            return
        for sample in samples:
            age = max(0.0, wall - sample.time) if word.kept else 0.0
            now = self._epoch + word.at
            agent, channel = word.address.agent, word.address.leaf
            self._tell(self._engine.hear(now, agent, channel, sample, age))

    def _hear_alarm(self, word: Word) -> None:
        address = word.address
        if self._is_our_alarm(word):
            return
        if not self._table.others:
            return
        alarm = self._read(word)
        now = self._now()
        self._call(self._others.hear(now, address.agent, address.leaf, alarm, kept=word.kept))

    def _is_our_alarm(self, word: Word) -> bool:
        return word.address.branch == "alarm" and word.address.agent == self.name

    def _read(self, word: Word) -> Alarm | None:
        if not word.payload:
            return None
        try:
            return decode_alarm(word.payload, word.address.agent, word.address.leaf)
        except BadPayload as error:
            self.log.warning("passed over: %s", error)
            return None

    def _look(self) -> None:
        now = self._now()
        for name in self._engine.agents:
            self._tell(self._engine.see(now, name, _sight(self._fleet.get(name))))
        for agent, channel in self._engine.channels:
            member = self._fleet.get(agent)
            known = member.about.telemetry.get(channel) if member and member.about else None
            if known is not None:
                self._engine.learn_unit(agent, channel, known.unit)
        self._tell(self._engine.tick(now))
        self._call(self._others.tick(now))
        self._send(self._desk.tick(now))

    # -- telling ----------------------------------------------------------------------------------

    def _tell(self, changes: Iterable[Change]) -> None:
        """Show our alarms as they are now, and have people called."""
        said = [replace(one, alarm=self._by_our_clock(one.alarm)) for one in changes]
        for change in said:
            alarm = change.alarm
            by = f" by {alarm.by}" if alarm.by else ""
            level = logging.WARNING if change.event in TOLD else logging.INFO
            self.log.log(level, "%s %s%s: %s", alarm.alarm, change.event, by, alarm.text)
            self._ear.show(alarm.alarm, None if change.event is Event.NORMAL else alarm)
        if said:
            self._save()
        self._call(said)

    def _call(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._send(self._desk.take(self._now(), change))

    def _send(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            for name in notice.notifiers:
                self._lines[name].put(notice)

    def _save(self) -> None:
        try:
            self._memory.save(self._engine.alarms)
        except OSError as error:
            self._tell_trouble("memory", f"alarms cannot be written to the disk: {error}")
        else:
            self._tell_trouble("memory", "")

    def _by_our_clock(self, alarm: Alarm) -> Alarm:
        """Give the moments by this machine's clock, which may have been set since the start."""
        shift = time.time() - self._now()
        if abs(shift) < 1.0:
            return alarm
        moved = {
            key: moment + shift
            for key in ("at", "raised_at", "until")
            if (moment := getattr(alarm, key)) is not None
        }
        return replace(alarm, **moved)

    def _tell_trouble(self, about: str, text: str) -> None:
        if text:
            self.degrade(text, about)
        else:
            self.recover(about)


def _sight(member: Member | None) -> Sight:
    if member is None or member.status is None:
        return Sight()
    return Sight(member.health, member.status.state, member.age, member.status.detail)
