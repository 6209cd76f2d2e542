"""The journal's tables, and how older files become newer ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pyros_mqtt.errors import JournalError

APPLICATION = 0x5059524F
"""Marks an SQLite file as a journal of ours ("PYRO")."""

STEPS = (
    """
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        sender TEXT NOT NULL,
        id TEXT NOT NULL,
        agent TEXT NOT NULL,
        message TEXT NOT NULL,
        args TEXT NOT NULL,
        sent_at REAL,
        deadline REAL,
        urgent INTEGER NOT NULL,
        session TEXT,
        echo TEXT,
        reply_to TEXT,
        report BLOB NOT NULL,
        until REAL NOT NULL,
        open INTEGER NOT NULL,
        UNIQUE (sender, id)
    );
    CREATE INDEX entries_open ON entries (number) WHERE open;
    CREATE INDEX entries_until ON entries (until) WHERE NOT open;
    CREATE TABLE lives (boot INTEGER NOT NULL);
    """,
    # `lapse` is the uptime at which the deadline passes, in the life of the machine `machine`
    """
    ALTER TABLE entries ADD COLUMN machine TEXT;
    ALTER TABLE entries ADD COLUMN lapse REAL;
    """,
)
"""Step by step from an empty file to today's schema; a step is never changed, only followed."""


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a file to today's schema; each step is one transaction, so none is left half done.

    Raises:
        JournalError: it is no journal, or one of a newer version.
    """
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    version = _version(db)
    if (application != APPLICATION and tables) or version > len(STEPS):
        what = "a newer version's journal" if application == APPLICATION else "no journal"
        raise JournalError(f"{path} is {what}; move it away, or name another state_dir")
    while version < len(STEPS):
        try:
            db.executescript(
                f"BEGIN IMMEDIATE; {STEPS[version]}; PRAGMA application_id={APPLICATION}; "
                f"PRAGMA user_version={version + 1}; COMMIT;"
            )
        except sqlite3.Error:
            db.rollback()
            if _version(db) == version:
                raise
            # another agent of this name, started in the same moment, has taken the step before us
        version = _version(db)


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)
