"""The builds that lose, repeat or delay commands; `builds` says how they are chosen.

Each breaks one rule of what an agent does with a command, or a sender with an answer.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyros_mqtt.agent import recovery
from pyros_mqtt.errors import Refusal
from pyros_mqtt.failpoints import reach
from pyros_mqtt.inbox import Inbox, Ticket
from pyros_mqtt.journal import SqliteJournal, memory, table
from pyros_mqtt.messages import Command, Outcome, Report, report_on
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.sender.voice import Voice
from pyros_mqtt.transport import Fate
from tests.faults.builds import mutant, put

if TYPE_CHECKING:
    from pyros_mqtt.dispatch import ActionTable
    from pyros_mqtt.journal import Entry

ACCEPTS_BEFORE_JOURNAL = "accepts-before-journal"
ACCEPTS_AFTER_WORK = "accepts-after-work"
TAKES_PUBACK_FOR_DELIVERY = "takes-puback-for-delivery"
NO_DUPLICATE_CHECK = "no-duplicate-check"
EXPIRY_ON_ARRIVAL_ONLY = "expiry-on-arrival-only"
EXPIRY_BY_WALL_CLOCK_ONLY = "expiry-by-wall-clock-only"
FORGETS_AT_DEADLINE = "forgets-at-deadline"
LOOKS_UP_BY_READING_ALL = "looks-up-by-reading-all"
PURGES_ALL_AT_ONCE = "purges-all-at-once"
RUNS_AGAIN_AFTER_CRASH = "runs-again-after-crash"


@mutant(ACCEPTS_BEFORE_JOURNAL)
def _accept_before_journal() -> None:
    """The sender and the broker have their answers in one turn, the journal in the next."""

    def end_turn(self: Inbox) -> None:
        late: list[Any] = self.__dict__.pop("late", [])
        if late:
            reach("after_ack")
            self._journal.commit()
            reach("after_journal")
            for ticket in filter(None, late):
                self.put_back(ticket)
            self.wake()
        turn, self._turn = self._turn, []
        for command, report, ticket in turn:
            self._answer(command, report)
            self.__dict__.setdefault("late", []).append(ticket)

    put(Inbox, "end_turn", end_turn)


@mutant(ACCEPTS_AFTER_WORK)
def _accept_after_work() -> None:
    """Nothing of a command is written or said before its action has ended."""
    ended = Outbox.ended

    def consider(self: Inbox, command: Command, wall: float, now: float) -> None:
        try:
            ticket = self._ticket(command, wall, now)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        self.put_back(ticket)
        self.wake()

    def then_accept(self: Outbox, command: Command, report: Report, *, soon: bool = False) -> None:
        del soon
        self.send(command, report_on(command, Outcome.ACCEPTED, time.time()))
        ended(self, command, report)

    def began(_self: Outbox, _command: Command, *, elsewhere: bool = False) -> None:
        del elsewhere
        reach("after_start")

    put(Inbox, "_consider", consider)
    put(Outbox, "began", began)
    put(Outbox, "ended", then_accept)


@mutant(TAKES_PUBACK_FOR_DELIVERY)
def _take_puback_for_delivery() -> None:
    """The broker has a message: so the sender holds it for accepted, and its spool lets it go."""
    learn = Voice._learn

    def learn_delivery(self: Voice, pending: Any, fate: str) -> None:
        learn(self, pending, fate)
        if fate == Fate.TAKEN:
            pending.receipt.take(report_on(pending.command, Outcome.ACCEPTED, time.time()))

    put(Voice, "_learn", learn_delivery)


@mutant(NO_DUPLICATE_CHECK)
def _check_no_duplicates() -> None:
    def accept(self: SqliteJournal, command: Command, report: Report) -> bool:
        self.write(command, report)
        return True

    put(Inbox, "_repeated", lambda _self, _command: None)
    put(SqliteJournal, "accept", accept)


@mutant(EXPIRY_ON_ARRIVAL_ONLY)
def _check_expiry_on_arrival_only() -> None:
    ticket = recovery._ticket

    def without_deadline(
        entry: Entry, table: ActionTable, skew: float, *, is_aborted: bool
    ) -> Ticket:
        timeless = replace(entry, command=replace(entry.command, deadline=None))
        return ticket(timeless, table, skew, is_aborted=is_aborted)

    put(Ticket, "is_late", lambda _self: False)
    put(recovery, "_ticket", without_deadline)


@mutant(EXPIRY_BY_WALL_CLOCK_ONLY)
def _check_expiry_by_wall_clock_only() -> None:
    def is_late(self: Ticket) -> bool:
        return self.command.deadline is not None and time.time() > self.command.deadline

    put(Ticket, "is_late", is_late)


@mutant(FORGETS_AT_DEADLINE)
def _forget_at_deadline() -> None:
    def until(command: Command, report: Report, skew: float) -> float:
        del skew
        return report.at if command.deadline is None else command.deadline

    for room in (memory, table):
        put(room, "keep_until", until)


@mutant(RUNS_AGAIN_AFTER_CRASH)
def _run_again_after_crash() -> None:
    ticket = recovery._ticket

    def as_if_accepted(
        entry: Entry, table: ActionTable, skew: float, *, is_aborted: bool
    ) -> Ticket:
        accepted = replace(entry.report, state=Outcome.ACCEPTED)
        return ticket(replace(entry, report=accepted), table, skew, is_aborted=is_aborted)

    put(recovery, "_ticket", as_if_accepted)


@mutant(LOOKS_UP_BY_READING_ALL)
def _look_up_by_reading_all() -> None:
    """One look-up in twenty, so that nobody has to wait for a thousand of them."""
    find, look_ups = SqliteJournal.find, itertools.count()

    def find_slowly(self: SqliteJournal, sender: str, command_id: str) -> Entry | None:
        if next(look_ups) % 20 == 0:
            query = "SELECT count(*) FROM entries WHERE id || '' = ?"
            self._db.execute(query, (command_id,)).fetchone()
        return find(self, sender, command_id)

    put(SqliteJournal, "find", find_slowly)


@mutant(PURGES_ALL_AT_ONCE)
def _purge_all_at_once() -> None:
    put(table, "PURGE_ROWS", 1_000_000)
