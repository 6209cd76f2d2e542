"""The memory of an agent that outlives its process."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyros_mqtt.errors import JournalError, JournalInUse, Replaced
from pyros_mqtt.journal import REMEMBER, SqliteJournal, entries_in, open_journal
from pyros_mqtt.journal.schema import SCHEMA
from pyros_mqtt.messages import Command, Outcome, Problem, Report, report_on
from pyros_mqtt.wire import encode_report

NOW = 1_000_000.0


def command(number: int, deadline: float | None = NOW + 30) -> Command:
    return Command(
        "dome",
        "open",
        {"side": "wést", "n": number},
        id=f"id-{number}",
        sender="ops",
        sent_at=NOW,
        deadline=deadline,
        echo=None,
        reply_to="answers/here",
    )


def note(
    journal: SqliteJournal, number: int, state: Outcome, at: float = NOW, **more: object
) -> Report:
    report = report_on(command(number), state, at, **more)
    journal.write(command(number), report)
    return report


def noted(journal: SqliteJournal, number: int, state: Outcome, at: float = NOW) -> None:
    note(journal, number, state, at)
    journal.commit()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "dome.sqlite"


def test_a_command_is_found_as_it_was_written_by_the_next_life(path: Path) -> None:
    journal = SqliteJournal(path)
    report = note(journal, 1, Outcome.FAILED, error=Problem("action-failed", "stuck"))
    journal.close()
    entry = SqliteJournal(path).find("ops", "id-1")
    assert entry is not None
    assert entry.command == command(1)
    assert entry.report == report


def test_what_was_not_committed_is_gone_after_a_crash_and_the_rest_is_whole(path: Path) -> None:
    journal = SqliteJournal(path)
    note(journal, 1, Outcome.ACCEPTED)
    journal.commit()
    note(journal, 2, Outcome.ACCEPTED)
    copy = path.with_name("after-the-crash.sqlite")
    for suffix in ("", "-wal"):  # what kill -9 would leave
        copy.with_name(copy.name + suffix).write_bytes(
            path.with_name(path.name + suffix).read_bytes()
        )
    after = SqliteJournal(copy)
    assert after.find("ops", "id-1") is not None
    assert after.find("ops", "id-2") is None
    journal.close()


def test_the_unfinished_come_back_in_their_order_and_the_ended_do_not(path: Path) -> None:
    journal = SqliteJournal(path)
    for number in (3, 1, 2):
        note(journal, number, Outcome.ACCEPTED)
    note(journal, 1, Outcome.RUNNING)
    note(journal, 3, Outcome.DONE)
    journal.close()
    left = SqliteJournal(path).unfinished()
    assert [(e.command.id, e.report.state.value) for e in left] == [
        ("id-1", "running"),
        ("id-2", "accepted"),
    ]


def test_many_are_ended_together_and_others_are_left_alone(path: Path) -> None:
    journal = SqliteJournal(path)
    for number in range(600):
        note(journal, number, Outcome.ACCEPTED)
    error = Problem("cancelled", "aborted")
    ended = [
        (command(number), report_on(command(number), Outcome.CANCELLED, NOW, error=error))
        for number in range(599)
    ]
    journal.commit()
    for known, report in ended:
        journal.write(known, report)
    journal.commit()
    (left,) = SqliteJournal(path).unfinished()
    assert left.command == command(599)
    for known, report in ended:
        entry = journal.find(known.sender, known.id)
        assert entry is not None
        assert entry.report == report
    journal.close()


def test_ids_are_remembered_until_no_repetition_can_come_and_then_forgotten(path: Path) -> None:
    journal = SqliteJournal(path, allowed_skew=5)
    noted(journal, 1, Outcome.DONE)
    noted(journal, 2, Outcome.DONE, at=NOW + 30 + 9.9)
    assert journal.find("ops", "id-1") is not None
    noted(journal, 3, Outcome.DONE, at=NOW + 30 + 10.1)
    noted(journal, 4, Outcome.DONE, at=NOW + 30 + 12)
    assert journal.find("ops", "id-1") is None


def test_an_end_in_the_next_life_does_not_shorten_what_is_remembered(path: Path) -> None:
    journal = SqliteJournal(path, allowed_skew=5)
    shortened = replace(command(1), stated=NOW + 3600)
    journal.write(shortened, report_on(shortened, Outcome.ACCEPTED, NOW))
    journal.close()
    journal = SqliteJournal(path, allowed_skew=5)
    (entry,) = journal.unfinished()
    assert entry.command.deadline == NOW + 30, "it is not started later for that"
    done = report_on(entry.command, Outcome.DONE, NOW + 1)
    for _ in range(2):
        journal.write(entry.command, done)
        noted(journal, 2, Outcome.DONE, at=NOW + 3600)
    assert journal.knows("ops", "id-1")
    noted(journal, 3, Outcome.DONE, at=NOW + 3620)
    assert not journal.knows("ops", "id-1")


def test_what_has_not_ended_is_never_forgotten(path: Path) -> None:
    journal = SqliteJournal(path)
    noted(journal, 1, Outcome.RUNNING)
    for later in range(2, 6):
        noted(journal, later, Outcome.DONE, at=NOW + 10 * REMEMBER + 10 * later)
    assert journal.find("ops", "id-1") is not None


def test_others_can_read_what_is_committed_while_it_is_written(path: Path) -> None:
    journal = SqliteJournal(path)
    note(journal, 1, Outcome.DONE)
    note(journal, 2, Outcome.ACCEPTED)
    journal.commit()
    note(journal, 3, Outcome.ACCEPTED)
    found = entries_in(path)
    assert [(entry.command.id, entry.report.state) for entry in found] == [
        ("id-1", Outcome.DONE),
        ("id-2", Outcome.ACCEPTED),
    ]
    journal.close()


def test_a_journal_that_is_not_there_cannot_be_read_and_is_not_made(path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be read"):
        entries_in(path)
    assert not path.exists()


def test_the_last_boot_is_known_to_the_next_life(path: Path) -> None:
    journal = SqliteJournal(path)
    assert journal.begin_life(1_763_841_600_123) == 0
    journal.close()
    assert SqliteJournal(path).begin_life(1_763_841_600_124) == 1_763_841_600_123


@pytest.mark.parametrize("clock", [99, 100, 101])
def test_who_begins_last_has_the_journal_whatever_its_clock_says(path: Path, clock: int) -> None:
    first, second, third = (SqliteJournal(path) for _ in range(3))
    first.begin_life(100)
    assert second.begin_life(clock) == 100
    assert third.begin_life(0) == max(clock, 101), "a boot above that of the first one"
    assert [one.is_taken_over() for one in (first, second, third)] == [True, True, False]


HOLDER = """
import sys
from pathlib import Path
from pyros_mqtt.journal import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]), brokers=["t60:1883", "t60-spare:1883"])
journal.begin_life(100)
print("begun", flush=True)
sys.stdin.readline()
journal.close()
print("ended", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has begun a life in the journal, with boot 100."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells when a process began")
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        yield process
        process.kill()


def test_the_journal_of_a_life_at_other_brokers_is_not_taken(
    path: Path, holder: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(JournalInUse, match="serves t60:1883 t60-spare:1883") as caught:
        SqliteJournal(path, brokers=["laboratory:1883"]).begin_life(101)
    assert caught.value.pid == holder.pid


def test_where_a_broker_can_tell_the_first_one_its_journal_is_taken(
    path: Path, holder: subprocess.Popen[bytes]
) -> None:
    assert holder.poll() is None
    assert SqliteJournal(path, brokers=["t60-spare:1883"]).begin_life(101) == 100


def test_the_journal_of_a_life_that_has_ended_is_free_though_its_process_lives(
    path: Path, holder: subprocess.Popen[bytes]
) -> None:
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write(b"\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == b"ended\n"
    assert SqliteJournal(path, brokers=["laboratory:1883"]).begin_life(101) == 100


def test_the_journal_of_a_dead_process_is_taken_over(
    path: Path, holder: subprocess.Popen[bytes]
) -> None:
    holder.kill()
    holder.wait(10)
    assert SqliteJournal(path, brokers=["laboratory:1883"]).begin_life(101) == 100


def test_a_journal_that_cannot_tell_is_not_taken_over(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.begin_life(1)
    journal.close()
    assert not journal.is_taken_over()


def test_a_strange_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    strange = tmp_path / "holiday.sqlite"
    with sqlite3.connect(strange) as db:
        db.execute("CREATE TABLE photos (name)")
    with pytest.raises(JournalError, match="no journal"):
        SqliteJournal(strange)
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all, but long enough to be looked at as one" * 20)
    with pytest.raises(JournalError, match=r"notes\.txt .*move it away, and a new one is made"):
        SqliteJournal(text)


def test_a_broken_journal_is_told_with_what_to_do(path: Path) -> None:
    SqliteJournal(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(JournalError, match="malformed; move it away, and a new one is made"):
        SqliteJournal(path)


def test_a_newer_journal_is_refused(path: Path) -> None:
    SqliteJournal(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={SCHEMA.version + 1}")
    with pytest.raises(JournalError, match="newer version"):
        SqliteJournal(path)


def test_what_the_first_version_has_written_is_kept(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path, isolation_level=None) as db:
        replace(SCHEMA, steps=SCHEMA.steps[:1]).migrate(db)
        values = ("ops", "1", "dome", "open", "{}", NOW, NOW + 30, 0, None, None, None)
        report = encode_report(report_on(command(1), Outcome.ACCEPTED, NOW))
        db.execute(
            "INSERT INTO entries (sender, id, agent, message, args, sent_at, deadline, urgent, "
            "session, echo, reply_to, report, until, open) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, report, NOW + 40, 1),
        )
    (entry,) = SqliteJournal(path).unfinished()
    assert (entry.command.message, entry.command.deadline, entry.left) == ("open", NOW + 30, None)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder has to be")
    with pytest.raises(JournalError, match="state"):
        SqliteJournal(tmp_path / "state" / "dome.sqlite")


def test_the_settings_choose(path: Path) -> None:
    assert open_journal("memory", path, 5.0).kind == "memory"
    assert not path.exists()
    assert open_journal("sqlite", path, 5.0).kind == "sqlite"


@pytest.fixture
def full(path: Path) -> Iterator[SqliteJournal]:
    """A journal whose file cannot grow any more."""
    journal = SqliteJournal(path)
    journal._db.execute("PRAGMA cache_size = 1")
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    yield journal
    journal.close()


def fill(journal: SqliteJournal, numbers: range) -> None:
    for number in numbers:
        note(journal, number, Outcome.FAILED, error=Problem("action-failed", "x" * 1000))


def test_what_the_disk_does_not_take_is_told_by_the_commit(full: SqliteJournal) -> None:
    fill(full, range(100))
    with pytest.raises(JournalError, match="cannot be written: database or disk is full"):
        full.commit()
    assert full.find("ops", "id-0") is None, "and nothing of it is left"
    full._db.execute("PRAGMA max_page_count = 100000")
    fill(full, range(100))
    full.commit()
    assert full.find("ops", "id-99") is not None


def test_whether_the_disk_takes_anything_is_found_out_without_a_command(path: Path) -> None:
    first, second = SqliteJournal(path), SqliteJournal(path)
    first.begin_life(1)
    first.check()
    second.begin_life(2)
    with pytest.raises(Replaced):
        first.check()
    assert second.begin_life(3) == 2


def test_what_one_thread_writes_does_not_fail_with_what_another_does(full: SqliteJournal) -> None:
    note(full, 1, Outcome.ACCEPTED)
    failures: list[JournalError] = []

    def write_too_much() -> None:
        fill(full, range(2, 100))
        try:
            full.commit()
        except JournalError as error:
            failures.append(error)

    other = threading.Thread(target=write_too_much)
    other.start()
    other.join()
    assert len(failures) == 1
    full.commit()
    assert full.find("ops", "id-1") is not None
    assert full.find("ops", "id-2") is None


def test_an_end_and_a_start_are_noted_together_or_not_at_all(full: SqliteJournal) -> None:
    note(full, 1, Outcome.ACCEPTED)
    full.commit()
    note(full, 9, Outcome.FAILED, error=Problem("action-failed", "x" * 100_000))  # not in here yet
    note(full, 1, Outcome.RUNNING)
    with pytest.raises(JournalError, match="cannot be written"):
        full.commit()
    (left,) = full.unfinished()
    assert (left.command.id, left.report.state) == ("id-1", Outcome.ACCEPTED)
    note(full, 9, Outcome.FAILED, error=Problem("action-failed", "stuck"))
    note(full, 1, Outcome.RUNNING)
    full.commit()
    (left,) = full.unfinished()
    assert left.report.state is Outcome.RUNNING
    assert full.knows("ops", "id-9")


def test_a_command_is_new_once(path: Path) -> None:
    journal = SqliteJournal(path)
    accepted = report_on(command(1), Outcome.ACCEPTED, NOW)
    assert journal.accept(command(1), accepted)
    assert not journal.accept(command(1), accepted), "in the same turn"
    assert not journal.commit()
    noted(journal, 1, Outcome.RUNNING)
    for later in (journal, SqliteJournal(path)):
        for number in (1, 2):
            later.accept(command(number), accepted)
        assert list(later.commit()) == ([("ops", "id-1")] if later is journal else [
            ("ops", "id-1"), ("ops", "id-2"),
        ])  # fmt: skip
        later.accept(command(1), accepted)
        assert list(later.commit()) == [("ops", "id-1")], "also alone"
    entry = journal.find("ops", "id-1")
    assert entry is not None
    assert entry.report.state is Outcome.RUNNING, "and it stays as it was"


def test_what_begins_and_ends_in_one_turn_is_noted_with_its_end(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.accept(command(1), report_on(command(1), Outcome.ACCEPTED, NOW))
    noted(journal, 1, Outcome.CANCELLED)
    assert not SqliteJournal(path).unfinished()
    assert SqliteJournal(path).knows("ops", "id-1")


def test_a_life_that_was_replaced_notes_nothing_any_more(path: Path) -> None:
    first, second = SqliteJournal(path), SqliteJournal(path)
    first.begin_life(1)
    note(first, 1, Outcome.ACCEPTED)
    first.commit()
    second.begin_life(2)
    assert [one.command.id for one in second.unfinished()] == ["id-1"]
    for number, state in ((1, Outcome.RUNNING), (2, Outcome.ACCEPTED)):
        note(first, number, state)
        with pytest.raises(Replaced):
            first.commit()
    note(second, 1, Outcome.RUNNING)
    second.commit()
    (entry,) = second.unfinished()
    assert (entry.command.id, entry.report.state) == ("id-1", Outcome.RUNNING)
