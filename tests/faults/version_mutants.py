"""The builds that migrate files wrongly; `builds` says how they are chosen."""

from __future__ import annotations

import sqlite3

from pyros_mqtt.file_schema import FileSchema
from tests.faults.builds import mutant, put

MIGRATES_BY_STATEMENT = "migrates-by-statement"
NOTES_THE_VERSION_FIRST = "notes-the-version-first"
STARTS_ANEW = "starts-anew"


@mutant(MIGRATES_BY_STATEMENT)
def _migrate_by_statement() -> None:
    """A step is no transaction: each statement counts at once, the version at the end."""

    def migrate(self: FileSchema, db: sqlite3.Connection) -> None:
        while (found := self._found(db)) != self.version:
            self._take_step(db, found)

    put(FileSchema, "migrate", migrate)


@mutant(NOTES_THE_VERSION_FIRST)
def _note_the_version_first() -> None:
    def migrate(self: FileSchema, db: sqlite3.Connection) -> None:
        while (found := self._found(db)) != self.version:
            db.execute(f"PRAGMA application_id={self.application}")
            db.execute(f"PRAGMA user_version={found + 1}")
            for statement in self.steps[found].split(";"):
                db.execute(statement)

    put(FileSchema, "migrate", migrate)


@mutant(STARTS_ANEW)
def _start_anew() -> None:
    healthy = FileSchema.migrate

    def migrate(self: FileSchema, db: sqlite3.Connection) -> None:
        if 0 < self._found(db) < self.version:
            rows = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (table,) in db.execute(rows).fetchall():
                db.execute(f"DROP TABLE {table}")
            db.execute("PRAGMA user_version=0")
        healthy(self, db)

    put(FileSchema, "migrate", migrate)
