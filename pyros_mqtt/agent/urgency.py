"""The urgent lane: a thread beside the agent's own, for what cannot wait (protocol section 4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.inbox import Inbox, Ticket


class UrgentLane:
    """Runs urgent commands one at a time, until the agent's `shutdown()` has returned.

    Args:
        perform: calls the agent's action.
        stop: ends the agent, with why.
    """

    def __init__(
        self,
        name: str,
        inbox: Inbox,
        stage: Stage,
        perform: Callable[[Ticket], Any],
        stop: Callable[[str], None],
    ) -> None:
        self._inbox = inbox
        self._stage = stage
        self._perform = perform
        self._stop = stop
        self.over = threading.Event()
        """Set when no urgent command is taken any more."""
        self._thread = threading.Thread(target=self._run, name=f"urgent {name}", daemon=True)

    def start(self) -> None:
        """Take urgent commands from now on."""
        self._thread.start()

    def end(self, timeout: float) -> None:
        """Take no more; waits for the one that runs, `timeout` seconds at most."""
        self.over.set()
        self._inbox.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            ticket = self._inbox.take_urgent(1.0)
            if ticket is None:
                if self.over.is_set():
                    return
                continue
            if ticket.command.message == "abort":
                self._stage.abort(ticket, self._perform, self._inbox.withdraw)
            else:
                self._stage.perform(ticket, self._perform)
            if ticket.command.message == "shutdown":
                self._stop("the agent was told to shut down")
