"""A journal on disk: one SQLite file an agent, which survives kill -9 of its process.

Write-ahead log with `synchronous=NORMAL`: what was committed outlives the process, always; a power
cut may take the last moments with it, unless the journal was opened with `power_safe`.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

from pyros_mqtt import wire
from pyros_mqtt.disk import open_private, trouble_of
from pyros_mqtt.errors import JournalError, Replaced
from pyros_mqtt.file_schema import NotOurs
from pyros_mqtt.journal.entry import Entry, Journal, keep_until
from pyros_mqtt.journal.memory import MemoryJournal
from pyros_mqtt.journal.schema import SCHEMA
from pyros_mqtt.journal.uptime import machine_life, uptime
from pyros_mqtt.messages import Command, Outcome, Report

log = logging.getLogger(__name__)

PURGE_EVERY = 1.0
"""Seconds between two looks for what may be forgotten."""

PURGE_ROWS = 200
"""Rows that are forgotten at once: few, so that no command waits for the purge."""

AT_ONCE = 250
"""Commands that one statement ends. Each statement lets go of Python's lock, and another thread of
a busy agent may keep it for 5 ms: a thousand statements would keep an abort waiting."""

CACHE = 256
"""KiB of the file that are kept in memory. SQLite would take 2 MiB over time, which looks like a
leak; look-ups are as fast, since the system has the file in memory, too."""

_COLUMNS = "sender, id, agent, message, args, sent_at, deadline, urgent, session, echo, reply_to"


class SqliteJournal:
    """The journal of one agent in one file. Every method may be called from any thread.

    Writes gather in one transaction until `commit`, which tells each thread that has written since
    its last one whether all of it is on the disk.

    Raises:
        JournalError: the file cannot be opened, is none of ours, or is newer than we are.
    """

    kind = "sqlite"

    def __init__(self, path: Path, *, allowed_skew: float = 5.0, power_safe: bool = False) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._skew = allowed_skew
        self._next_purge = 0.0
        self._writers: set[int] = set()
        self._robbed: dict[int, JournalError] = {}
        self._life: int | None = None
        try:
            self._db = open_private(path)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA cache_size={-CACHE}")
            self._db.execute(f"PRAGMA synchronous={'FULL' if power_safe else 'NORMAL'}")
            SCHEMA.migrate(self._db)
        except (OSError, sqlite3.Error) as error:
            why = trouble_of(error, path)
            raise JournalError(f"the journal {path} cannot be opened: {why}") from None
        except NotOurs as error:
            text = f"{path} is {error}; move it away, or name another state_dir"
            raise JournalError(text) from None

    def find(self, sender: str, command_id: str) -> Entry | None:
        """The entry of one command, if it is remembered."""
        query = f"SELECT {_COLUMNS}, report, until FROM entries WHERE sender=? AND id=?"  # noqa: S608 - our own names
        with self._lock:
            row = self._db.execute(query, (sender, command_id)).fetchone()
        return _entry(row) if row else None

    def knows(self, sender: str, command_id: str) -> bool:
        """Say whether a command is remembered."""
        query = "SELECT 1 FROM entries WHERE sender=? AND id=?"
        with self._lock:
            return self._db.execute(query, (sender, command_id)).fetchone() is not None

    def write(self, command: Command, report: Report) -> None:
        """Note the latest report of a command, in the transaction of this turn.

        What the disk does not take is told by `commit`.
        """
        until = keep_until(command, report, self._skew)
        told = wire.encode_report(report)
        with self._lock:
            self._writers.add(threading.get_ident())
            try:
                self._begin()
                is_new = report.state is Outcome.ACCEPTED
                if is_new or not self._update(command, report, told, until):
                    self._insert(command, report, told, until)
                self._purge(report.at)
            except sqlite3.Error as error:
                self._lose(error)

    def end(self, ends: list[tuple[Command, Report]]) -> None:
        """Note the terminal reports of commands that are in here, in the transaction of this turn.

        Many at once, as an abort has. What the disk does not take is told by `commit`.
        """
        told = [
            (
                command.sender,
                command.id,
                wire.encode_report(report),
                keep_until(command, report, self._skew),
            )
            for command, report in ends
        ]
        with self._lock:
            self._writers.add(threading.get_ident())
            try:
                self._begin()
                for first in range(0, len(told), AT_ONCE):
                    self._end(told[first : first + AT_ONCE])
            except sqlite3.Error as error:
                self._lose(error)

    def touch(self) -> None:
        """Write what changes nothing; whether the disk takes it is told by `commit`."""
        with self._lock:
            self._writers.add(threading.get_ident())
            try:
                self._begin()
                self._db.execute("UPDATE lives SET boot = boot")
            except sqlite3.Error as error:
                self._lose(error)

    def _end(self, told: list[tuple[str, str, bytes, float]]) -> None:
        marks = ", ".join(["(?, ?, ?, ?)"] * len(told))
        self._db.execute(
            f"WITH told (sender, id, report, until) AS (VALUES {marks}) "  # noqa: S608 - our own marks
            "UPDATE entries SET report=told.report, open=0, "
            "until=max(entries.until, told.until) FROM told "
            "WHERE entries.sender=told.sender AND entries.id=told.id",
            [value for row in told for value in row],
        )

    def commit(self) -> None:
        """End the transaction: from now on it outlives us.

        Raises:
            JournalError: what this thread has written is not on the disk, and forgotten.
        """
        with self._lock:
            try:
                if self._db.in_transaction:
                    self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._lose(error)
            self._writers.clear()
            trouble = self._robbed.pop(threading.get_ident(), None)
        if trouble is not None:
            raise trouble

    def _lose(self, error: sqlite3.Error) -> None:
        """The transaction is gone, with what other threads have written into it."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if isinstance(error, _TakenOver):
            trouble: JournalError = Replaced(f"the journal {self.path} is another life's by now")
        else:
            why = trouble_of(error, self.path)
            trouble = JournalError(f"the journal {self.path} cannot be written: {why}")
        self._robbed |= dict.fromkeys(self._writers, trouble)
        self._writers.clear()

    def unfinished(self) -> list[Entry]:
        """What was accepted or running when the last life ended, oldest first."""
        query = (
            f"SELECT {_COLUMNS}, report, until, lapse, machine FROM entries "  # noqa: S608 - our own names
            "WHERE open ORDER BY number"
        )
        with self._lock:
            rows = self._db.execute(query).fetchall()
        return [replace(_entry(row), left=_left(*row[-2:])) for row in rows]

    def last_boot(self) -> int:
        """The boot of the last life that used this journal; 0 where there was none."""
        with self._lock:
            row = self._db.execute("SELECT max(boot) FROM lives").fetchone()
        return int(row[0] or 0)

    def begin_life(self, boot: int) -> None:
        """A life with this boot begins."""
        with self._lock:
            self._life = None
            try:
                self._begin()
                self._db.execute("DELETE FROM lives")
                self._db.execute("INSERT INTO lives VALUES (?)", (boot,))
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                why = trouble_of(error, self.path)
                raise JournalError(f"the journal {self.path} cannot be written: {why}") from None
            self._life = boot

    def close(self) -> None:
        """Commit, and close the file."""
        with self._lock:
            try:
                self.commit()
            except JournalError as error:
                log.error("%s", error)  # noqa: TRY400 - it says all
            self._db.close()

    def _begin(self) -> None:
        """Begin a transaction, unless a later life has begun: two must not run one command."""
        if self._db.in_transaction:
            return
        self._db.execute("BEGIN IMMEDIATE")
        if self._life is not None:
            (latest,) = self._db.execute("SELECT max(boot) FROM lives").fetchone()
            if latest != self._life:
                raise _TakenOver

    def _update(self, command: Command, report: Report, told: bytes, until: float) -> bool:
        known = self._db.execute(
            "UPDATE entries SET report=?, open=?, until=max(until, ?) WHERE sender=? AND id=?",
            (told, not report.state.is_terminal, until, command.sender, command.id),
        )
        return known.rowcount > 0

    def _insert(self, command: Command, report: Report, told: bytes, until: float) -> None:
        values = (
            command.sender,
            command.id,
            command.agent,
            command.message,
            wire.compact(command.args),
            command.sent_at,
            command.deadline,
            command.urgent,
            command.session,
            command.echo,
            command.reply_to,
            told,
            until,
            not report.state.is_terminal,
            None if command.deadline is None else uptime() + command.deadline - report.at,
            machine_life(),
        )
        marks = ", ".join("?" * len(values))
        self._db.execute(
            f"INSERT INTO entries ({_COLUMNS}, report, until, open, lapse, machine) "  # noqa: S608 - our own names
            f"VALUES ({marks}) ON CONFLICT (sender, id) "
            "DO UPDATE SET report=excluded.report, open=excluded.open, "
            "until=max(until, excluded.until)",
            values,
        )

    def _purge(self, now: float) -> None:
        """Forget a few rows whose time is over; the many are forgotten over many turns."""
        if now < self._next_purge:
            return
        gone = self._db.execute(
            "DELETE FROM entries WHERE number IN "
            "(SELECT number FROM entries WHERE until < ? AND NOT open LIMIT ?)",
            (now, PURGE_ROWS),
        )
        self._next_purge = now + (0.0 if gone.rowcount == PURGE_ROWS else PURGE_EVERY)


class _TakenOver(sqlite3.Error):
    """A later life has begun in this file."""


def open_journal(kind: str, path: Path, allowed_skew: float) -> Journal:
    """Open the journal that the settings ask for: `sqlite` at `path`, or `memory`.

    Raises:
        JournalError: as `SqliteJournal`.
    """
    if kind == "memory":
        return MemoryJournal(allowed_skew)
    return SqliteJournal(path, allowed_skew=allowed_skew)


def journal_path(state_dir: Path, client_id: str) -> Path:
    """Where the agent that connects as `client_id` has its journal."""
    return state_dir / "journal" / f"{client_id}.sqlite"


def entries_in(path: Path) -> list[Entry]:
    """Read what a journal remembers, oldest first, while its agent may be writing it.

    Raises:
        JournalError: it cannot be read now.
    """
    query = f"SELECT {_COLUMNS}, report, until FROM entries ORDER BY number"  # noqa: S608 - our own names
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return [_entry(row) for row in db.execute(query)]
    except sqlite3.Error as error:
        why = trouble_of(error, path)
        raise JournalError(f"the journal {path} cannot be read: {why}") from None


def _left(lapse: float | None, machine: str | None) -> float | None:
    """Seconds until a deadline, as long as the machine has not been started anew."""
    is_this_life = bool(machine) and machine == machine_life()
    return lapse - uptime() if is_this_life and lapse is not None else None


def _entry(row: tuple[object, ...]) -> Entry:
    sender, number, agent, message, args, sent_at, deadline, urgent, session, echo, reply_to = row[
        :11
    ]
    command = Command(
        agent=str(agent),
        message=str(message),
        args=wire.strict(str(args)),
        id=str(number),
        sender=str(sender),
        sent_at=sent_at,  # type: ignore[arg-type]
        deadline=deadline,  # type: ignore[arg-type]
        urgent=bool(urgent),
        session=session,  # type: ignore[arg-type]
        echo=echo,  # type: ignore[arg-type]
        reply_to=reply_to,  # type: ignore[arg-type]
    )
    return Entry(command, wire.decode_report(row[11]), row[12])  # type: ignore[arg-type]
