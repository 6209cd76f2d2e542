"""The sender's memory: commands that have not been accepted yet, or are for later.

One SQLite file a machine and topic root, shared by all of its senders, so that the next process
delivers what an earlier one left. A row goes when the agent has reported, never before.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyros_mqtt import wire
from pyros_mqtt.disk import open_private, trouble_of
from pyros_mqtt.errors import SpoolError
from pyros_mqtt.file_schema import FileSchema, NotOurs
from pyros_mqtt.messages import Command

LEASE = 5.0
"""Seconds for which a courier holds a command; renewed while it lives, so the next one waits."""

KEEP_DEAD = 7 * 86_400.0
"""Seconds for which a command that could not be delivered is still shown."""

SCHEMA = FileSchema(
    "spool",
    0x5059524E,  # "PYRN"
    (
        """
        CREATE TABLE commands (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            sender TEXT NOT NULL,
            agent TEXT NOT NULL,
            message TEXT NOT NULL,
            args TEXT NOT NULL,
            urgent INTEGER NOT NULL,
            written REAL NOT NULL,
            due REAL NOT NULL,
            deadline REAL NOT NULL,
            courier TEXT NOT NULL DEFAULT '',
            leased REAL NOT NULL DEFAULT 0,
            ended REAL,
            remark TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX commands_due ON commands (due) WHERE ended IS NULL;
        """,
        "ALTER TABLE commands ADD COLUMN payload BLOB;",
    ),
)

_COLUMNS = (
    "id, sender, agent, message, args, urgent, written, due, deadline, ended, remark, payload"
)


@dataclass(frozen=True, slots=True)
class Spooled:
    """One command in the spool. Times are POSIX seconds.

    `due` is when it may be sent, `written` when it was put here. `ended` is None while it waits;
    otherwise when it was given up, and `remark` says why. While it waits, `remark` tells what came
    of the last attempt. `payload` is the command as its sender has signed it; None: not signed.
    """

    command: Command
    written: float
    due: float
    ended: float | None = None
    remark: str = ""
    problem: str = ""
    payload: bytes | None = None


class Spool:
    """The commands that wait on this machine. Every method may be called from any thread.

    Raises:
        SpoolError: the file cannot be opened, is none of ours, or is newer than we are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            with contextlib.ExitStack() as undone:
                self._db = undone.enter_context(contextlib.closing(open_private(path)))
                self._db.execute("PRAGMA busy_timeout = 10000")
                self._prepare()
                undone.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise SpoolError(
                f"the spool {path} cannot be opened: {trouble_of(error, path)}"
            ) from None
        except NotOurs as error:
            raise SpoolError(f"{path} is {error}; move it away, and a new one is made") from None

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        SCHEMA.migrate(self._db)

    def put(
        self,
        command: Command,
        now: float,
        due: float | None = None,
        payload: bytes | None = None,
    ) -> None:
        """Write a command to the disk; returns when it is there.

        Args:
            command: what is to be delivered.
            now: POSIX seconds.
            due: POSIX seconds before which it is not sent.
            payload: the command as its sender has signed it, whoever delivers it.

        Raises:
            SpoolError: the disk does not take it.
        """
        row = (
            command.id,
            command.sender,
            command.agent,
            command.message,
            wire.compact(command.args),
            command.urgent,
            now,
            now if due is None else due,
            command.deadline,
            None,
            "",
            payload,
        )
        marks = ", ".join("?" * len(row))
        self._write(f"INSERT INTO commands ({_COLUMNS}) VALUES ({marks})", row)  # noqa: S608 - our own names

    def take(self, courier: str, now: float) -> list[Spooled]:
        """Lease what is due, the oldest of each sender and agent, and renew what is held.

        Only the oldest is handed out, so that commands of one sender arrive in their order. A
        lease that would last longer than any does was made before the clock was set back: it is
        void.
        """
        self._write(
            """
            UPDATE commands SET courier = ?1, leased = ?2 + ?3
            WHERE ended IS NULL AND due <= ?2 AND (courier = ?1 OR leased < ?2 OR leased > ?2 + ?3)
              AND number IN (
                  SELECT min(number) FROM commands WHERE ended IS NULL AND due <= ?2
                  GROUP BY sender, agent)
            """,
            (courier, now, LEASE),
        )
        held = "courier = ? AND ended IS NULL AND due <= ? AND leased >= ?"
        return self._read(held, courier, now, now)

    def release(self, courier: str) -> None:
        """Let others have at once what this courier holds."""
        self._write("UPDATE commands SET leased = 0 WHERE courier = ?", (courier,))

    @property
    def is_waiting(self) -> bool:
        """Something waits to be delivered, now or later."""
        ((count,),) = self._rows("SELECT count(*) FROM commands WHERE ended IS NULL")
        return bool(count)

    def is_waiting_from(self, sender: str) -> bool:
        """Something of one sender waits to be delivered, now or later."""
        query = "SELECT count(*) FROM commands WHERE ended IS NULL AND sender = ?"
        ((count,),) = self._rows(query, (sender,))
        return bool(count)

    def next_due(self, now: float) -> float | None:
        """When the next command comes due that is not yet, in POSIX seconds."""
        query = "SELECT min(due) FROM commands WHERE ended IS NULL AND due > ?"
        ((due,),) = self._rows(query, (now,))
        return None if due is None else float(due)

    def remove(self, command_id: str) -> bool:
        """The agent has it, or nobody wants it any more; whether it was there."""
        return self._write("DELETE FROM commands WHERE id = ?", (command_id,)) > 0

    def remark(self, command_id: str, remark: str) -> None:
        """Note what came of an attempt."""
        self._write("UPDATE commands SET remark = ? WHERE id = ?", (remark, command_id))

    def end(self, command_id: str, now: float, remark: str) -> None:
        """Give a command up; it is still shown for a week."""
        statement = "UPDATE commands SET ended = ?, remark = ? WHERE id = ?"
        self._write(statement, (now, remark, command_id))
        self._write("DELETE FROM commands WHERE ended < ?", (now - KEEP_DEAD,))

    def rename(self, command_id: str, new_id: str, payload: bytes | None = None) -> None:
        """Give a command that was refused for now a new id; it keeps its place."""
        statement = "UPDATE commands SET id = ?, payload = ? WHERE id = ?"
        self._write(statement, (new_id, payload, command_id))

    def replace(
        self, old_id: str, command: Command, now: float, payload: bytes | None = None
    ) -> bool:
        """Put a command that was given up back, as a new one; whether it was there."""
        if not self.remove(old_id):
            return False
        self.put(command, now, payload=payload)
        return True

    def find(self, command_id: str) -> Spooled | None:
        """One command."""
        found = self._read("id = ?", command_id)
        return found[0] if found else None

    def listing(self) -> list[Spooled]:
        """All commands, those that were given up too, oldest first."""
        return self._read("1")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _read(self, condition: str, *values: object) -> list[Spooled]:
        query = f"SELECT {_COLUMNS} FROM commands WHERE {condition} ORDER BY number"  # noqa: S608 - our own words
        return [_spooled(row) for row in self._rows(query, values)]

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            why = trouble_of(error, self.path)
            raise SpoolError(f"the spool {self.path} cannot be read: {why}") from None

    def _write(self, statement: str, values: tuple[object, ...]) -> int:
        try:
            with self._lock:
                return self._db.execute(statement, values).rowcount
        except sqlite3.Error as error:
            why = trouble_of(error, self.path)
            raise SpoolError(f"the spool {self.path} cannot be written: {why}") from None


def _spooled(row: tuple[object, ...]) -> Spooled:
    command_id, sender, agent, message, args, urgent, *times, ended, remark, payload = row
    written, due, deadline = times
    problem = ""
    try:
        read = wire.strict(str(args))
    except ValueError as error:
        read, problem = {}, f"its arguments cannot be read: {error}"
    command = Command(
        agent=str(agent),
        message=str(message),
        args=read,
        id=str(command_id),
        sender=str(sender),
        sent_at=float(due),  # type: ignore[arg-type]
        deadline=float(deadline),  # type: ignore[arg-type]
        urgent=bool(urgent),
    )
    known = (float(written), float(due), ended, str(remark))  # type: ignore[arg-type]
    return Spooled(command, *known, problem, payload)  # type: ignore[arg-type]
