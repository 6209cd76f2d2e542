"""What an earlier life has left, and what may start of it."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from pyros_mqtt.agent.performance import Stage
from pyros_mqtt.agent.recovery import resume
from pyros_mqtt.condition import Condition
from pyros_mqtt.dispatch import Action, ActionTable, Rules
from pyros_mqtt.inbox import Inbox, Ticket
from pyros_mqtt.journal import MemoryJournal, SqliteJournal
from pyros_mqtt.journal.uptime import uptime
from pyros_mqtt.messages import Command, Outcome, Report, State, Status, report_on
from pyros_mqtt.outbox import Outbox
from pyros_mqtt.topics import Topics
from tests.unit.hand_transport import HandTransport

SKEW = 5.0


class Heir:
    """A life that takes over a journal; what it says is kept."""

    def __init__(self, path: Path) -> None:
        self.journal = SqliteJournal(path)
        self.said: list[Report] = []
        self.table = ActionTable()
        self.table["goto"] = lambda: None
        self.table.bind(Action("set", lambda: None, Rules(idempotent=True)))
        self.inbox = Inbox("dome", self.table, self.journal, self.tell, lambda: State.STARTING)

    def tell(self, _command: Command, report: Report, **_: bool) -> None:
        self.said.append(report)

    def left(
        self,
        state: Outcome,
        at: float,
        message: str = "goto",
        ttl: float = 30.0,
        *,
        number: str = "1",
    ) -> None:
        """Note what the earlier life has reported last, under its clock."""
        command = Command("dome", message, id=number, sender="ops", sent_at=at, deadline=at + ttl)
        self.journal.write(command, report_on(command, state, at))
        self.journal.commit()

    def take_over(self) -> list[str]:
        """The end that was told, or the command that may start now."""
        resume(self.journal, self.table, self.inbox, self.tell, SKEW)
        ticket = self.inbox.take(0)
        return [ticket.command.message] if ticket else [report.state for report in self.said]


@pytest.fixture
def heir(tmp_path: Path) -> Heir:
    return Heir(tmp_path / "journal.sqlite")


@pytest.mark.parametrize(
    ("message", "state", "becomes"),
    [
        ("goto", Outcome.ACCEPTED, "goto"),
        ("goto", Outcome.RUNNING, "interrupted"),
        ("set", Outcome.RUNNING, "set"),
    ],
)
def test_what_was_accepted_runs_and_what_was_running_only_if_idempotent(
    heir: Heir, message: str, state: Outcome, becomes: str
) -> None:
    heir.left(state, time.time() - 1, message)
    assert heir.take_over() == [becomes]


def test_what_has_expired_meanwhile_is_not_started(heir: Heir) -> None:
    heir.left(Outcome.ACCEPTED, time.time() - 31)
    assert heir.take_over() == ["expired"]


@pytest.fixture
def _other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look find that the machine was started anew."""
    names = (str(number) for number in itertools.count())
    monkeypatch.setattr("pyros_mqtt.journal.rows.machine_life", lambda: next(names))


@pytest.mark.usefixtures("_other_machine")
def test_after_a_reboot_nothing_is_started_under_a_clock_that_was_set_back(heir: Heir) -> None:
    heir.left(Outcome.ACCEPTED, time.time() + 60)
    assert heir.take_over() == ["expired"]
    assert heir.said[0].error is not None
    assert "set back" in heir.said[0].error.text


def test_a_clock_that_was_set_back_does_not_prolong_a_deadline(
    heir: Heir, monkeypatch: pytest.MonkeyPatch
) -> None:
    heir.left(Outcome.ACCEPTED, time.time() - 10)
    monkeypatch.setattr("pyros_mqtt.journal.rows.uptime", lambda: uptime() + 31)
    assert heir.take_over() == ["expired"]


def test_a_clock_that_was_set_back_does_no_harm_to_what_is_in_time(heir: Heir) -> None:
    heir.left(Outcome.ACCEPTED, time.time() + 60)
    assert heir.take_over() == ["goto"]


@pytest.mark.usefixtures("_other_machine")
def test_a_clock_that_was_set_right_by_less_than_the_allowed_skew_does_no_harm(heir: Heir) -> None:
    heir.left(Outcome.ACCEPTED, time.time() + SKEW - 1)
    assert heir.take_over() == ["goto"]


class SlowDisk(MemoryJournal):
    """Takes so long to note a start that the deadline passes."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self._ticket = ticket

    def write(self, command: Command, report: Report) -> None:
        super().write(command, report)
        if report.state is Outcome.RUNNING:
            self._ticket.lifetime = -1.0


def test_an_action_whose_deadline_passes_while_its_start_is_noted_is_not_called() -> None:
    command = Command("dome", "goto", id="1", sender="ops", deadline=time.time() + 30)
    ticket = Ticket(command, None, {}, time.monotonic(), 30.0)
    journal, condition = SlowDisk(ticket), Condition(time.monotonic())
    claim = Status("dome", State.READY, session="one")
    outbox = Outbox(HandTransport(), Topics(), claim, condition, journal)
    calls: list[Ticket] = []
    Stage(outbox, condition).perform(ticket, calls.append)
    entry = journal.find("ops", "1")
    assert entry is not None
    assert (calls, entry.report.state) == ([], Outcome.EXPIRED)


def test_nothing_starts_that_an_abort_has_found(heir: Heir) -> None:
    heir.table.bind(Action("abort", lambda: None, Rules(urgent=True)))
    now = time.time()
    heir.left(Outcome.ACCEPTED, now, number="before")
    heir.left(Outcome.RUNNING, now, "set", number="again")
    heir.left(Outcome.ACCEPTED, now, "abort", number="abort")
    heir.left(Outcome.ACCEPTED, now, number="after")
    resume(heir.journal, heir.table, heir.inbox, heir.tell, SKEW)
    assert [(one.id, one.state) for one in heir.said] == [
        ("before", Outcome.CANCELLED), ("again", Outcome.CANCELLED),
    ]  # fmt: skip
    waiting, urgent = heir.inbox.withdraw(), heir.inbox.withdraw(urgent=True)
    assert [one.command.id for one in waiting + urgent] == ["after", "abort"]
