"""The memory of an agent without a disk."""

from __future__ import annotations

from pyros_mqtt.journal import REMEMBER, Entry, MemoryJournal
from pyros_mqtt.messages import JSON, Command, Outcome, Report


def command(number: int, *, deadline: float | None = None, **args: JSON) -> Command:
    return Command("dome", "open", args, id=str(number), sender="ops", deadline=deadline)


def report(about: Command, state: Outcome = Outcome.DONE, at: float = 0.0) -> Report:
    return Report(about.id, about.message, "dome", state, at)


def test_the_latest_report_of_a_command_is_found() -> None:
    journal = MemoryJournal()
    journal.write(command(1), report(command(1), Outcome.ACCEPTED))
    journal.write(command(1), report(command(1), Outcome.DONE))
    entry = journal.find("ops", "1")
    assert entry is not None
    assert entry.report.state is Outcome.DONE
    assert len(journal) == 1


def test_the_same_id_of_another_sender_is_another_command() -> None:
    journal = MemoryJournal()
    journal.write(command(1), report(command(1)))
    assert journal.find("scheduler", "1") is None
    assert journal.find("ops", "2") is None


def test_a_repetition_has_the_same_message_and_arguments() -> None:
    entry = Entry(command(1, side="west"), report(command(1)), 0.0)
    assert entry.is_same_as(command(1, deadline=99.0, side="west"))
    assert not entry.is_same_as(command(1, side="east"))
    assert not entry.is_same_as(command(1))


def test_true_is_not_the_same_argument_as_one() -> None:
    entry = Entry(command(1, on=True), report(command(1)), 0.0)
    assert not entry.is_same_as(command(1, on=1))
    assert entry.is_same_as(command(1, on=True))


def test_an_end_is_remembered_until_after_the_deadline_and_twice_the_skew() -> None:
    journal = MemoryJournal(allowed_skew=5.0)
    first = command(1, deadline=100.0)
    journal.write(first, report(first, at=50.0))
    journal.write(command(2), report(command(2), at=109.0))
    assert journal.find("ops", "1") is not None
    journal.write(command(3), report(command(3), at=111.0))
    assert journal.find("ops", "1") is None


def test_without_a_deadline_an_end_is_remembered_for_an_hour() -> None:
    journal = MemoryJournal(allowed_skew=0.0)
    journal.write(command(1), report(command(1), at=0.0))
    journal.write(command(2), report(command(2), at=REMEMBER - 1))
    assert journal.find("ops", "1") is not None
    journal.write(command(3), report(command(3), at=REMEMBER + 1))
    journal.write(command(4), report(command(4), at=REMEMBER + 1))
    assert journal.find("ops", "1") is None


def test_what_has_not_ended_is_never_forgotten() -> None:
    journal = MemoryJournal()
    waiting = command(0, deadline=1.0)
    journal.write(waiting, report(waiting, Outcome.ACCEPTED))
    for number in range(1, 200):
        later = command(number, deadline=1.0)
        journal.write(later, report(later, at=10_000.0 + 100 * number))
    assert journal.find("ops", "0") is not None


def test_ended_commands_do_not_pile_up() -> None:
    journal = MemoryJournal(allowed_skew=1.0)
    for number in range(5000):
        now = number * 0.1
        one = command(number, deadline=now + 10.0)
        journal.write(one, report(one, Outcome.ACCEPTED, now))
        journal.write(one, report(one, Outcome.DONE, now))
    assert len(journal) < 500


def test_nothing_of_an_earlier_life_is_known_and_it_says_so() -> None:
    journal = MemoryJournal()
    journal.commit()
    assert journal.unfinished() == []
    assert journal.kind == "memory"
    journal.close()
