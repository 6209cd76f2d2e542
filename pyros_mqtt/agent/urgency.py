"""The urgent lane: a thread beside the agent's own, for what cannot wait (protocol section 4)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.condition import Condition
from pyros_mqtt.errors import words_of
from pyros_mqtt.inbox import Inbox, Ticket

log = logging.getLogger(__name__)


class UrgentLane:
    """Runs urgent commands one at a time, until the agent's `shutdown()` has returned.

    Args:
        perform: calls the agent's action.
        stop: ends the agent, with why.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it takes to run a command, and to end the agent
        self,
        name: str,
        inbox: Inbox,
        stage: Stage,
        condition: Condition,
        perform: Callable[[Ticket], Any],
        stop: Callable[[str], None],
    ) -> None:
        self._inbox = inbox
        self._stage = stage
        self._condition = condition
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
            if self._play(ticket) and ticket.command.message == "shutdown":
                self._stop("the agent was told to shut down")

    def _play(self, ticket: Ticket) -> bool:
        """Perform one; whatever becomes of it, the next abort must find this thread alive.

        Gives False where it was too late to perform it.
        """
        message, has_begun = ticket.command.message, True
        try:
            if message == "abort":
                self._stage.abort(ticket, self._perform, self._inbox.withdraw)
            else:
                has_begun = self._stage.perform(ticket, self._perform)
        except BaseException as error:
            log.exception("%.200r did not come to its end", message)
            text = f"{message:.200} did not come to its end: {words_of(error)}"
            self._condition.degrade(text, "urgent lane")
        else:
            self._condition.recover("urgent lane")
        return has_begun
