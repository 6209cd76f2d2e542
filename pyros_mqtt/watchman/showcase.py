"""Our own alarms as others see them: on their topics, and on the disk for our next life."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from pyros_mqtt.alarms import Change, Event, Memory, NoSuchAlarm
from pyros_mqtt.alarms.engine import Engine
from pyros_mqtt.alarms.notices import TOLD
from pyros_mqtt.messages import Alarm

log = logging.getLogger("pyros.alarms")
"""Where operators look for it, whatever the agent is named."""

Show = Callable[[str, Alarm | None], None]

LEAST_SHIFT = 1.0
"""Seconds by which this machine's clock has to have been set to be worth a correction."""


class Clock:
    """POSIX time that never goes back, nor jumps where somebody sets the machine's clock."""

    def __init__(self) -> None:
        self._epoch = time.time() - time.monotonic()

    def now(self) -> float:
        """The moment that it is."""
        return self._epoch + time.monotonic()

    def at(self, monotonic: float) -> float:
        """The moment of a reading of the monotonic clock."""
        return self._epoch + monotonic

    def shown(self, alarm: Alarm) -> Alarm:
        """Give an alarm's moments as this machine's clock tells them now."""
        return _moved(alarm, time.time() - self.now())

    def restored(self, alarm: Alarm) -> Alarm:
        """Give the moments of an alarm that an earlier life has shown as this clock tells them.

        What has happened is not of the future: where it seems so, the machine's clock has yet to
        be set, or was wrong in the earlier life.
        """
        now = self.now()
        return _moved(alarm, min(now - time.time(), now - alarm.at))


def _moved(alarm: Alarm, shift: float) -> Alarm:
    if abs(shift) < LEAST_SHIFT:
        return alarm
    moved = {
        key: moment + shift
        for key in ("at", "raised_at", "until")
        if (moment := getattr(alarm, key)) is not None
    }
    return replace(alarm, **moved)


class Showcase:
    """Shows and keeps the alarms of an engine. For one thread.

    Args:
        engine: whose alarms they are.
        memory: where they are kept.
        show: publishes one under its name; None empties its topic.
        clock: the engine's.
        on_trouble: told what is wrong with the disk, and "" when nothing is.
    """

    def __init__(
        self,
        engine: Engine,
        memory: Memory,
        show: Show,
        clock: Clock,
        on_trouble: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._memory = memory
        self._show = show
        self._clock = clock
        self._on_trouble = on_trouble

    def remember(self, kept: dict[str, Alarm | None]) -> None:
        """Go on from an earlier life: as here or as the broker has `kept` it, what is younger."""
        found = {one.alarm: one for one in self._load()}
        for name, alarm in kept.items():
            if alarm is not None and alarm.at > (found[name].at if name in found else 0.0):
                found[name] = alarm
        for name, alarm in found.items():
            try:
                self._engine.restore(self._clock.restored(alarm))
            except NoSuchAlarm:
                log.warning("%s: no rule has this name any more; it is taken away", name)
                kept.setdefault(name, alarm)

    def show_all(self, kept: Iterable[str]) -> None:
        """Say again how all of them are, for the broker may have forgotten, or missed something.

        Those that it has `kept` and that are normal are taken away.
        """
        alarms = {one.alarm: self._clock.shown(one) for one in self._engine.alarms}
        for name in set(kept) - alarms.keys():
            self._show(name, None)
        for name, alarm in alarms.items():
            self._show(name, alarm)
        self._save()

    def tell(self, changes: Iterable[Change]) -> list[Change]:
        """Show what has changed; gives the changes by this machine's clock."""
        said = [replace(one, alarm=self._clock.shown(one.alarm)) for one in changes]
        for change in said:
            alarm = change.alarm
            by = f" by {alarm.by}" if alarm.by else ""
            quiet = logging.DEBUG if change.event is Event.FOLLOWED else logging.INFO
            level = logging.WARNING if change.event in TOLD else quiet
            log.log(level, "%s %s%s: %s", alarm.alarm, change.event, by, alarm.text)
            self._show(alarm.alarm, None if change.event is Event.NORMAL else alarm)
        if any(change.event is not Event.FOLLOWED for change in said):
            self._save()
        return said

    def _load(self) -> list[Alarm]:
        """What cannot be read must not keep the rules from being watched."""
        try:
            return self._memory.load()
        except OSError as error:
            text = f"the alarms of before cannot be read from the disk: {error}"
            log.warning("%s; what the broker has kept counts", text)
            self._on_trouble(text)
            return []

    def _save(self) -> None:
        try:
            self._memory.save(map(self._clock.shown, self._engine.alarms))
        except OSError as error:
            self._on_trouble(f"alarms cannot be written to the disk: {error}")
        else:
            self._on_trouble("")
