"""One ticket from its start to its terminal report; in the agent's or the urgent thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from pyros_mqtt.condition import Condition
from pyros_mqtt.dispatch import PATIENCE, plain
from pyros_mqtt.errors import (
    ActionFailed,
    Cancelled,
    JournalError,
    PyrosError,
    Refusal,
    Replaced,
    words_of,
)
from pyros_mqtt.inbox import Ticket
from pyros_mqtt.journal import End
from pyros_mqtt.messages import JSON, Outcome, Problem, Progress, Report, Task, report_on
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.tracing import tracing

log = logging.getLogger(__name__)

AT_ONCE = 0.001
"""Seconds under which an action has ended at once, so that one report may wait for the other."""

MOST_QUICK = 1000
"""Messages that are remembered as quick; an agent that reads messages itself may get any."""

ABORTED = "aborted"
"""Why an abort cancels."""

PROGRESS_PAUSE = 0.1
"""Least seconds between two reports of progress; what comes in between only shows in the status."""


class Stage:
    """Performs tickets, one at a time in each thread, and knows which one is on."""

    def __init__(self, outbox: Outbox, condition: Condition) -> None:
        self._outbox = outbox
        self._condition = condition
        self._here = threading.local()
        self._main: Ticket | None = None
        self._quick: set[str] = set()

    def is_quick(self, message: str) -> bool:
        """Whether the action of a message ended at once when it ran the last time."""
        return message in self._quick

    @property
    def current(self) -> Ticket | None:
        """The ticket that the calling thread performs."""
        return getattr(self._here, "ticket", None)

    def cancel_main(self, why: str) -> bool:
        """Ask the ordinary action that runs to end; whether there is one."""
        ticket = self._main
        if ticket is None:
            return False
        ticket.cancel(why)
        self._condition.cancel(ticket.command, time.monotonic())
        return True

    def cancel_waiting(self, tickets: Iterable[Ticket], why: str) -> None:
        """Give commands that will not be performed their terminal report."""
        self._outbox.ended_unbegun(_cancelled(tickets, why))

    def defies(self, now: float) -> Ticket | None:
        """The ordinary ticket that has gone on for its `kill_after` since it was cancelled."""
        ticket = self._main
        rules = ticket and ticket.action and ticket.action.rules
        if not ticket or not rules or rules.kill_after is None or not ticket.cancelled.is_set():
            return None
        return ticket if self._condition.defiant_for(now) > rules.kill_after else None

    def prepare(self, ticket: Ticket) -> None:
        """An ordinary ticket leaves its queue: from now on `cancel_main` finds it here."""
        self._main = ticket

    def perform(self, ticket: Ticket, call: Callable[[Ticket], Any]) -> bool:
        """Start a ticket, and report its end; False: it was too late, or cancelled."""
        try:
            if ticket.cancelled.is_set():
                self.end(ticket, Outcome.CANCELLED, "cancelled", ticket.why)
                return False
            if ticket.is_late():
                self._expire(ticket)
                return False
            if ticket.is_urgent:
                self._play(ticket, call, self._ended)
            else:
                self._play_main(ticket, call)
            return True
        finally:
            if self._main is ticket:
                self._main = None

    def abort(
        self, ticket: Ticket, call: Callable[[Ticket], Any], withdraw: Callable[[], list[Ticket]]
    ) -> None:
        """Cancel the command that runs, and all that wait; then perform the abort itself."""
        if ticket.is_late():
            self._expire(ticket)
            return
        self.cancel_main(ABORTED)
        waiting = withdraw()
        self.cancel_main(ABORTED)  # the one that has come up meanwhile
        self._play(ticket, call, partial(self._aborted, waiting))

    def _aborted(self, waiting: list[Ticket], ticket: Ticket, report: Report) -> None:
        self._outbox.ended_with(ticket.command, report, _cancelled(waiting, ABORTED))

    def advance(self, ticket: Ticket, progress: Progress, patience: float | None) -> None:
        """Show how far an action has come."""
        now = time.monotonic()
        if not ticket.is_urgent:
            self._condition.advance(progress, now, patience)
        if now - ticket.told >= PROGRESS_PAUSE or patience is not None or progress.fraction == 1:
            ticket.told = now
            self._outbox.advanced(ticket.command, progress, patience)

    def end(self, ticket: Ticket, state: Outcome, code: str, text: str) -> None:
        """Report the end of a ticket that was not performed."""
        self._ended(
            ticket, report_on(ticket.command, state, time.time(), error=Problem(code, text))
        )

    def say(self) -> None:
        """Tell what has ended, before the agent's thread waits or does something else."""
        self._outbox.say()

    def _ended(self, ticket: Ticket, report: Report) -> None:
        self._outbox.ended(ticket.command, report, soon=not ticket.is_urgent)

    def _expire(self, ticket: Ticket) -> None:
        self.end(ticket, Outcome.EXPIRED, "timeout", "its deadline passed while it waited")

    def _play_main(self, ticket: Ticket, call: Callable[[Ticket], Any]) -> None:
        command, rules = ticket.command, ticket.action and ticket.action.rules
        task = Task(command.message, command.id, command.sender, time.time())
        began = time.monotonic()
        self._condition.begin(task, rules.patience if rules else PATIENCE, began)
        if ticket.cancelled.is_set():  # in the very moment in which it began
            self._condition.cancel(command, time.monotonic())
        try:
            self._outbox.began(command, elsewhere=bool(rules and rules.elsewhere))
            if ticket.is_late():  # a slow disk may have taken its time to note the start
                self._expire(ticket)
            else:
                self._play(ticket, call, self._ended)
        except Replaced as error:
            log.warning("%.200r is left to another life: %s", command.message, error)
        except JournalError as error:
            self.end(ticket, Outcome.FAILED, "action-failed", f"it was not started: {error}")
        finally:
            self._note_pace(command.message, time.monotonic() - began)
            self._condition.end(time.monotonic())

    def _note_pace(self, message: str, seconds: float) -> None:
        if seconds > AT_ONCE:
            self._quick.discard(message)
        elif len(self._quick) < MOST_QUICK:
            self._quick.add(message)

    def _play(
        self,
        ticket: Ticket,
        call: Callable[[Ticket], Any],
        ended: Callable[[Ticket, Report], None],
    ) -> None:
        self._here.ticket = ticket
        try:
            with tracing.performing(ticket.command, ticket.arrived) as note:
                report = self._report(ticket, call)
                note(report)
        finally:
            self._here.ticket = None
        try:
            ended(ticket, report)
        except (TypeError, ValueError, RecursionError) as error:
            text = f"it ran, but its result cannot be sent: {error}"
            ended(ticket, self._failed(ticket, "action-failed", text))

    def _report(self, ticket: Ticket, call: Callable[[Ticket], Any]) -> Report:
        """Call the action, whatever comes of it."""
        command = ticket.command
        try:
            result = _told(call(ticket))
        except Cancelled as cancelled:
            error = Problem("cancelled", ticket.why or str(cancelled) or "cancelled")
            return report_on(command, Outcome.CANCELLED, time.time(), error=error)
        except Refusal as refusal:
            return self._failed(ticket, refusal.code, refusal.text)
        except ActionFailed as failure:
            return self._failed(ticket, failure.code, failure.text)
        except PyrosError as error:
            return self._failed(ticket, "action-failed", str(error))
        except BaseException as error:  # sys.exit() ends the action, not the agent
            log.exception("%.200r failed", command.message)
            return self._failed(ticket, "action-failed", words_of(error))
        return report_on(command, Outcome.DONE, time.time(), result=result)

    def _failed(self, ticket: Ticket, code: str, text: str) -> Report:
        log.warning("%.200r failed: %.500r", ticket.command.message, text)
        error = Problem(code, text)
        return report_on(ticket.command, Outcome.FAILED, time.time(), error=error)


def _cancelled(tickets: Iterable[Ticket], why: str) -> list[End]:
    at, error = time.time(), Problem("cancelled", why)
    return [
        (ticket.command, report_on(ticket.command, Outcome.CANCELLED, at, error=error))
        for ticket in tickets
    ]


def _told(result: Any) -> JSON:
    try:
        return plain(result)
    except ValueError as error:
        raise ActionFailed(f"it ran, but its result cannot be sent: {error}") from None
