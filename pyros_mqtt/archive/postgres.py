"""An archive in PostgreSQL, for when one machine is not enough."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pyros_mqtt.archive.extras import bring
from pyros_mqtt.archive.place import shown
from pyros_mqtt.archive.postgres_schema import (
    HAS_TIMESCALE,
    LOCK,
    SCHEMA,
    STEPS,
    TO_HYPERTABLE,
)
from pyros_mqtt.archive.sql import SqlStore
from pyros_mqtt.errors import ArchiveError

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 8000,
}
"""Seconds (the last: milliseconds) after which a server that does not answer counts as away."""

FEW = 50
"""Up to so many rows are inserted one by one; more are copied."""

_FETCH = 2_000


class PostgresStore(SqlStore):
    """The archive in the schema `pyros` of a database.

    Raises:
        ArchiveError: the server cannot be reached, or refuses us, or the schema is newer than we.
        MissingExtra: psycopg is not installed.
    """

    _for_update = " FOR UPDATE"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.place = shown(url)
        self._psycopg = bring("psycopg", "an archive in PostgreSQL", "postgresql")
        self._copies: set[str] = set()
        self._cursors = itertools.count()
        self._readers = 0
        self._has_view = False
        with self._told():
            self._db: psycopg.Connection[Any] = self._psycopg.connect(
                url, autocommit=True, application_name="pyros", **PATIENCE
            )
        try:
            with self._told():
                self._migrate()
        except BaseException:
            self._db.close()
            raise

    def _migrate(self) -> None:
        """Bring the schema to today's; all steps are one transaction, of one process at a time."""
        with self._db.transaction():
            self._db.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            self._db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            self._db.execute("CREATE TABLE IF NOT EXISTS pyros.version (version INTEGER NOT NULL)")
            row = self._db.execute("SELECT max(version) FROM pyros.version").fetchone()
            version = (row[0] if row else None) or 0
            if version > len(STEPS):
                raise ArchiveError(f"{self.place} is a newer version's; name another archive")
            self._db.execute(f"SET LOCAL search_path TO {SCHEMA}")
            for number, step in enumerate(STEPS[version:], start=version + 1):
                for statement in filter(str.strip, step.split(";")):
                    self._db.execute(statement)
                self._db.execute("INSERT INTO version VALUES (%s)", (number,))
        self._db.execute(f"SET search_path TO {SCHEMA}")
        if version == 0:
            self._use_timescale()

    def _use_timescale(self) -> None:
        """Part the samples by days where the database has the extension; without it all works."""
        if self._db.execute(HAS_TIMESCALE).fetchone() is None:
            return
        try:
            with self._db.transaction():
                self._db.execute(TO_HYPERTABLE)
        except self._psycopg.Error as error:
            log.warning("%s: the table is not parted by TimescaleDB: %s", self.place, error)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make what is done inside one transaction."""
        if self._db.info.transaction_status != self._psycopg.pq.TransactionStatus.IDLE:
            yield
            return
        with self._told(), self._db.transaction():
            yield

    def give_up(self) -> None:
        """Break off what another thread waits for: a server that hangs would never answer."""
        with (
            contextlib.suppress(OSError, self._psycopg.Error),
            socket.socket(fileno=os.dup(self._db.fileno())) as twin,
        ):
            twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection."""
        with self._told():
            self._db.close()

    def _fetch(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._told():
            return self._db.execute(_marked(query), tuple(values)).fetchall()

    def _stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows come in bundles, from a cursor of the server's in a transaction."""
        name = f"rows_{next(self._cursors)}"
        with self._viewed(), self._told(), self._db.cursor(name) as cursor:
            cursor.execute(_marked(query), tuple(values))
            while rows := cursor.fetchmany(_FETCH):
                yield from rows

    @contextlib.contextmanager
    def _viewed(self) -> Iterator[None]:
        """Read inside one transaction with all who read at the same time: the last one ends it.

        A cursor is gone with the transaction that it was made in, whoever ends that.
        """
        with self._told():
            if self._db.info.transaction_status == self._psycopg.pq.TransactionStatus.IDLE:
                self._db.execute("BEGIN")
                self._has_view = True
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            if self._has_view and not self._readers:
                self._has_view = False
                with self._told():
                    if not self._db.closed:
                        self._db.commit()

    def _change(self, query: str, values: Sequence[Any] = ()) -> int:
        with self._told():
            return self._db.execute(_marked(query), tuple(values)).rowcount

    def _add(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], more: str
    ) -> int:
        names, given = ", ".join(columns), list(rows)
        with self._told(), self._db.cursor() as cursor:
            if len(given) <= FEW:
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(
                    f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT {more}",  # noqa: S608 - our own words
                    given,
                )
                return cursor.rowcount
            if table not in self._copies:
                cursor.execute(
                    f"CREATE TEMPORARY TABLE IF NOT EXISTS new_{table} "
                    f"(LIKE {SCHEMA}.{table}) ON COMMIT DELETE ROWS"
                )
            with cursor.copy(f"COPY new_{table} ({names}) FROM STDIN") as copy:
                for row in given:
                    copy.write_row(row)
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM new_{table} "  # noqa: S608 - our own words
                f"ORDER BY 1, 2, 3 ON CONFLICT {more}"
            )
            return cursor.rowcount

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (self._psycopg.DataError, self._psycopg.IntegrityError) as error:
            raise ValueError(f"the archive {self.place} refuses a row: {error}") from None
        except self._psycopg.Error as error:
            raise ArchiveError(
                f"the archive {self.place}: {' '.join(str(error).split())}"
            ) from None


def _marked(query: str) -> str:
    return query.replace("?", "%s")
