"""What the code of an agent may do while it works: wait, show life, say how it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyros_mqtt.errors import AgentError
from pyros_mqtt.messages import Command, Progress

if TYPE_CHECKING:
    from pyros_mqtt.agent.life import Life


class Conduct:
    """The part of `Agent` that its own actions, chores and hooks call."""

    name: str
    _life: Life | None = None

    @property
    def _alive(self) -> Life:
        if self._life is None:
            raise AgentError(f"{self.name} has not been started: call start() or run() first")
        return self._life

    @property
    def command(self) -> Command | None:
        """The command that the calling thread runs."""
        ticket = self._alive.stage.current
        return ticket.command if ticket else None

    @property
    def stopping(self) -> threading.Event:
        """Set when the agent is to end."""
        return self._alive.stopping

    @property
    def cancelled(self) -> threading.Event:
        """Set when the running action is to end; outside of actions, when the agent is."""
        ticket = self._alive.stage.current
        return ticket.cancelled if ticket else self._alive.stopping

    def thread(
        self, target: Callable[..., Any], *args: Any, name: str | None = None
    ) -> threading.Thread:
        """Call `target(*args)` in a thread of its own. Returns at once; for any thread.

        It has to end when `self.stopping` is set: wait there by `self.stopping.wait(seconds)`, or
        by `self.sleep`, which ends the thread itself. The agent waits 5 s for it, and names it in
        the log and its last status if it has not ended then. If it dies by an exception the agent
        is `degraded`, until a thread of that name is started again.

        Args:
            target: what to call; it may call `self.telemetry`, `self.degrade` and all else that
                is for any thread.
            *args: its arguments.
            name: by default that of `target`; the thread is named after the agent, too.

        Raises:
            AgentError: the agent has not been started.
        """
        return self._alive.threads.start(target, args, name)

    def sleep(self, seconds: float) -> None:
        """Wait, while due chores run and life is shown.

        Raises:
            Cancelled: the action was cancelled, or the agent stops. Let it pass.
        """
        ticket = self._alive.stage.current
        busy = self._alive.chores.is_busy and self._alive.rhythm.is_here()
        self._alive.rhythm.pause(seconds, ticket.cancelled if ticket and not busy else None)

    def checkpoint(self) -> None:
        """Run due chores, show life, and end here if the action was cancelled.

        Raises:
            Cancelled: as `sleep`.
        """
        self.sleep(0)

    def progress(
        self, fraction: float | None = None, text: str = "", *, patience: float | None = None
    ) -> None:
        """Tell the sender how far the action has come; a checkpoint.

        Args:
            fraction: from 0 to 1, or None where it is not known; what is beyond is cut.
            text: for people, such as "12 of 30 s".
            patience: seconds that may pass until the next sign of life, if more than usual.

        Raises:
            Cancelled: as `sleep`.
        """
        ticket = self._alive.stage.current
        if ticket is not None:
            part = None if fraction is None else min(1.0, max(0.0, fraction))
            self._alive.stage.advance(ticket, Progress(part, text), patience)
        self.checkpoint()

    def degrade(self, reason: str, about: str = "") -> None:
        """Show that the agent runs, but cannot do all of its work. For any thread.

        `about` names what the trouble is with, so that several can be shown and end each on its
        own. Saying the same again costs nothing.
        """
        self._alive.condition.degrade(reason, about)

    def fault(self, reason: str, about: str = "") -> None:
        """Show that the agent needs a person; `about` as for `degrade`. For any thread."""
        self._alive.condition.fault(reason, about)

    def recover(self, about: str = "") -> None:
        """Show that the trouble with `about` is over. For any thread."""
        self._alive.condition.recover(about)

    def cancel_running(self, why: str) -> bool:
        """From an urgent action: cancel the one that runs; whether there is one."""
        return self._alive.stage.cancel_main(why)
