"""A thread that looks after the others of one life: who hangs, who does not obey, who is late."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable

from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.agent.presence import Presence
from pyros_mqtt.condition import Condition
from pyros_mqtt.messages import State
from pyros_mqtt.service_manager import ServiceManager

log = logging.getLogger(__name__)

ROUND = 0.5
"""Seconds between two looks."""

SLOW_WORK = 5.0
"""Seconds after which a `work()` that has not returned is called out."""

STALLED = 30.0
"""Seconds without a turn after which the network thread counts as stuck. A connection that is being
made, and a look at the name before it, may take half of that."""

KILLED = 70
"""The exit code of a process that was ended because an action did not obey (EX_SOFTWARE)."""


class Watchdog:
    """Tells a hung action, which the status shows, from a network thread that is stuck.

    A connection that breaks in an unforeseen way is made anew by the network thread itself. One
    that is stuck inside a call of the system cannot be helped from here: the log says where it
    hangs, and the service manager is told no longer that we live, so that it starts us again.

    Args:
        name: the agent's.
        working_since: when `work()` was called, in monotonic seconds; None before.
        is_last: no other agent of this process lives.
        may_kill: this process is the agent's own.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - it looks at everything
        self,
        name: str,
        condition: Condition,
        stage: Stage,
        presence: Presence,
        working_since: Callable[[], float | None],
        is_last: Callable[[], bool],
        *,
        may_kill: bool,
    ) -> None:
        self._name = name
        self._condition = condition
        self._stage = stage
        self._presence = presence
        self._working_since = working_since
        self._is_last = is_last
        self._may_kill = may_kill
        self._manager = ServiceManager()
        self._said: set[str] = set()
        self._next_sign = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watchdog {name}", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stopping(self) -> None:
        """The agent begins to end; for any thread."""
        if self._is_last() and self._is_new("stopping"):
            self._manager.stopping()

    def end(self) -> None:
        """Look no longer; for any thread."""
        self._ended.set()

    def _run(self) -> None:
        pause = min(ROUND, self._manager.pause or ROUND)
        while not self._ended.wait(pause):
            try:
                self._look(time.monotonic())
            except Exception:
                if self._is_new("trouble"):
                    log.exception("%s: the watchdog could not look", self._name)

    def _look(self, now: float) -> None:
        self._look_at_work(now)
        self._look_at_cancelled(now)
        is_well = self._look_at_network(now)
        self._tell_manager(now, is_well=is_well)

    def _look_at_work(self, now: float) -> None:
        began = self._working_since()
        if self._condition.life is not State.STARTING or began is None:
            return
        if now - began > SLOW_WORK and self._is_new("work"):
            text = f"work() has not returned for {SLOW_WORK:.0f} s; until then no message is taken"
            if self._condition.enter(State.STARTING, text, coming_from={State.STARTING}):
                log.warning("%s: %s", self._name, text)

    def _look_at_cancelled(self, now: float) -> None:
        ticket = self._stage.defies(now)
        if ticket is None or not self._is_new(f"defiant {ticket.command.id}"):
            return
        message = ticket.command.message
        seconds = self._condition.defiant_for(now)
        if not self._may_kill:
            log.error(
                "%s: %s ignores its cancellation; this process is not the agent's own, so it goes "
                "on", self._name, message,
            )  # fmt: skip
            return
        log.critical(
            "%s: %s has ignored its cancellation for %.0f s; its process ends now (kill_after)",
            self._name, message, seconds,
        )  # fmt: skip
        self._manager.status(f"{message} ignored its cancellation")
        os._exit(KILLED)

    def _look_at_network(self, now: float) -> bool:
        pulse = self._presence.pulse
        stuck = 0.0 if pulse is None else now - pulse
        if stuck <= STALLED:
            self._said.discard("network")
            return True
        if self._is_new("network"):
            where = _stack_of_network(self._name)
            log.critical(
                "%s: the network thread has not come by for %.0f s\n%s", self._name, stuck, where
            )
        return False

    def _tell_manager(self, now: float, *, is_well: bool) -> None:
        shown = self._condition.snapshot(now)
        if shown.state.takes_commands and self._is_new("ready"):
            self._manager.ready()
        doing = shown.task.message if shown.task else ""
        words = filter(None, [f"{self._name}: {shown.state}", doing, shown.detail])
        self._manager.status("; ".join(words) if is_well else f"{self._name}: the network hangs")
        if is_well and self._manager.pause is not None and now >= self._next_sign:
            self._next_sign = now + self._manager.pause
            self._manager.alive()

    def _is_new(self, what: str) -> bool:
        if what in self._said:
            return False
        self._said.add(what)
        return True


def _stack_of_network(name: str) -> str:
    frames = sys._current_frames()  # noqa: SLF001 - the only way to see where another thread is
    for thread in threading.enumerate():
        if thread.name.startswith("network") and thread.name.endswith(name):
            frame = frames.get(thread.ident or 0)
            return "".join(traceback.format_stack(frame)) if frame else ""
    return "it is gone"
