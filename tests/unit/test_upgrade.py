"""Whether an upgrade is safe: who is on the bus, and which files are here."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from pyros_mqtt.archive import open_store
from pyros_mqtt.claims import Health
from pyros_mqtt.fleet import Member
from pyros_mqtt.journal.schema import SCHEMA
from pyros_mqtt.messages import State, Status, Task
from pyros_mqtt.sender import spool_path
from pyros_mqtt.settings import Settings
from pyros_mqtt.spool import Spool
from pyros_mqtt.upgrade import StateFile, files_of, neighbours_of
from pyros_mqtt.upgrade.neighbours import are_apart

HERE = "t60-dome"


def member(
    version: str = "1.4.0",
    state: State = State.READY,
    host: str = HERE,
    waiting: int = 0,
) -> Member:
    task = Task("goto", "1", "ops", 0.0) if state is State.BUSY else None
    status = Status("dome", state, version=version, host=host, task=task, waiting=waiting)
    return Member("dome", status, None, 0.0, Health.LIVE)


def problems(one: Member, own: str = "1.5.0") -> tuple[str, ...]:
    (judged,) = neighbours_of([one], f"{HERE}.example.org", own)
    return judged.problems


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("1.4.0", "1.4.9", False),
        ("1.4.0", "1.5.0", False),
        ("1.4.0", "1.6.0", True),
        ("1.6.0", "1.4.0", True),
        ("1.4.0", "2.4.0", True),
        ("1.4.0.dev1", "1.5.0rc1", False),
        ("", "1.5.0", False),
        ("summer", "1.5.0", False),
    ],
)
def test_one_minor_version_is_the_farthest(one: str, other: str, *, apart: bool) -> None:
    assert are_apart(one, other) is apart


def test_a_quiet_neighbour_of_the_last_version_is_no_problem() -> None:
    assert problems(member()) == ()


def test_who_is_too_old_or_speaks_another_protocol_is_told() -> None:
    old = member("1.3.0")
    assert old.status is not None
    assert problems(replace(old, status=replace(old.status, protocol=2))) == (
        "speaks protocol 2, this installation 1",
        "is version 1.3.0, more than one minor version from 1.5.0",
    )


def test_who_is_busy_here_is_told() -> None:
    assert problems(member(state=State.BUSY)) == ("runs here and is busy: goto",)
    assert problems(member(waiting=3)) == ("runs here and is ready, and 3 commands wait",)


def test_who_is_busy_elsewhere_is_not_stopped_by_an_upgrade_here() -> None:
    assert problems(member(state=State.BUSY, host="t60-control")) == ()


def test_who_has_stopped_or_is_lost_does_not_count() -> None:
    gone = [replace(member("0.1.0"), health=health) for health in (Health.STOPPED, Health.LOST)]
    assert neighbours_of(gone, HERE, "1.5.0") == []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


def old_journal(folder: Path) -> Path:
    path = folder / "journal" / "pyros-dome.sqlite"
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        replace(SCHEMA, steps=SCHEMA.steps[:1]).migrate(db)
    return path


def test_a_bare_machine_has_no_files(settings: Settings) -> None:
    assert files_of(settings) == []


def test_only_what_is_older_is_migrated_and_looking_changes_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    path = old_journal(tmp_path)
    Spool(spool_path(tmp_path, "pyros")).close()
    open_store(f"sqlite:///{tmp_path / 'archive.sqlite'}").close()
    before = path.read_bytes()
    journal, spool, archive = files_of(settings)
    assert journal == StateFile(path, "journal", 1, SCHEMA.version)
    assert (spool.kind, archive.kind) == ("spool", "archive")
    assert [one.is_migrated for one in (journal, spool, archive)] == [True, False, False]
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_or_none_of_ours_is_a_problem(
    settings: Settings, tmp_path: Path
) -> None:
    path = old_journal(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
    (tmp_path / "journal" / "text.sqlite").write_text("no database at all " * 100)
    told = [one.problem for one in files_of(settings)]
    assert told == ["it is a newer version's journal", "it cannot be read: file is not a database"]


def test_an_archive_in_postgresql_is_not_looked_at(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, archive="postgresql://nobody@127.0.0.1:1/none")
    assert files_of(settings) == []
