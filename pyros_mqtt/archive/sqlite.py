"""An archive in one SQLite file: the embedded default. One writer at a time, many readers.

Write-ahead log with `synchronous=NORMAL`: what was committed outlives the process, always; a power
cut may take the last moments with it, and leaves the file whole.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pyros_mqtt.archive.schema import SCHEMA
from pyros_mqtt.archive.sql import SqlStore
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.file_schema import NotOurs

BUSY = 5.0
"""Seconds for which somebody else may write before that counts as a failure."""

CACHE = 32 * 1024
"""KiB of pages in memory."""

_FETCH = 2_000


class SqliteStore(SqlStore):
    """The archive in one file.

    Raises:
        ArchiveError: the file cannot be opened, is none of ours, or is newer than we are.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.place = str(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=BUSY, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(f"the archive {path} cannot be opened: {error}") from None
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(f"PRAGMA cache_size=-{CACHE}")
            SCHEMA.migrate(self._db)
        except (NotOurs, sqlite3.Error) as error:
            self._db.close()
            what = f"is {error}" if isinstance(error, NotOurs) else f"cannot be opened: {error}"
            raise ArchiveError(f"{path} {what}; name another by PYROS_ARCHIVE") from None

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make what is done inside one transaction."""
        if self._db.in_transaction:
            yield
            return
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._told():
                self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has ended it by itself
                self._db.execute("ROLLBACK")
            raise

    def troubles(self) -> list[str]:
        """Look whether the file is whole."""
        found = [str(row[0]) for row in self._fetch("PRAGMA integrity_check")]
        return ([] if found == ["ok"] else found) + super().troubles()

    def give_up(self) -> None:
        """Break off what another thread waits for."""
        self._db.interrupt()

    def close(self) -> None:
        """Close the file."""
        with self._told():
            self._db.close()

    def _fetch(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._told():
            return self._db.execute(query, values).fetchall()

    def _stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        with self._told(), contextlib.closing(self._db.execute(query, values)) as cursor:
            while rows := cursor.fetchmany(_FETCH):
                yield from rows

    def _change(self, query: str, values: Sequence[Any] = ()) -> int:
        with self._told():
            return self._db.execute(query, values).rowcount

    def _add(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], more: str
    ) -> int:
        marks = ", ".join("?" * len(columns))
        with self._told():
            return self._db.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) "  # noqa: S608 - our own words
                f"ON CONFLICT {more}",
                rows,
            ).rowcount

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError) as error:
            raise ValueError(f"the archive {self.place} refuses a row: {error}") from None
        except sqlite3.Error as error:
            raise ArchiveError(f"the archive {self.place}: {error}") from None
