"""Files that an older version has written, and the process that brings them to a newer one.

An older version is today's with fewer steps; a newer one has a step more, which takes a while. So
the older files are written by the older schema, not kept as bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from pyros_mqtt import spool
from pyros_mqtt.archive import sqlite as archive
from pyros_mqtt.file_schema import FileSchema
from pyros_mqtt.journal import SqliteJournal, entries_in
from pyros_mqtt.journal import sqlite as journal
from pyros_mqtt.messages import Command, Outcome, report_on
from pyros_mqtt.wire import encode_report
from tests.faults.builds import put

ROWS = 3000

NOW = 1_763_841_600.0
LATER = 4_102_444_800.0

NEVER = "never"
"""Nobody kills it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        room: the module that opens it, by its `SCHEMA`.
        table: what its newer version changes.
        fill: writes `ROWS` rows by the schema of the first version.
        read: opens the file as the library does, and tells each row.
    """

    room: ModuleType
    table: str
    fill: Callable[[sqlite3.Connection], None]
    read: Callable[[Path], list[str]]

    @property
    def newer(self) -> FileSchema:
        """The schema of a version to come."""
        schema: FileSchema = self.room.SCHEMA
        step = (
            f"ALTER TABLE {self.table} ADD COLUMN newer BLOB; "  # noqa: S608 - our own names
            f"UPDATE {self.table} SET newer = randomblob(200); "
            f"CREATE INDEX {self.table}_newer ON {self.table} (newer); "
            f"ALTER TABLE {self.table} ADD COLUMN newest TEXT"
        )
        return replace(schema, steps=(*schema.steps, step))

    def write(self, path: Path) -> list[str]:
        """Write a file as the first version did; gives what has to stay in it."""
        schema: FileSchema = self.room.SCHEMA
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            replace(schema, steps=schema.steps[:1]).migrate(db)
            db.execute("BEGIN")
            self.fill(db)
            db.execute("COMMIT")
        return [f"row {number}" for number in range(ROWS)]


# -- the process ---------------------------------------------------------------------------------


def migrate(kind: str, path: str, result: str, death: str) -> None:
    """Open a file as a newer version does, and tell what is in it; or die on the way.

    `death` is `NEVER`, `statement:N`, just before the N-th of the migration, or `seconds:S` after
    its start.
    """
    one, file = KINDS[kind], Path(path)
    put(one.room, "SCHEMA", one.newer)
    what, _, when = death.partition(":")
    seen = _Seen(int(when) if what == "statement" else 0)
    put(sqlite3, "connect", partial(seen.connect, sqlite3.connect))
    if what == "seconds":
        threading.Timer(float(when), _die).start()
    told = {"rows": one.read(file), **_shape(file, one.table)}
    told |= {"statements": seen.count, "seconds": seen.seconds}
    Path(result).write_text(json.dumps(told))


CHANGES = ("ALTER ", "BEGIN", "COMMIT", "CREATE ", "DROP ", "PRAGMA user_version=", "UPDATE ")
"""How the statements of a migration begin."""


class _Seen:
    """The statements that change a file, of all connections; dies before one of them."""

    def __init__(self, last: int) -> None:
        self.count = 0
        self.seconds = 0.0
        self._last = last
        self._began = time.monotonic()

    def connect(self, connect: Callable[..., sqlite3.Connection], *args: Any, **more: Any) -> Any:
        db = connect(*args, **more)
        db.set_trace_callback(self._note)
        return db

    def _note(self, statement: str) -> None:
        if not statement.lstrip().startswith(CHANGES):
            return
        self.count += 1
        self.seconds = time.monotonic() - self._began
        if self.count == self._last:
            _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _shape(path: Path, table: str) -> dict[str, Any]:
    """What a file has to look like that was migrated whole."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        tables = db.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
        (left,) = db.execute(f"SELECT count(*) FROM {table} WHERE newer IS NULL").fetchone()  # noqa: S608 - our own
        (integrity,) = db.execute("PRAGMA integrity_check").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
    return {"tables": tables, "left": left, "integrity": integrity, "version": version}


# -- the kinds -----------------------------------------------------------------------------------


def _command(number: int) -> Command:
    return Command("dome", f"row {number}", id=f"id-{number}", sender="ops", deadline=LATER)


def _fill_journal(db: sqlite3.Connection) -> None:
    state = (Outcome.ACCEPTED, Outcome.RUNNING, Outcome.DONE)
    for number in range(ROWS):
        command = _command(number)
        report = report_on(command, state[number % 3], NOW)
        db.execute(
            "INSERT INTO entries (sender, id, agent, message, args, deadline, urgent, report, "
            "until, open) VALUES (?, ?, ?, ?, '{}', ?, 0, ?, ?, ?)",
            (
                command.sender,
                command.id,
                command.agent,
                command.message,
                LATER,
                encode_report(report),
                LATER,
                not report.state.is_terminal,
            ),
        )


def _read_journal(path: Path) -> list[str]:
    with contextlib.closing(SqliteJournal(path)) as one:
        unfinished = len(one.unfinished())
    if unfinished != ROWS - ROWS // 3:
        return [f"{unfinished} are unfinished"]
    return [entry.command.message for entry in entries_in(path)]


def _fill_spool(db: sqlite3.Connection) -> None:
    for number in range(ROWS):
        command = _command(number)
        db.execute(
            "INSERT INTO commands (id, sender, agent, message, args, urgent, written, due, "
            "deadline) VALUES (?, ?, ?, ?, '{}', 0, ?, ?, ?)",
            (command.id, command.sender, command.agent, command.message, NOW, NOW, LATER),
        )


def _read_spool(path: Path) -> list[str]:
    with contextlib.closing(spool.Spool(path)) as one:
        return [spooled.command.message for spooled in one.listing()]


def _fill_archive(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO sources VALUES (1, 'pyros', 'dome', 'telemetry', 'azimuth')")
    for number in range(ROWS):
        db.execute(
            "INSERT INTO samples VALUES (1, ?, 7, 1, ?, NULL, 1, 0, 0, ?, NULL)",
            (int(NOW) * 1_000_000 + number, number, float(number)),
        )


def _read_archive(path: Path) -> list[str]:
    with contextlib.closing(archive.SqliteStore(path)) as one:
        (source,) = one.sources("pyros").values()
        return [f"row {row[1]}" for row in one.samples(source, 0, int(LATER) * 1_000_000)]


KINDS = {
    "journal": Kind(journal, "entries", _fill_journal, _read_journal),
    "spool": Kind(spool, "commands", _fill_spool, _read_spool),
    "archive": Kind(archive, "samples", _fill_archive, _read_archive),
}
