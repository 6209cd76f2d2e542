"""How the agent's thread goes from one thing to the next: commands, chores, and waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pyros_mqtt.agent.chores import Chores
from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.condition import Condition
from pyros_mqtt.errors import Cancelled
from pyros_mqtt.inbox import Inbox, Ticket

SHORTEST = 0.005
"""Least seconds of a wait for a chore that is about due."""


class Rhythm:
    """Runs what is due, one thing at a time.

    Args:
        stopping: set when the agent is to end.
        perform: calls the agent's action.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the thread meets all of these
        self,
        inbox: Inbox,
        chores: Chores,
        stage: Stage,
        condition: Condition,
        stopping: threading.Event,
        perform: Callable[[Ticket], Any],
    ) -> None:
        self._inbox = inbox
        self._chores = chores
        self._stage = stage
        self._condition = condition
        self._stopping = stopping
        self._perform = perform
        self._thread: threading.Thread | None = None
        self._last_wait: threading.Event | None = None

    def begin(self) -> None:
        """The calling thread is the agent's."""
        self._thread = threading.current_thread()

    def wind_down(self, over: threading.Event) -> None:
        """The agent's thread cleans up: its waits go on until `over` is set."""
        self._last_wait = over

    def is_here(self) -> bool:
        """The caller is the agent's thread."""
        return threading.current_thread() is self._thread

    def receive(self) -> None:
        """Run what comes, one at a time, and chores when due, until the agent stops."""
        while not self._stopping.is_set():
            now = time.monotonic()
            self._condition.sign(now)
            if self._chores.next_due(now) <= 0 or not self._inbox.waiting:
                self._stage.say()  # else the next command's start does, in one with it
            self._chores.run_due(now)
            pause = min(self._chores.next_due(time.monotonic()), 1.0)
            ticket = self._inbox.take(pause, self._stage.prepare)
            if ticket is not None:
                if self._stopping.is_set():  # while it left its queue: nobody else can tell it
                    ticket.cancel("the agent is stopping")
                self._stage.perform(ticket, self._perform)
            else:
                self._stage.say()
        self._stage.say()

    def pause(self, seconds: float, cancelled: threading.Event | None) -> None:
        """Wait within an action, showing life and running due chores meanwhile.

        Raises:
            Cancelled: the action has been cancelled, or the agent stops. `shutdown()` may wait.
        """
        end, is_here = time.monotonic() + seconds, self.is_here()
        event = cancelled or (is_here and self._last_wait) or self._stopping
        while True:
            now = time.monotonic()
            if is_here:
                self._condition.sign(now)
                self._chores.run_due(now)
            if event.is_set():
                raise Cancelled
            left = end - time.monotonic()
            if left <= 0:
                return
            event.wait(self._nap(left) if is_here else left)

    def _nap(self, left: float) -> float:
        """Seconds until something is to be done in the agent's thread."""
        due = left if self._chores.is_busy else self._chores.next_due(time.monotonic())
        return min(left, max(due, SHORTEST), 1.0)
