"""What an earlier life left unfinished, and what becomes of it (protocol section 4)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from pyros_mqtt.agent.performance import ABORTED
from pyros_mqtt.dispatch import ActionTable
from pyros_mqtt.errors import Refusal
from pyros_mqtt.inbox import Inbox, Ticket
from pyros_mqtt.journal import Entry, Journal
from pyros_mqtt.messages import Command, Outcome, Problem, Report, report_on

log = logging.getLogger(__name__)


def resume(
    journal: Journal,
    table: ActionTable,
    inbox: Inbox,
    tell: Callable[[Command, Report], None],
    skew: float,
) -> None:
    """Queue what was accepted and is alive; end the rest. Before the inbox is listened to.

    What was running has an unknown effect: it is reported `interrupted`, unless its action is
    declared idempotent and may simply run again. Clocks may differ by `skew` seconds.

    An abort that is among it may have been told as done already: nothing from before it starts.
    """
    unfinished = journal.unfinished()
    aborts = [place for place, one in enumerate(unfinished) if one.command.message == "abort"]
    last_abort = max(aborts, default=0)
    for place, entry in enumerate(unfinished):
        command = entry.command
        try:
            inbox.put_back(_ticket(entry, table, skew, is_aborted=place < last_abort))
        except _Over as over:
            log.warning("%s of an earlier life: %s", command.message, over)
            report = report_on(command, over.state, time.time(), error=over.problem)
            journal.write(command, report)
            journal.commit()
            tell(command, report)


class _Over(Exception):
    """A command of an earlier life comes to its end without a further start."""

    def __init__(self, state: Outcome, code: str, text: str) -> None:
        super().__init__(text)
        self.state = state
        self.problem = Problem(code, text)


def _ticket(entry: Entry, table: ActionTable, skew: float, *, is_aborted: bool) -> Ticket:
    """Make a ticket that can run now.

    Raises:
        _Over: it must not, or cannot.
    """
    command, action, wall = entry.command, table.action(entry.command.message), time.time()
    was_running = entry.report.state is Outcome.RUNNING
    if was_running and not (action and action.rules.idempotent):
        text = "the agent died while it ran; how far it came is not known"
        raise _Over(Outcome.INTERRUPTED, "interrupted", text)
    if is_aborted and not (command.urgent or (action and action.rules.urgent)):
        raise _Over(Outcome.CANCELLED, "cancelled", ABORTED)
    left = _time_left(entry, wall, skew)
    try:
        arguments = action.check(command) if action else {}
    except Refusal as refusal:
        raise _Over(Outcome.FAILED, refusal.code, refusal.text) from None
    return Ticket(command, action, arguments, time.monotonic(), left)


def _time_left(entry: Entry, wall: float, skew: float) -> float | None:
    """Seconds in which it may start; None: it may for ever.

    Raises:
        _Over: none are left, or nobody can tell.
    """
    deadline = entry.command.deadline
    if deadline is None:
        return None
    left = deadline - wall if entry.left is None else min(entry.left, deadline - wall)
    if left < 0:
        raise _Over(Outcome.EXPIRED, "timeout", "its deadline passed while the agent was away")
    if entry.left is None and wall < entry.report.at - skew:
        # no clock tells how long we were away
        text = "the clock was set back while the agent was away, so its deadline cannot be told"
        raise _Over(Outcome.EXPIRED, "timeout", text)
    return left
