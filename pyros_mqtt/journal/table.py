"""The table of a journal on disk: what each statement does with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from pyros_mqtt import wire
from pyros_mqtt.journal import rows
from pyros_mqtt.journal.entry import Entry, Key, keep_until
from pyros_mqtt.messages import Command, Report

PURGE_ROWS = 100
"""Rows that are forgotten at once: few, so that no command waits for the purge."""

AT_ONCE = 250
"""Commands that one statement updates. Each statement lets go of Python's lock, and another thread
of a busy agent may keep it for 5 ms: a thousand statements would keep an abort waiting."""

_IN_ITS_PLACE = (
    "UPDATE SET report=excluded.report, open=excluded.open, until=max(until, excluded.until)"
)


_BOTH = "(sender=?1 AND id=?2) OR (sender=?5 AND id=?6)"


class TakenOver(Exception):
    """A later life has begun in this file."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a thread has written and not committed yet: the latest report of a command."""

    command: Command
    report: Report
    is_new: bool = False

    @property
    def key(self) -> Key:
        """Whose it is, and which."""
        return self.command.sender, self.command.id


class Table:
    """What a journal remembers. Its user sees to transactions, and to one thread at a time.

    Args:
        db: in autocommit mode; every statement is a transaction by itself, or part of one.
        skew: seconds by which clocks may differ.
    """

    def __init__(self, db: sqlite3.Connection, skew: float) -> None:
        self._db = db
        self._skew = skew
        self._boot: int | None = None
        self.ours = "TRUE"
        """SQL that tells whether no later life has begun: two must not run one command."""

    def find(self, key: Key) -> Entry | None:
        """The entry of one command, if it is in here."""
        query = f"SELECT {rows.READ} FROM entries WHERE sender=? AND id=?"  # noqa: S608 - our own names
        row = self._db.execute(query, key).fetchone()
        return rows.entry_of(row) if row else None

    def knows(self, key: Key) -> bool:
        """Say whether a command is in here."""
        query = "SELECT 1 FROM entries WHERE sender=? AND id=?"
        return self._db.execute(query, key).fetchone() is not None

    def last_life(self) -> tuple[int, str, str]:
        """The boot of the last life, 0 where there was none; its process, and its brokers.

        To be called in one transaction with `begin_life`: of two that begin together each sees the
        other, or none is later, and the file and the name could go to different ones.
        """
        query = "SELECT boot, process, brokers FROM lives ORDER BY boot DESC"
        return self._db.execute(query).fetchone() or (0, "", "")

    def begin_life(self, boot: int, process: str, brokers: str) -> None:
        """A life begins: it takes the file from every other one."""
        self._boot = int(boot)
        self._db.execute("DELETE FROM lives")
        self._db.execute("INSERT INTO lives VALUES (?, ?, ?)", (self._boot, process, brokers))
        self.ours = f"(SELECT max(boot) FROM lives) = {self._boot}"  # noqa: S608 - a number

    def end_life(self) -> None:
        """Our life ends, if it has begun; its process may go on without the file."""
        self._db.execute("UPDATE lives SET process='' WHERE boot=?", (self._boot,))

    def touch(self) -> None:
        """Write what changes nothing.

        Raises:
            TakenOver: the file is another life's.
        """
        if not self._db.execute(f"UPDATE lives SET boot=boot WHERE {self.ours}").rowcount:  # noqa: S608 - our own words
            self.look_whose()

    def insert_all(self, notes: Iterable[Note]) -> list[Key]:
        """Note new commands; gives those that are in here already, of which nothing is written.

        Raises:
            TakenOver: the file is another life's.
        """
        known = [note.key for note in notes if not self._insert(note, "NOTHING")]
        if known:
            self.look_whose()
        return known

    def update(self, note: Note) -> None:
        """Note the latest of a command.

        Raises:
            TakenOver: the file is another life's.
        """
        change = "report=?"
        values: list[object] = [wire.encode_report(note.report)]
        if note.report.state.is_terminal:  # else no index is written: what is open is kept
            change += ", open=0, until=max(until, ?)"
            values.append(self.until(note))
        known = self._db.execute(
            f"UPDATE entries SET {change} WHERE sender=? AND id=? AND {self.ours}",  # noqa: S608 - our own words
            (*values, *note.key),
        )
        if not known.rowcount and not self._insert(note, _IN_ITS_PLACE):
            self.look_whose()

    def end_and_begin(self, ended: Note, begun: Note) -> bool:
        """Note the end of one command and the start of another by one statement.

        Whether both are in here; else nothing is noted.
        """
        known = self._db.execute(
            "UPDATE entries SET "  # noqa: S608 - our own words
            "report=CASE WHEN sender=?1 AND id=?2 THEN ?3 ELSE ?7 END, "
            "until=CASE WHEN sender=?1 AND id=?2 THEN max(until, ?4) ELSE until END, "
            "open=NOT (sender=?1 AND id=?2) "
            f"WHERE ({_BOTH}) AND {self.ours} "
            f"AND (SELECT count(*) FROM entries WHERE {_BOTH}) = 2",
            (
                *ended.key,
                wire.encode_report(ended.report),
                self.until(ended),
                *begun.key,
                wire.encode_report(begun.report),
            ),
        )
        return known.rowcount == 2  # noqa: PLR2004 - both

    def update_together(self, notes: list[Note]) -> bool:
        """Note the latest of many by one statement, as far as they are in here; whether all are."""
        marks = ", ".join(["(?, ?, ?, ?, ?)"] * len(notes))
        values = [
            (*n.key, wire.encode_report(n.report), self.until(n), not n.report.state.is_terminal)
            for n in notes
        ]
        known = self._db.execute(
            "UPDATE entries SET report=column3, until=max(until, column4), open=column5 "  # noqa: S608 - our own marks
            f"FROM (VALUES {marks}) WHERE sender=column1 AND id=column2 AND {self.ours}",
            [value for row in values for value in row],
        )
        return known.rowcount == len(notes)

    def _insert(self, note: Note, otherwise: str) -> bool:
        """Note a command, or do in SQL what is said where it is in here; whether it was written."""
        row = rows.row_of(note.command, note.report, self.until(note))
        written = self._db.execute(
            f"INSERT INTO entries ({rows.WRITTEN}) SELECT {rows.MARKS} WHERE {self.ours} "
            f"ON CONFLICT (sender, id) DO {otherwise}",
            row,
        )
        return written.rowcount > 0

    def until(self, note: Note) -> float:
        """Until which POSIX second a command is remembered."""
        return keep_until(note.command, note.report, self._skew)

    def purge(self, now: float) -> int:
        """Forget a few rows whose time is over at POSIX second `now`; how many."""
        gone = self._db.execute(
            "DELETE FROM entries WHERE number IN "
            "(SELECT number FROM entries WHERE until < ? AND NOT open LIMIT ?)",
            (now, PURGE_ROWS),
        )
        return gone.rowcount

    def look_whose(self) -> None:
        """See whether the file is ours.

        Raises:
            TakenOver: it is another life's.
        """
        (is_ours,) = self._db.execute(f"SELECT {self.ours}").fetchone()
        if not is_ours:
            raise TakenOver
