"""Takes in what comes: classifies, journals, answers, and hands it out in the right order."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from pyros_mqtt import wire
from pyros_mqtt.dispatch import ActionTable
from pyros_mqtt.errors import JournalError, Refusal, Replaced
from pyros_mqtt.failpoints import reach
from pyros_mqtt.inbox.admission import Admission, Limits, TooLate
from pyros_mqtt.inbox.lately import Lately
from pyros_mqtt.inbox.queues import TicketQueue
from pyros_mqtt.inbox.ticket import Ticket
from pyros_mqtt.journal import Journal
from pyros_mqtt.messages import (
    FULL,
    NOT_READY,
    Command,
    Outcome,
    Problem,
    Report,
    State,
    report_on,
)
from pyros_mqtt.signing import Guard
from pyros_mqtt.transport import Delivery
from pyros_mqtt.wire.command import Properties

log = logging.getLogger(__name__)

_Step = tuple[Command, Report, Ticket | None]
"""A command of this turn, what is told of it, and what is to be done with it."""


class Answer(Protocol):
    """Sends a report on a command; one that is `soon_followed` by the next may wait for that."""

    def __call__(self, command: Command, report: Report, /, *, soon_followed: bool = False) -> None:
        """Send it."""


class Inbox:
    """Takes in what comes, journals it, and hands it out in the right order.

    `receive` and `end_turn` are for the network thread; the rest is for any thread.

    Args:
        answer: sends a report on a command.
        life: where in its life the agent is.
        accepts_all: take messages that are not in the table, for an agent that reads them itself.
        guard: looks at signatures; None: nobody does.
        suffer: told when the disk takes nothing.
        is_quick: whether the action of a message ended at once the last time.
    """

    def __init__(  # noqa: PLR0913 - an inbox stands between all of these
        self,
        agent: str,
        table: ActionTable,
        journal: Journal,
        answer: Answer,
        life: Callable[[], State],
        *,
        session: str = "",
        limits: Limits | None = None,
        accepts_all: bool = False,
        guard: Guard | None = None,
        suffer: Callable[[JournalError], None] = lambda _error: None,
        is_quick: Callable[[str], bool] = lambda _message: False,
    ) -> None:
        self._agent = agent
        self._table = table
        self._journal = journal
        self._answer = answer
        self._life = life
        self._limits = limits or Limits()
        self._admission = Admission(
            agent, table, session, self._limits.max_clock_skew, accepts_all=accepts_all
        )
        self._guard = guard
        self._suffer = suffer
        self._is_quick = is_quick
        self._lock = threading.RLock()
        self._ordinary, self._urgent = TicketQueue(self._lock), TicketQueue(self._lock)
        self._lately = Lately()
        self._acknowledged = False
        self._last_taken = "", ""
        self._turn: list[_Step] = []
        self.ignored = 0
        """Empty payloads that came in."""
        self.forged = 0
        """Commands that were not what a guard lets pass, under the id of one that was."""
        self.out_of_order = 0
        """Commands that came before one that was sent earlier; their senders repeat them."""

    # -- network thread -------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> None:
        """Classify one message; what it leads to happens at the end of the turn."""
        wall, now = time.time(), time.monotonic()
        try:
            command = self._let_in(delivery, wall)
        except Refusal as refusal:
            if self._would_mislead(refusal):
                self.forged += 1
                log.warning("%s: somebody uses the id of another: %s", self._agent, refusal.text)
                return
            self._refuse(refusal)
            return
        if command is None:
            self.ignored += 1
            return
        try:
            self._consider(command, wall, now)
        except Refusal as refusal:
            self._refuse(refusal)

    def end_turn(self) -> None:
        """Commit the journal; only then tell the senders, and let the threads have the work."""
        turn, self._turn = self._turn, []
        if self._acknowledged:
            reach("after_ack")  # the broker has had its acknowledgements since the last turn
        self._acknowledged = bool(turn)
        if not turn:
            return
        try:
            turn = self._noted(turn)
        except Replaced as error:
            log.warning("%s: %s; it keeps silent", self._agent, error)
            return  # the sender repeats it, and the other one takes it in
        reach("after_journal")
        with self._lock:
            soon = self._will_end_soon(turn)
            for _, _, ticket in turn:
                if ticket is not None:
                    self._queue_of(ticket).put(ticket)
            for command, report, _ in turn:
                self._answer(command, report, soon_followed=soon)

    def _noted(self, turn: list[_Step]) -> list[_Step]:
        """Commit the journal; gives what becomes of each command then.

        Raises:
            Replaced: another life has it.
        """
        try:
            known = self._journal.commit()
        except Replaced:
            raise
        except JournalError as error:
            log.error("%s: %s", self._agent, error)  # noqa: TRY400 - it says all
            self._suffer(error)
            return [self._recalled(step) or self._unnoted(*step, error) for step in turn]
        if not known:
            return turn
        return [(_key(step) in known and self._recalled(step)) or step for step in turn]

    def _will_end_soon(self, turn: list[_Step]) -> bool:
        """The one command of this turn is started at once, and is a quick one."""
        if len(turn) != 1 or not self._ordinary.is_awaited:
            return False
        command, _, ticket = turn[0]
        return ticket is not None and not ticket.is_urgent and self._is_quick(command.message)

    def _recalled(self, step: _Step) -> _Step | None:
        """What becomes of a command that turns out to have been here before; None: it was not."""
        command, report, ticket = step
        if ticket is None:
            return None
        try:
            repeated = self._repeated(command)
        except Refusal as refusal:
            return self._refusal(refusal)
        if repeated is None or repeated is report:  # a journal in memory forgets nothing
            return None
        return command, repeated, None

    def _unnoted(
        self, command: Command, report: Report, ticket: Ticket | None, error: JournalError
    ) -> _Step:
        """What becomes of a command that the disk did not take.

        An urgent one is run all the same, for twice is once; any other might start twice.
        """
        if ticket is None or ticket.is_urgent:
            return command, report, ticket
        problem = Problem(FULL, str(error))
        refusal = report_on(command, Outcome.REJECTED, time.time(), error=problem)
        self._lately.note(command, refusal, time.monotonic())
        return command, refusal, None

    def _read(self, delivery: Delivery, wall: float) -> Command | None:
        properties = Properties(delivery.correlation, delivery.expiry, delivery.reply_to)
        command = wire.decode_command(
            delivery.payload,
            self._agent,
            arrived=wall,
            max_payload=self._limits.max_payload,
            properties=properties,
        )
        if command is not None and delivery.retain:
            text = "it is retained on the broker: commands are never published with the retain flag"
            raise Refusal("retained", text, command)
        return command

    def _let_in(self, delivery: Delivery, wall: float) -> Command | None:
        command = self._read(delivery, wall)
        if command is None:
            return None
        if self._guard is None:
            return replace(command, seal=None) if command.seal else command
        action = self._table.action(command.message)
        urgent = bool(action and action.rules.urgent)
        return self._guard.check(delivery.topic, command, is_urgent=urgent)

    def _would_mislead(self, refusal: Refusal) -> bool:
        """Whether a report of it would reach somebody who has sent another command.

        Ids can be read from reports. Where signatures count, nobody is to end somebody else's
        command in her eyes by sending a bad one under its id.
        """
        command = refusal.command
        if self._guard is None or command is None or not command.id:
            return False
        return self._journal.knows(command.sender, command.id)

    def _repeated(self, command: Command) -> Report | None:
        """The latest report on a command that has been here before."""
        if not command.id:
            return None
        entry = self._journal.find(command.sender, command.id) or self._lately.find(command)
        if entry is None:
            return None
        if not entry.is_same_as(command):
            text = f"the id {command.id!r} was used for another command"
            raise Refusal("conflict", text, command)
        return entry.report

    def _ticket(self, command: Command, wall: float, now: float) -> Ticket:
        """Check everything that can be checked before a command is accepted."""
        ticket = self._admission.ticket(command, wall, now)
        self._check_room(ticket.command, urgent=ticket.is_urgent)
        return ticket

    def _check_room(self, command: Command, *, urgent: bool) -> None:
        life = self._life()
        if life is State.STOPPED or (life is not State.READY and not urgent):
            raise Refusal(NOT_READY, f"{self._agent} is {life}", command)
        if urgent:
            return
        coming = sum(1 for _, _, t in self._turn if t is not None and not t.is_urgent)
        if self.waiting + coming >= self._limits.max_waiting:
            text = f"{self._limits.max_waiting} commands wait already"
            raise Refusal(FULL, text, command)

    def _consider(self, command: Command, wall: float, now: float) -> None:
        """Decide on a command that could be read; the decision stands if it comes again.

        Raises:
            Refusal: its id was used for another command.
        """
        try:
            ticket = self._ticket(command, wall, now)
        except Refusal as refusal:
            if not self._answer_again(command):
                self._decline(command, refusal, now)
            return
        if not (ticket.is_urgent or self._has_had(command.sender, command.after)):
            if not self._answer_again(command):
                self.out_of_order += 1
                log.debug("%s: %s came before %s", self._agent, command.id, command.after)
            return
        ticket.command = command = _with_id(ticket.command)
        report = report_on(command, Outcome.ACCEPTED, time.time())
        if self._lately.find(command) is None and self._journal.accept(command, report):
            self._last_taken = command.sender, command.id
            self._turn.append((command, report, ticket))
        else:
            self._answer_again(command)

    def _answer_again(self, command: Command) -> bool:
        """Answer a command that has been here before with the latest report on it; whether it has.

        Raises:
            Refusal: its id was used for another command.
        """
        repeated = self._repeated(command)
        if repeated is not None:
            self._turn.append((command, repeated, None))
        return repeated is not None

    def _decline(self, command: Command, refusal: Refusal, now: float) -> None:
        """Refuse a command; that stands, unless the agent was only not ready."""
        report = self._refuse(refusal)
        if command.id and refusal.code == NOT_READY:
            self._lately.note(command, report, now)
        elif command.id:
            self._journal.write(command, report)

    def _has_had(self, sender: str, command_id: str | None) -> bool:
        """Whether the command before this one was here.

        If not, it was lost on its way and will be repeated, and this one behind it: silence keeps
        them in order.
        """
        if command_id is None or (sender, command_id) == self._last_taken:
            return True
        return self._journal.knows(sender, command_id)

    def _refuse(self, refusal: Refusal) -> Report:
        step = self._refusal(refusal)
        self._turn.append(step)
        return step[1]

    def _refusal(self, refusal: Refusal) -> _Step:
        command = _with_id(refusal.command or Command(self._agent, ""))
        state = Outcome.EXPIRED if isinstance(refusal, TooLate) else Outcome.REJECTED
        log.info("%s: %s %.200r: %.500r", self._agent, state, command.message, refusal.text)
        error = Problem(refusal.code, refusal.text)
        return command, report_on(command, state, time.time(), error=error), None

    # -- any thread -------------------------------------------------------------------------

    def take(self, timeout: float, then: Callable[[Ticket], None] | None = None) -> Ticket | None:
        """The next ordinary ticket, or None after `timeout` seconds, or when woken.

        `then` gets it in the moment in which it leaves the queue, so that an abort always finds
        it, either here or there.
        """
        return self._ordinary.take(timeout, then)

    def take_urgent(self, timeout: float) -> Ticket | None:
        """The next urgent ticket, or None after `timeout` seconds, or when woken."""
        return self._urgent.take(timeout)

    def put_back(self, ticket: Ticket) -> None:
        """Queue a ticket from the journal of an earlier life."""
        with self._lock:
            self._queue_of(ticket).put(ticket)

    def wake(self) -> None:
        """Let those who wait look around."""
        with self._lock:
            for queue in (self._ordinary, self._urgent):
                queue.news.notify_all()

    def withdraw(self, *, urgent: bool = False) -> list[Ticket]:
        """Take out every ordinary (or urgent) ticket, so that the caller can end it."""
        with self._lock:
            queue = (self._urgent if urgent else self._ordinary).tickets
            tickets = list(queue)
            queue.clear()
        return tickets

    @property
    def waiting(self) -> int:
        """Ordinary commands that wait."""
        return len(self._ordinary.tickets)

    def _queue_of(self, ticket: Ticket) -> TicketQueue:
        return self._urgent if ticket.is_urgent else self._ordinary


def _key(step: _Step) -> tuple[str, str]:
    command = step[0]
    return command.sender, command.id


def _with_id(command: Command) -> Command:
    return command if command.id else replace(command, id=secrets.token_hex(16))
