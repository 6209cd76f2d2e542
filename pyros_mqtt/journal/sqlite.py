"""A journal on disk: one SQLite file an agent, which survives kill -9 of its process.

Write-ahead log with `synchronous=NORMAL`: what was committed outlives the process, always; a power
cut may take the last moments with it, unless the journal was opened with `power_safe`.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from pyros_mqtt import wire
from pyros_mqtt.disk import open_private, trouble_of
from pyros_mqtt.errors import JournalError, JournalInUse, Replaced
from pyros_mqtt.file_schema import NotOurs
from pyros_mqtt.journal import rows
from pyros_mqtt.journal.checkpoints import AT_LATEST, Checkpoints
from pyros_mqtt.journal.entry import Entry, Journal, Key
from pyros_mqtt.journal.memory import MemoryJournal
from pyros_mqtt.journal.process import living, this_process
from pyros_mqtt.journal.schema import SCHEMA
from pyros_mqtt.journal.table import AT_ONCE, PURGE_ROWS, Note, Table, TakenOver
from pyros_mqtt.messages import Command, Report

log = logging.getLogger(__name__)

PURGE_EVERY = 1.0
"""Seconds between two looks for what may be forgotten."""

CACHE = 256
"""KiB of the file that are kept in memory. SQLite would take 2 MiB over time, which looks like a
leak; look-ups are as fast, since the system has the file in memory, too."""


_NOTHING: Mapping[Key, Note] = MappingProxyType({})


class SqliteJournal:
    """The journal of one agent in one file. Every method may be called from any thread.

    What a thread writes gathers until it calls `commit`, which makes one transaction of it: what
    others write has no part in its success.

    Raises:
        JournalError: the file cannot be opened, is none of ours, or is newer than we are.
    """

    kind = "sqlite"

    def __init__(
        self,
        path: Path,
        *,
        allowed_skew: float = 5.0,
        brokers: Iterable[str] = (),
        power_safe: bool = False,
    ) -> None:
        self.path = path
        self._brokers = " ".join(brokers)
        self._writing, self._reading = threading.RLock(), threading.Lock()
        self._next_purge = 0.0
        self._gathered: dict[int, dict[Key, Note]] = {}
        try:
            self._db, self._reader = open_private(path), open_private(path)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA wal_autocheckpoint={AT_LATEST}")
            self._db.execute(f"PRAGMA synchronous={'FULL' if power_safe else 'NORMAL'}")
            for db in (self._db, self._reader):
                db.execute(f"PRAGMA cache_size={-CACHE}")
            SCHEMA.migrate(self._db)
            self._table = Table(self._db, allowed_skew)
            self._checkpoints = Checkpoints(path)
            self._view = Table(self._reader, allowed_skew)  # who reads waits for no writer
        except (OSError, sqlite3.Error) as error:
            why = trouble_of(error, path)
            raise JournalError(f"the journal {path} cannot be opened: {why}") from None
        except NotOurs as error:
            text = f"{path} is {error}; move it away, or name another state_dir"
            raise JournalError(text) from None

    # -- what is remembered -------------------------------------------------------------

    def find(self, sender: str, command_id: str) -> Entry | None:
        """The entry of one command, if it is remembered."""
        note = self._mine.get((sender, command_id))
        if note is not None:
            return Entry(note.command, note.report, self._table.until(note))
        with self._reading:
            return self._view.find((sender, command_id))

    def knows(self, sender: str, command_id: str) -> bool:
        """Say whether a command is remembered."""
        key = sender, command_id
        if key in self._mine:
            return True
        with self._reading:
            return self._view.knows(key)

    def unfinished(self) -> list[Entry]:
        """What was accepted or running when the last life ended, oldest first."""
        query = (
            f"SELECT {rows.READ}, lapse, machine FROM entries "  # noqa: S608 - our own names
            "WHERE open ORDER BY number"
        )
        with self._reading:
            found = self._reader.execute(query).fetchall()
        return [replace(rows.entry_of(row), left=rows.left(*row[-2:])) for row in found]

    def is_taken_over(self) -> bool:
        """Say whether another life has begun in the file since ours; False where it cannot tell."""
        try:
            with self._reading:
                self._view.look_whose()
        except TakenOver:
            return True
        except sqlite3.Error:
            return False
        return False

    # -- what is written ----------------------------------------------------------------

    def begin_life(self, boot: int) -> int:
        """A life begins, and takes the file from any other; gives the boot of the last one.

        Raises:
            JournalInUse: the last one goes on in another process of this machine, at other brokers.
            JournalError: that cannot be noted.
        """
        with self._telling(), self._transaction():
            last, process, brokers = self._table.last_life()
            self._refuse_beside(process, brokers)
            self._table.begin_life(max(boot, last + 1), this_process(), self._brokers)
        self._view.ours = self._table.ours
        return last

    def _refuse_beside(self, process: str, brokers: str) -> None:
        """Take nothing from one who lives at other brokers, where nobody could tell us of it."""
        theirs, ours = set(brokers.split()), set(self._brokers.split())
        if theirs and ours and not theirs & ours and (pid := living(process)) is not None:
            raise JournalInUse(self.path, pid, brokers)

    def accept(self, command: Command, report: Report) -> bool:
        """Note a command that seems new, with its first report; False: it came in this turn."""
        if (command.sender, command.id) in self._mine:
            return False
        self._gather(Note(command, report, is_new=True))
        return True

    def write(self, command: Command, report: Report) -> None:
        """Note the latest report of a command.

        Raises:
            TypeError, ValueError: a result that JSON has no form for.
        """
        wire.encode_report(report)
        self._gather(Note(command, report))

    def commit(self) -> Collection[Key]:
        """Note what this thread has written, all of it or nothing: from now on it outlives us.

        Gives the commands among the accepted ones that are remembered: of them nothing is written.

        Raises:
            JournalError: it is not on the disk, and forgotten.
        """
        notes = self._gathered.pop(threading.get_ident(), None)
        return self._commit(list(notes.values())) if notes else ()

    def check(self) -> None:
        """Write what changes nothing.

        Raises:
            JournalError: the disk takes nothing.
        """
        with self._telling():
            self._table.touch()

    def close(self) -> None:
        """Commit, and close the file."""
        with self._writing, self._reading:
            try:
                for thread in list(self._gathered):
                    self._commit(list(self._gathered.pop(thread).values()))
            except JournalError as error:
                log.error("%s", error)  # noqa: TRY400 - it says all
            with contextlib.suppress(JournalError), self._telling():
                self._table.end_life()
            self._checkpoints.end()
            self._reader.close()
            self._db.close()

    @property
    def _mine(self) -> Mapping[Key, Note]:
        return self._gathered.get(threading.get_ident(), _NOTHING)

    def _gather(self, note: Note) -> None:
        """Keep a note; only the latest of each command counts."""
        mine = self._gathered.setdefault(threading.get_ident(), {})
        known = mine.get(note.key)
        mine[note.key] = replace(note, is_new=True) if known and known.is_new else note

    def _commit(self, notes: list[Note]) -> Collection[Key]:
        with self._telling():
            self._purge(notes[-1].report.at)
            self._checkpoints.count(len(notes))
            # one statement is a transaction by itself, and lets go of Python's lock only once
            if len(notes) == 1:
                return self._note(notes[0])
            if _are_end_and_begin(notes) and self._table.end_and_begin(*notes):
                return ()
            with self._transaction():
                return self._note_all(notes)

    def _note(self, note: Note) -> Collection[Key]:
        if note.is_new:
            return self._table.insert_all([note])
        self._table.update(note)
        return ()

    def _note_all(self, notes: list[Note]) -> Collection[Key]:
        updates = [note for note in notes if not note.is_new]
        for first in range(0, len(updates), AT_ONCE):
            some = updates[first : first + AT_ONCE]
            if not self._table.update_together(some):
                for note in some:
                    self._table.update(note)
        return self._table.insert_all(note for note in notes if note.is_new)

    def _purge(self, now: float) -> None:
        if now >= self._next_purge:
            gone = self._table.purge(now)
            self._checkpoints.count(gone)
            self._next_purge = now + (0.0 if gone == PURGE_ROWS else PURGE_EVERY)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Use the file alone, and tell what it does not take.

        Raises:
            JournalError: it cannot be written.
        """
        with self._writing:
            try:
                yield
            except TakenOver:
                text = f"the journal {self.path} is another life's by now"
                raise Replaced(text) from None
            except sqlite3.Error as error:
                why = trouble_of(error, self.path)
                raise JournalError(f"the journal {self.path} cannot be written: {why}") from None


def _are_end_and_begin(notes: list[Note]) -> bool:
    """Whether one command has ended and another one starts, as in an agent that is busy."""
    if len(notes) != 2 or notes[0].is_new or notes[1].is_new:  # noqa: PLR2004 - a pair
        return False
    return notes[0].report.state.is_terminal and not notes[1].report.state.is_terminal


def open_journal(
    kind: str, path: Path, allowed_skew: float, brokers: Iterable[str] = ()
) -> Journal:
    """Open the journal that the settings ask for: `sqlite` at `path`, or `memory`.

    `brokers` are those at which its agent can be found.

    Raises:
        JournalError: as `SqliteJournal`.
    """
    if kind == "memory":
        return MemoryJournal(allowed_skew)
    return SqliteJournal(path, allowed_skew=allowed_skew, brokers=brokers)


def journal_path(state_dir: Path, client_id: str) -> Path:
    """Where the agent that connects as `client_id` has its journal."""
    return state_dir / "journal" / f"{client_id}.sqlite"


def entries_in(path: Path) -> list[Entry]:
    """Read what a journal remembers, oldest first, while its agent may be writing it.

    Raises:
        JournalError: it cannot be read now.
    """
    query = f"SELECT {rows.READ} FROM entries ORDER BY number"  # noqa: S608 - our own names
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return [rows.entry_of(row) for row in db.execute(query)]
    except sqlite3.Error as error:
        why = trouble_of(error, path)
        raise JournalError(f"the journal {path} cannot be read: {why}") from None
