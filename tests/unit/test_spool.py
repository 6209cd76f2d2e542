"""What waits on a sender's disk."""

from __future__ import annotations

import os
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from pyros_mqtt.errors import SpoolError
from pyros_mqtt.journal.sqlite import SqliteJournal
from pyros_mqtt.messages import Command
from pyros_mqtt.spool import KEEP_DEAD, LEASE, Spool

NOW = 1_000_000.0


def command(number: int, agent: str = "dome", sender: str = "ops") -> Command:
    return Command(
        agent, "open", {"n": number}, id=f"id-{number}", sender=sender, deadline=NOW + 100
    )


def taken(spool: Spool, courier: str, now: float) -> list[str]:
    return [one.command.id for one in spool.take(courier, now)]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool" / "pyros.sqlite")


def test_a_command_outlives_the_process_that_wrote_it(spool: Spool) -> None:
    spool.put(command(1), NOW)
    spool.close()
    (found,) = Spool(spool.path).listing()
    assert found.command == replace(command(1), sent_at=NOW)
    assert (found.written, found.due, found.ended) == (NOW, NOW, None)


def test_what_waits_and_what_was_done_is_for_its_user_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    umask = os.umask(0o022)
    try:
        opened = Spool(state / "spool" / "t60.sqlite"), SqliteJournal(state / "journal" / "dome.db")
    finally:
        os.umask(umask)
    opened[0].put(command(1), NOW)
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in [state, *state.rglob("*")]}
    assert {modes.pop(one) for one in ("state", "spool", "journal")} == {0o700}
    assert "t60.sqlite-wal" in modes
    assert set(modes.values()) == {0o600}
    for one in opened:
        one.close()


def test_only_the_oldest_of_each_sender_and_agent_is_handed_out(spool: Spool) -> None:
    spool.put(command(1), NOW)
    spool.put(command(2), NOW)
    spool.put(command(3, agent="camera"), NOW)
    spool.put(command(4, sender="scheduler"), NOW)
    assert taken(spool, "a", NOW) == ["id-1", "id-3", "id-4"]
    spool.remove("id-1")
    assert taken(spool, "a", NOW) == ["id-2", "id-3", "id-4"]


def test_what_one_courier_holds_another_gets_when_it_has_died(spool: Spool) -> None:
    spool.put(command(1), NOW)
    assert taken(spool, "a", NOW) == ["id-1"]
    assert taken(spool, "b", NOW + LEASE - 0.1) == []
    assert taken(spool, "b", NOW + LEASE + 0.1) == ["id-1"]


def test_a_courier_that_lives_keeps_what_it_holds(spool: Spool) -> None:
    spool.put(command(1), NOW)
    for second in range(20):
        assert taken(spool, "a", NOW + second) == ["id-1"]
        assert taken(spool, "b", NOW + second) == []


def test_a_clock_that_is_set_back_keeps_nothing_in_dead_hands(spool: Spool) -> None:
    spool.put(command(1), NOW - 7200)
    assert taken(spool, "a", NOW) == ["id-1"]
    assert taken(spool, "b", NOW) == []
    assert taken(spool, "b", NOW - 3600) == ["id-1"]


def test_a_courier_that_closes_lets_go_at_once(spool: Spool) -> None:
    spool.put(command(1), NOW)
    taken(spool, "a", NOW)
    spool.release("a")
    assert taken(spool, "b", NOW + 0.1) == ["id-1"]


def test_a_later_command_waits_and_holds_nobody_up(spool: Spool) -> None:
    spool.put(command(1), NOW, due=NOW + 30)
    spool.put(command(2), NOW)
    assert taken(spool, "a", NOW) == ["id-2"]
    assert spool.next_due(NOW) == NOW + 30
    spool.remove("id-2")
    assert taken(spool, "a", NOW + 29.9) == []
    assert taken(spool, "a", NOW + 30) == ["id-1"]


def test_what_was_given_up_is_shown_for_a_week_and_can_be_tried_again(spool: Spool) -> None:
    spool.put(command(1), NOW)
    spool.put(command(2), NOW)
    spool.end("id-1", NOW + 1, "rejected: there is no message 'open'")
    shown = spool.find("id-1")
    assert shown is not None
    assert (shown.ended, shown.remark) == (NOW + 1, "rejected: there is no message 'open'")
    assert taken(spool, "a", NOW + 2) == ["id-2"]
    assert spool.replace("id-1", command(3), NOW + 3)
    assert not spool.replace("id-1", command(4), NOW + 3)
    spool.end("id-2", NOW + 4, "expired")
    spool.end("id-3", NOW + 5 + KEEP_DEAD, "expired")
    assert spool.find("id-2") is None


def test_a_command_with_a_new_id_keeps_its_place(spool: Spool) -> None:
    spool.put(command(1), NOW)
    spool.put(command(2), NOW)
    spool.rename("id-1", "id-9")
    assert taken(spool, "a", NOW) == ["id-9"]


def test_a_strange_file_is_refused(tmp_path: Path) -> None:
    strange = tmp_path / "pyros.sqlite"
    with sqlite3.connect(strange) as db:
        db.execute("PRAGMA application_id=77")
        db.execute("CREATE TABLE photos (name)")
    with pytest.raises(SpoolError, match="is no spool; move it away"):
        Spool(strange)


def test_a_full_disk_is_told(spool: Spool) -> None:
    spool._db.execute("PRAGMA max_page_count = 1")

    def fill() -> None:
        for number in range(1000):
            spool.put(command(number), NOW)

    with pytest.raises(SpoolError, match="cannot be written"):
        fill()
