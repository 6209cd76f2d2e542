"""What an inbox accepts, and what it says to the rest (protocol section 4)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator

from pyros_mqtt.dispatch import Action, ActionTable, Rules
from pyros_mqtt.errors import JournalError
from pyros_mqtt.inbox import Inbox, Limits, Ticket
from pyros_mqtt.journal import Key, MemoryJournal, SqliteJournal
from pyros_mqtt.messages import Command, Outcome, Report, State, report_on
from pyros_mqtt.transport import Delivery
from pyros_mqtt.wire import to_rfc3339


class Desk:
    """An inbox without an agent: what it answers is kept, its state is set by hand."""

    def __init__(self, *, accepts_all: bool = False, **limits: Any) -> None:
        self.answers: list[tuple[Command, Report]] = []
        self.life = State.READY
        self.journal = MemoryJournal()
        self.table = ActionTable()
        self.table["goto"] = goto
        self.table["close"] = lambda: None
        self.table.bind(Action("open", lambda: None, Rules(ttl=10)))
        self.inbox = Inbox(
            "dome",
            self.table,
            self.journal,
            lambda command, report, **_: self.answers.append((command, report)),
            lambda: self.life,
            session="life-1",
            limits=Limits(**limits),
            accepts_all=accepts_all,
        )

    def put(self, payload: bytes | dict[str, Any], *, end_turn: bool = True, **more: Any) -> None:
        data = json.dumps(payload).encode() if isinstance(payload, dict) else payload
        self.inbox.receive(Delivery("pyros/dome/inbox", data, **more))
        if end_turn:
            self.inbox.end_turn()

    def say(self, payload: bytes | dict[str, Any], **more: Any) -> Report:
        """Put one message in and give the one answer to it."""
        before = len(self.answers)
        self.put(payload, **more)
        assert len(self.answers) == before + 1
        return self.answers[-1][1]

    def taken(self) -> list[str]:
        """The messages that wait, in the order in which the agent's thread gets them."""
        messages = []
        while ticket := self.inbox.take(0):
            messages.append(ticket.command.message)
        return messages


def goto(ra: float = 0.0) -> float:
    return ra


def code(report: Report) -> str:
    assert report.error is not None
    return report.error.code


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_good_command_is_accepted_and_waits_with_checked_arguments(desk: Desk) -> None:
    report = desk.say({"message": "goto", "args": {"ra": 5}, "id": "1", "from": "ops"})
    assert report.state is Outcome.ACCEPTED
    ticket = desk.inbox.take(0)
    assert ticket is not None
    assert ticket.arguments == {"ra": 5.0}
    assert ticket.command.sender == "ops"


def test_a_command_without_an_id_gets_one_and_is_echoed(desk: Desk) -> None:
    report = desk.say(b"goto ra=5")
    assert (len(report.id), report.echo) == (32, "goto ra=5")
    assert desk.answers[0][0].sender == "anonymous"


def test_nothing_is_ignored_and_counted(desk: Desk) -> None:
    desk.put(b"")
    desk.put(b"\n")
    assert (desk.answers, desk.inbox.ignored) == ([], 2)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"x" * 2000, "too-large"),
        (b"\xff", "bad-encoding"),
        (b"{", "bad-json"),
        (b"fly", "unknown-message"),
        (b"goto ra=west", "bad-arguments"),
        (b"goto dec=1", "bad-arguments"),
        (b'{"message":"goto","from":"+"}', "bad-name"),
        (b'{"message":"goto","speed":1}', "unknown-field"),
        (b'{"message":"goto","urgent":true}', "forbidden"),
        (b'{"message":"goto","sent_at":"2100-01-01T00:00:00Z"}', "clock-skew"),
        (b'{"message":"goto","session":"life-0"}', "conflict"),
    ],
)
def test_each_bad_thing_is_rejected_with_its_code(payload: bytes, expected: str) -> None:
    desk = Desk(max_payload=1024)
    report = desk.say(payload)
    assert (report.state, code(report)) == (Outcome.REJECTED, expected)
    assert desk.inbox.waiting == 0


def test_a_retained_command_is_never_run(desk: Desk) -> None:
    report = desk.say({"message": "goto", "id": "1"}, retain=True)
    assert code(report) == "retained"
    assert desk.taken() == []
    live = desk.say({"message": "goto", "id": "1"})
    assert live.state is Outcome.ACCEPTED, "the same command sent live is another matter"


# -- duplicates -----------------------------------------------------------------------------------


def test_a_repetition_is_not_run_again_and_gets_the_latest_report(desk: Desk) -> None:
    body = {"message": "goto", "id": "1", "from": "ops"}
    first = desk.say(body)
    again = desk.say(body)
    assert again == first
    assert desk.taken() == ["goto"]
    done = Report("1", "goto", "dome", Outcome.DONE, time.time(), result=5)
    desk.journal.write(desk.answers[0][0], done)
    assert desk.say(body) == done


def test_a_repetition_within_one_turn_is_not_run_twice(desk: Desk) -> None:
    body = {"message": "goto", "id": "1"}
    desk.put(body, end_turn=False)
    desk.put(body, end_turn=False)
    desk.inbox.end_turn()
    assert desk.taken() == ["goto"]
    assert len(desk.answers) == 2


def test_a_repetition_after_the_deadline_still_gets_the_latest_report(desk: Desk) -> None:
    now = time.time()
    body = {"message": "goto", "id": "1", "expires": to_rfc3339(now + 0.05)}
    assert desk.say(body).state is Outcome.ACCEPTED
    threading.Event().wait(0.08)
    assert desk.say(body).state is Outcome.ACCEPTED


def test_the_same_id_with_other_content_is_a_conflict(desk: Desk) -> None:
    desk.say({"message": "goto", "id": "1", "args": {"ra": 1}})
    assert code(desk.say({"message": "goto", "id": "1", "args": {"ra": 2}})) == "conflict"
    assert code(desk.say({"message": "close", "id": "1"})) == "conflict"
    assert desk.say({"message": "goto", "id": "1", "args": {"ra": 1}}).state is Outcome.ACCEPTED


def test_the_same_id_of_another_sender_is_another_command(desk: Desk) -> None:
    desk.say({"message": "goto", "id": "1", "from": "a"})
    desk.say({"message": "goto", "id": "1", "from": "b"})
    assert desk.taken() == ["goto", "goto"]


def test_a_refusal_stands_when_the_command_comes_again(desk: Desk) -> None:
    desk.life = State.STARTING
    body = {"message": "goto", "id": "1"}
    assert code(desk.say(body)) == "not-ready"
    desk.life = State.READY
    assert code(desk.say(body)) == "not-ready"
    assert desk.say({"message": "goto", "id": "2"}).state is Outcome.ACCEPTED


# -- expiry ---------------------------------------------------------------------------------------


def test_a_late_command_is_reported_expired_and_not_started(desk: Desk) -> None:
    body = {"message": "goto", "id": "1", "sent_at": to_rfc3339(time.time() - 60), "ttl": 5}
    report = desk.say(body)
    assert (report.state, code(report)) == (Outcome.EXPIRED, "timeout")
    assert desk.taken() == []


def test_an_action_has_its_own_lifetime_too(desk: Desk) -> None:
    old = {"message": "open", "id": "1", "sent_at": to_rfc3339(time.time() - 60)}
    assert desk.say(old).state is Outcome.EXPIRED
    longer = {"message": "open", "id": "2", "sent_at": to_rfc3339(time.time() - 60), "ttl": 3600}
    assert desk.say(longer).state is Outcome.EXPIRED
    assert desk.say({"message": "open", "id": "3"}).state is Outcome.ACCEPTED


def test_a_command_is_remembered_as_long_as_its_sender_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.time()
    body = {"message": "open", "id": "1", "expires": to_rfc3339(start + 3600)}
    assert desk.say(body).state is Outcome.ACCEPTED
    ticket = desk.inbox.take(0)
    assert ticket is not None
    assert ticket.lifetime == pytest.approx(10, abs=1), "the action's own still counts"
    desk.journal.write(ticket.command, report_on(ticket.command, Outcome.DONE, start))
    for later in (60, 3500):
        monkeypatch.setattr(time, "time", lambda: start + later)  # noqa: B023 - used at once
        desk.say({"message": "goto", "id": f"after {later}"})  # lets the journal forget
        assert desk.say(body).state is Outcome.DONE
    assert desk.taken() == ["goto", "goto"]


def test_the_message_expiry_of_mqtt_5_is_a_lifetime(desk: Desk) -> None:
    desk.say(b"goto", expiry=7)
    ticket = desk.inbox.take(0)
    assert ticket is not None
    assert ticket.lifetime == pytest.approx(7, abs=0.1)


def ticket_with(deadline: float | None, lifetime: float | None, arrived: float) -> Ticket:
    return Ticket(Command("dome", "goto", deadline=deadline), None, {}, arrived, lifetime)


def test_a_deadline_counts_by_both_clocks() -> None:
    wall, now = time.time(), time.monotonic()
    assert not ticket_with(wall + 5, 5.0, now).is_late()
    assert ticket_with(wall - 1, 5.0, now).is_late(), "the wall clock says so"
    assert ticket_with(wall + 5, 5.0, now - 6).is_late(), "a clock set back makes nothing younger"
    assert not ticket_with(None, None, now - 1e6).is_late()


def test_clocks_may_differ_by_the_allowed_skew() -> None:
    desk = Desk(max_clock_skew=5.0)
    now = time.time()
    ahead = {"message": "goto", "id": "1", "sent_at": to_rfc3339(now + 3), "ttl": 1}
    assert desk.say(ahead).state is Outcome.ACCEPTED
    too_far = {"message": "goto", "id": "2", "sent_at": to_rfc3339(now + 8), "ttl": 100}
    assert code(desk.say(too_far)) == "clock-skew"


# -- sessions, order, room ------------------------------------------------------------------------


def test_a_command_for_this_life_is_taken(desk: Desk) -> None:
    assert desk.say({"message": "goto", "session": "life-1"}).state is Outcome.ACCEPTED


def test_commands_wait_in_order_of_arrival_and_urgent_ones_apart(desk: Desk) -> None:
    for message in ("goto", "open", "close", "goto"):
        desk.put({"message": message}, end_turn=False)
    desk.inbox.end_turn()
    assert desk.taken() == ["goto", "open", "goto"]
    urgent = desk.inbox.take_urgent(0)
    assert urgent is not None
    assert urgent.command.message == "close"


def test_a_sender_may_flag_as_urgent_what_is_urgent_anyway(desk: Desk) -> None:
    assert desk.say({"message": "close", "urgent": True}).state is Outcome.ACCEPTED


@pytest.mark.parametrize("life", [State.STARTING, State.STOPPING])
def test_only_urgent_messages_are_taken_at_the_ends_of_life(desk: Desk, life: State) -> None:
    desk.life = life
    assert code(desk.say({"message": "goto"})) == "not-ready"
    assert desk.say({"message": "close"}).state is Outcome.ACCEPTED


def test_nothing_is_taken_that_nobody_will_run_any_more(desk: Desk) -> None:
    desk.life = State.STOPPED
    assert code(desk.say({"message": "close"})) == "not-ready"


def test_more_than_the_allowed_number_is_full_and_urgent_ones_still_pass() -> None:
    desk = Desk(max_waiting=3)
    for number in range(5):
        desk.put({"message": "goto", "id": str(number)}, end_turn=False)
    desk.inbox.end_turn()
    states = [report.state for _, report in desk.answers]
    assert states == [Outcome.ACCEPTED] * 3 + [Outcome.REJECTED] * 2
    assert code(desk.answers[-1][1]) == "full"
    assert desk.say({"message": "close"}).state is Outcome.ACCEPTED
    desk.inbox.take(0)
    assert desk.say({"message": "goto", "id": "9"}).state is Outcome.ACCEPTED


def test_an_agent_that_reads_messages_itself_gets_unknown_ones() -> None:
    desk = Desk(accepts_all=True)
    assert desk.say(b"whatever you like").state is Outcome.ACCEPTED
    assert desk.taken() == ["whatever you like"]


def test_a_validator_that_breaks_is_a_refusal_and_no_silence(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(value: int) -> int:
        raise KeyError(value)

    def broken(side: int) -> None: ...

    broken.__annotations__["side"] = Annotated[int, AfterValidator(breaks)]
    desk.table["odd"] = broken
    report = desk.say(b"odd side=1")
    assert (report.state, code(report)) == (Outcome.REJECTED, "bad-arguments")
    assert "cannot be checked" in caplog.text


# -- the two threads ------------------------------------------------------------------------------


def test_a_sender_is_told_before_the_agent_can_begin(desk: Desk) -> None:
    order: list[str] = []
    taken = threading.Event()

    def answer(_command: Command, report: Report, **_: bool) -> None:
        taken.wait(0.1)  # all the time that the agent's thread could want
        order.append(report.state.value)

    inbox = Inbox("dome", desk.table, desk.journal, answer, lambda: State.READY)

    def work() -> None:
        while inbox.take(1.0) is None:
            pass
        order.append("taken")
        taken.set()

    worker = threading.Thread(target=work)
    worker.start()
    inbox.receive(Delivery("pyros/dome/inbox", b"goto"))
    assert order == [], "nothing is told or handed out before the turn has ended"
    inbox.end_turn()
    worker.join(5)
    assert order == ["accepted", "taken"]


def test_the_journal_is_committed_before_anybody_is_told(desk: Desk) -> None:
    order: list[str] = []

    class Slow(MemoryJournal):
        def commit(self) -> Collection[Key]:
            order.append("commit")
            return super().commit()

    inbox = Inbox(
        "dome",
        desk.table,
        Slow(),
        lambda _command, report, **_: order.append(report.state.value),
        lambda: State.READY,
    )
    inbox.receive(Delivery("pyros/dome/inbox", b"goto"))
    inbox.end_turn()
    assert order == ["commit", "accepted"]


def test_a_ticket_is_never_between_the_queue_and_its_taker(desk: Desk) -> None:
    desk.put(b"goto")
    seen: list[tuple[str, int]] = []
    desk.inbox.take(0, lambda t: seen.append((t.command.message, desk.inbox.waiting)))
    assert seen == [("goto", 0)]


def test_waiting_ones_can_be_withdrawn(desk: Desk) -> None:
    for message in (b"goto", b"goto", b"close"):
        desk.put(message)
    assert len(desk.inbox.withdraw()) == 2
    assert desk.inbox.waiting == 0
    assert [t.command.message for t in desk.inbox.withdraw(urgent=True)] == ["close"]


def test_who_waits_is_woken(desk: Desk) -> None:
    woken = threading.Event()

    def wait() -> None:
        desk.inbox.take(30.0)
        woken.set()

    threading.Thread(target=wait).start()
    while not woken.wait(0.01):
        desk.inbox.wake()


@pytest.mark.parametrize("reply_to", ["answers/here", None])
def test_the_response_topic_stays_with_the_command(desk: Desk, reply_to: str | None) -> None:
    desk.put(b"goto", reply_to=reply_to)
    assert desk.answers[0][0].reply_to == reply_to


# -- order ----------------------------------------------------------------------------------------


def goto_command(number: int, after: int | None = None, sender: str = "ops") -> dict[str, Any]:
    body = {"message": "goto", "args": {"ra": number}, "id": str(number), "from": sender}
    return body if after is None else body | {"x-after": str(after)}


def waiting(desk: Desk) -> list[str]:
    ids = []
    while ticket := desk.inbox.take(0):
        ids.append(ticket.command.id)
    return ids


def test_one_that_comes_before_its_predecessor_is_met_with_silence(desk: Desk) -> None:
    for number in (2, 3):
        desk.put(goto_command(number, after=number - 1))
    assert desk.answers == []
    assert desk.inbox.out_of_order == 2


def test_repetitions_in_order_mend_the_order(desk: Desk) -> None:
    desk.put(goto_command(2, after=1))
    for number in (1, 2, 3):
        desk.say(goto_command(number, after=number - 1 or None))
    assert waiting(desk) == ["1", "2", "3"]


def test_a_predecessor_of_the_same_turn_will_do(desk: Desk) -> None:
    desk.put(goto_command(1), end_turn=False)
    desk.put(goto_command(2, after=1))
    assert waiting(desk) == ["1", "2"]


def test_a_predecessor_that_was_refused_will_do(desk: Desk) -> None:
    assert code(desk.say(goto_command(1) | {"args": {"ra": "x"}})) == "bad-arguments"
    desk.say(goto_command(2, after=1))
    assert waiting(desk) == ["2"]


def test_the_predecessor_of_another_sender_is_not_meant(desk: Desk) -> None:
    desk.say(goto_command(1, sender="someone"))
    desk.put(goto_command(2, after=1))
    assert waiting(desk) == ["1"]


def test_an_urgent_command_waits_for_no_predecessor(desk: Desk) -> None:
    desk.say({"message": "close", "id": "2", "from": "ops", "x-after": "1"})
    assert desk.inbox.take_urgent(0) is not None


def test_what_cannot_be_a_predecessor_is_ignored(desk: Desk) -> None:
    for number, nonsense in enumerate((7, "", "é", None, ["1"], "x" * 65), start=1):
        desk.say(goto_command(number) | {"x-after": nonsense})
    assert len(waiting(desk)) == 6


# -- a full disk ----------------------------------------------------------------------------------


class FullDisk(MemoryJournal):
    """Takes nothing while it is full."""

    is_full = True

    def write(self, command: Command, report: Report) -> None:
        if not self.is_full:
            super().write(command, report)

    def commit(self) -> Collection[Key]:
        if self.is_full:
            raise JournalError("the journal cannot be written: the disk is full")
        return super().commit()


@pytest.fixture
def full(desk: Desk) -> Desk:
    desk.journal = desk.inbox._journal = FullDisk()
    return desk


def test_what_the_disk_does_not_take_is_refused_and_not_run(full: Desk) -> None:
    report = full.say(goto_command(1))
    assert (report.state, code(report)) == (Outcome.REJECTED, "full")
    assert waiting(full) == []


def test_a_copy_of_what_was_refused_so_is_not_run_either(full: Desk) -> None:
    full.say(goto_command(1))
    full.journal.is_full = False  # type: ignore[attr-defined]
    assert full.say(goto_command(1)).state is Outcome.REJECTED
    assert waiting(full) == []


def test_what_was_refused_so_may_come_again_under_the_same_id(
    full: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.inbox.lately.COPIES", 0.0)
    full.say(goto_command(1))
    full.journal.is_full = False  # type: ignore[attr-defined]
    assert full.say(goto_command(1)).state is Outcome.ACCEPTED


def test_an_urgent_command_is_run_though_it_cannot_be_noted(full: Desk) -> None:
    report = full.say({"message": "close", "id": "9", "from": "ops"})
    assert report.state is Outcome.ACCEPTED
    assert full.inbox.take_urgent(0) is not None


def test_a_refusal_is_told_though_it_cannot_be_noted(full: Desk) -> None:
    assert code(full.say({"message": "dance", "id": "9", "from": "ops"})) == "unknown-message"


# -- a journal on the disk, which tells only at the end of the turn what was here before ----------


@pytest.fixture
def kept(desk: Desk, tmp_path: Path) -> Iterator[tuple[Desk, SqliteJournal]]:
    """An inbox, and its journal on the disk, in which the first command is accepted."""
    journal = SqliteJournal(tmp_path / "dome.sqlite")
    desk.inbox._journal = journal
    assert desk.say(goto_command(1)).state is Outcome.ACCEPTED
    yield desk, journal
    journal.close()


Kept = tuple[Desk, SqliteJournal]


def test_a_copy_is_answered_and_not_run_beside_a_new_one_too(kept: Kept) -> None:
    desk, _ = kept
    assert desk.say(goto_command(1)).state is Outcome.ACCEPTED
    desk.put(goto_command(1), end_turn=False)
    desk.put(goto_command(2), end_turn=False)
    desk.put(goto_command(2))
    told = [(report.id, report.state) for _, report in desk.answers[-3:]]
    assert told == [(number, Outcome.ACCEPTED) for number in ("1", "2", "2")]
    assert waiting(desk) == ["1", "2"]


def test_a_copy_gets_the_latest_report(kept: Kept) -> None:
    desk, journal = kept
    command = desk.answers[-1][0]
    journal.write(command, report_on(command, Outcome.DONE, time.time(), result=7))
    journal.commit()
    assert desk.say(goto_command(1)).result == 7


def test_an_id_that_was_used_for_another_command_is_refused(kept: Kept) -> None:
    desk, _ = kept
    assert code(desk.say(goto_command(1) | {"message": "open"})) == "conflict"
    assert waiting(desk) == ["1"]


def test_a_copy_of_what_was_accepted_is_answered_so_though_the_disk_is_full(kept: Kept) -> None:
    desk, journal = kept
    journal._db.execute("PRAGMA cache_size = 1")
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    number = 2
    while desk.say(goto_command(number)).state is Outcome.ACCEPTED:
        number += 1
    taken = desk.inbox.waiting
    desk.put(goto_command(number + 1), end_turn=False)
    desk.put(goto_command(1))
    told = [(report.id, report.state) for _, report in desk.answers[-2:]]
    assert told == [(str(number + 1), Outcome.REJECTED), ("1", Outcome.ACCEPTED)]
    assert desk.inbox.waiting == taken
