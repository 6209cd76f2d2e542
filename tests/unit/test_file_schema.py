"""Files of ours that older versions have written, and files that are none of ours."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pyros_mqtt.file_schema import FileSchema, NotOurs

FIRST = FileSchema("diary", 0x44494152, ("CREATE TABLE pages (text TEXT);",))
SECOND = replace(
    FIRST,
    steps=(
        *FIRST.steps,
        "ALTER TABLE pages ADD COLUMN day TEXT; UPDATE pages SET day = 'monday'",
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "diary.sqlite"


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def written_by_the_first(path: Path) -> None:
    db = opened(path)
    FIRST.migrate(db)
    db.execute("INSERT INTO pages VALUES ('rain')")
    db.close()


def pages(path: Path) -> list[tuple[str, ...]]:
    return opened(path).execute("SELECT * FROM pages").fetchall()


def test_what_an_older_version_has_written_is_kept(path: Path) -> None:
    written_by_the_first(path)
    assert SECOND.version_of(path) == 1
    SECOND.migrate(opened(path))
    assert pages(path) == [("rain", "monday")]
    assert SECOND.version_of(path) == 2


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    written_by_the_first(path)
    broken = replace(SECOND, steps=(*FIRST.steps, SECOND.steps[1] + "; SELECT nonsense"))
    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        broken.migrate(opened(path))
    assert pages(path) == [("rain",)]
    assert FIRST.version_of(path) == 1


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    SECOND.migrate(opened(path))
    with pytest.raises(NotOurs, match="a newer version's diary"):
        FIRST.migrate(opened(path))
    with pytest.raises(NotOurs, match="a newer version's diary"):
        FIRST.version_of(path)


def test_somebody_elses_file_is_refused(path: Path) -> None:
    opened(path).execute("CREATE TABLE photos (name)")
    with pytest.raises(NotOurs, match="no diary"):
        FIRST.migrate(opened(path))


@pytest.mark.parametrize("moment", ["BEGIN IMMEDIATE", "SELECT count(*) FROM sqlite_master"])
def test_two_that_migrate_the_same_file_at_once_both_have_it(path: Path, moment: str) -> None:
    opened(path).execute("PRAGMA journal_mode=WAL")
    late = _Late(path, moment)
    SECOND.migrate(cast("sqlite3.Connection", late))
    assert late.other_came_first
    late.execute("INSERT INTO pages VALUES ('ours', 'monday')")
    assert pages(path) == [("ours", "monday")]


class _Late:
    """A connection whose owner stands still before a statement, until another has migrated."""

    def __init__(self, path: Path, moment: str) -> None:
        self._db = opened(path)
        self._path = path
        self._moment = moment
        self.other_came_first = False

    def execute(self, statement: str) -> Any:
        if statement == self._moment and not self.other_came_first:
            self.other_came_first = True
            SECOND.migrate(opened(self._path))
        return self._db.execute(statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)
