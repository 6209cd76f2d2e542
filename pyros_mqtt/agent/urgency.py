"""The urgent lane: a thread beside the agent's own, for what cannot wait (protocol section 4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.inbox import Inbox, Ticket
from pyros_mqtt.journal import End


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
            message = ticket.command.message
            ends = self._abort() if message == "abort" else []
            self._stage.perform(ticket, self._perform)
            self._stage.tell(ends)  # a thousand reports must not go before the abort's own
            if message == "shutdown":
                self._stop("the agent was told to shut down")

    def _abort(self) -> list[End]:
        """Cancel the command that runs, and all that wait; gives what is to be told of those."""
        self._stage.cancel_main("aborted")
        waiting = self._inbox.withdraw()
        self._stage.cancel_main("aborted")  # the one that has come up meanwhile
        return self._stage.note_cancelled(waiting, "aborted")
