"""How an SQLite file of ours becomes one of today's schema: step by step, each one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class NotOurs(Exception):
    """The file is not of this kind, or a newer version's; the text says which."""


@dataclass(frozen=True, slots=True)
class FileSchema:
    """The tables of one kind of file.

    Attributes:
        kind: what such a file is called, such as "journal".
        application: marks an SQLite file as one of this kind.
        steps: from an empty file to today's schema, each some statements parted by semicolons; a
            step that was released is never changed, only followed.
    """

    kind: str
    application: int
    steps: tuple[str, ...]

    @property
    def version(self) -> int:
        """Today's."""
        return len(self.steps)

    def migrate(self, db: sqlite3.Connection) -> None:
        """Bring a file to today's schema, whoever else does the same; killed, it is taken up later.

        `db` has to be in autocommit mode (`isolation_level=None`).

        Raises:
            NotOurs: it is not of this kind, or one of a newer version.
        """
        while self._looked_up(db) != self.version:
            with _transaction(db, "IMMEDIATE"):  # two processes may open a new file together
                found = self._found(db)
                if found < self.version:
                    self._take_step(db, found)

    def version_of(self, path: Path) -> int:
        """Tell the version of a file, while others may use it; 0 for an empty one.

        Raises:
            NotOurs: it is not of this kind, or one of a newer version.
            sqlite3.Error: it cannot be read.
        """
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return self._found(db)

    def _looked_up(self, db: sqlite3.Connection) -> int:
        """The version as of one moment, without waiting for who writes."""
        with _transaction(db, "DEFERRED"):
            return self._found(db)

    def _take_step(self, db: sqlite3.Connection, done: int) -> None:
        for statement in self.steps[done].split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id={self.application}")
        db.execute(f"PRAGMA user_version={done + 1}")

    def _found(self, db: sqlite3.Connection) -> int:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if application != self.application:
            (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables:
                raise NotOurs(f"no {self.kind}")
            return 0
        if version > self.version:
            raise NotOurs(f"a newer version's {self.kind}")
        return int(version)


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection, kind: str) -> Iterator[None]:
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
