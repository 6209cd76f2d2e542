"""The demo's storm: its plan, and the account of every command that it keeps."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

from pyros_agents.demo.chaos.ledger import NOT_TAKEN, Ledger
from pyros_agents.demo.chaos.storm import LONGEST, SHORTEST, Storm, blows
from pyros_mqtt import Command, Outcome, PyrosError
from pyros_mqtt.journal import SqliteJournal
from pyros_mqtt.messages import Problem, report_on
from pyros_mqtt.traffic import Passing

NOW = 1_800_000_000.0

# -- the plan -------------------------------------------------------------------------------------


def test_one_seed_gives_one_storm_and_another_seed_another() -> None:
    def first(seed: int) -> list[object]:
        return list(itertools.islice(blows(seed, ("dome", "camera", "broker")), 50))

    assert first(7) == first(7)
    assert first(7) != first(8)


def test_everyone_is_struck_in_time() -> None:
    plan = list(itertools.islice(blows(1, ("dome", "camera", "broker")), 200))
    assert {blow.victim for blow in plan} == {"dome", "camera", "broker"}
    assert all(SHORTEST <= blow.pause <= LONGEST for blow in plan)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyros_agents.demo.chaos.storm.SHORTEST", 0.001)
    monkeypatch.setattr("pyros_agents.demo.chaos.storm.LONGEST", 0.002)


@pytest.mark.usefixtures("at_once")
def test_only_who_lived_is_counted_as_killed() -> None:
    enough = threading.Event()
    struck: list[str] = []

    def kill_dome() -> bool:
        struck.append("dome")
        if len(struck) >= 5:
            enough.set()
        return True

    storm = Storm(1, {"dome": kill_dome, "camera": lambda: False}, lambda _words: None)
    storm.begin()
    assert enough.wait(10)
    storm.end()
    storm.end()
    assert storm.kills == {"dome": len(struck)}


@pytest.mark.usefixtures("at_once")
def test_a_victim_that_does_not_come_back_ends_the_storm_with_the_reason() -> None:
    def no_comeback() -> bool:
        raise PyrosError("the port is taken")

    told = threading.Event()
    storm = Storm(1, {"broker": no_comeback}, lambda _words: told.set())
    storm.begin()
    storm._thread.join(10)
    assert storm.trouble == "broker was killed and does not come back: the port is taken"
    storm.end()


# -- the ledger -----------------------------------------------------------------------------------


def command(number: str, agent: str = "camera", message: str = "expose") -> Command:
    return Command(agent, message, id=number, sender="scheduler", sent_at=NOW, deadline=NOW + 1e9)


@pytest.fixture
def journal(tmp_path: Path) -> SqliteJournal:
    return SqliteJournal(tmp_path / "camera.sqlite")


@pytest.fixture
def ledger(journal: SqliteJournal) -> Ledger:
    return Ledger([journal.path, journal.path.with_name("not-made-yet.sqlite")])


def heard(ledger: Ledger, one: Command, *states: Outcome, at: float = NOW, code: str = "") -> None:
    ledger.note(Passing(at, one.agent, one.sender, one))
    problem = Problem(code, "why") if code else None
    for state in states:
        report = report_on(one, state, at, error=problem)
        ledger.note(Passing(at, one.agent, one.sender, report))


def written(journal: SqliteJournal, one: Command, *states: Outcome) -> None:
    for state in states:
        journal.write(one, report_on(one, state, NOW))
    journal.commit()


def test_what_was_heard_to_end_is_accounted_for(ledger: Ledger) -> None:
    heard(ledger, command("1"), Outcome.ACCEPTED, Outcome.RUNNING, Outcome.DONE)
    heard(ledger, command("2"), Outcome.ACCEPTED, Outcome.CANCELLED)
    assert ledger.complaints() == []
    assert {name: count for name, count in ledger.ends().items() if count} == {
        "done": 1,
        "cancelled": 1,
    }


def test_what_was_said_while_nobody_could_hear_stands_in_the_journal(
    ledger: Ledger, journal: SqliteJournal
) -> None:
    heard(ledger, command("1"), Outcome.ACCEPTED)
    assert ledger.complaints() == [
        "expose from scheduler to camera: it was accepted, and has no end"
    ]
    written(journal, command("1"), Outcome.ACCEPTED, Outcome.INTERRUPTED)
    written(journal, command("never heard"), Outcome.DONE)
    ledger.look()
    assert ledger.complaints() == []
    assert (ledger.ends()["interrupted"], ledger.ends()["done"]) == (1, 1)


def test_what_no_journal_knows_was_not_taken(ledger: Ledger) -> None:
    heard(ledger, command("1"))
    ledger.look()
    assert ledger.ends()[NOT_TAKEN] == 1
    assert ledger.complaints() == []


def test_a_refusal_of_an_agent_that_starts_is_an_end_only_if_nothing_follows(
    ledger: Ledger,
) -> None:
    heard(ledger, command("1"), Outcome.REJECTED, code="not-ready")
    assert ledger.ends()["rejected"] == 1
    heard(ledger, command("1"), Outcome.ACCEPTED)
    assert len(ledger.complaints()) == 1
    heard(ledger, command("1"), Outcome.DONE)
    assert ledger.complaints() == []
    assert (ledger.ends()["rejected"], ledger.ends()["done"]) == (0, 1)


def test_two_ends_of_one_command_are_a_complaint(ledger: Ledger, journal: SqliteJournal) -> None:
    heard(ledger, command("1"), Outcome.INTERRUPTED)
    written(journal, command("1"), Outcome.DONE)
    ledger.look()
    assert ledger.complaints() == [
        "expose from scheduler to camera: it came to several ends: done, interrupted"
    ]


def test_an_end_that_the_journal_does_not_know_is_a_complaint(
    ledger: Ledger, journal: SqliteJournal
) -> None:
    written(journal, command("1"), Outcome.RUNNING)
    heard(ledger, command("1"), Outcome.DONE)
    ledger.look()
    assert "its journal does not know of its end" in ledger.complaints()[0]


def test_what_was_done_again_is_told_apart_from_what_was_given_up(ledger: Ledger) -> None:
    heard(ledger, command("1"), Outcome.INTERRUPTED)
    heard(ledger, command("2"), Outcome.DONE, at=NOW + 1)
    heard(ledger, command("3", "telescope", "goto"), Outcome.INTERRUPTED, at=NOW + 2)
    assert ledger.given_again() == 1
    assert ledger.left_undone() == ["goto from scheduler to telescope: interrupted"]
