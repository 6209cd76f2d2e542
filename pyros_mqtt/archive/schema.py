"""The tables of an archive in SQLite, and how older files become newer ones."""

from __future__ import annotations

import sqlite3

APPLICATION = 0x50595241
"""Marks an SQLite file as an archive of ours ("PYRA")."""

STEPS = (
    """
    CREATE TABLE sources (
        id INTEGER PRIMARY KEY,
        root TEXT NOT NULL,
        agent TEXT NOT NULL,
        branch TEXT NOT NULL,
        leaf TEXT NOT NULL,
        UNIQUE (root, agent, branch, leaf)
    );
    CREATE TABLE samples (
        source INTEGER NOT NULL,
        t INTEGER NOT NULL,
        mark INTEGER NOT NULL,
        life INTEGER NOT NULL,
        seq INTEGER,
        ahead INTEGER,
        n INTEGER NOT NULL,
        span INTEGER NOT NULL,
        flags INTEGER NOT NULL,
        value REAL,
        body BLOB,
        PRIMARY KEY (source, t, mark)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        source INTEGER NOT NULL,
        t INTEGER NOT NULL,
        mark INTEGER NOT NULL,
        heard INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (source, t, mark)
    ) WITHOUT ROWID;
    CREATE TABLE rolls (
        source INTEGER NOT NULL,
        step INTEGER NOT NULL,
        field TEXT NOT NULL,
        t INTEGER NOT NULL,
        n INTEGER NOT NULL,
        low REAL NOT NULL,
        high REAL NOT NULL,
        total REAL NOT NULL,
        PRIMARY KEY (source, step, field, t)
    ) WITHOUT ROWID;
    CREATE TABLE nights (
        root TEXT NOT NULL,
        night TEXT NOT NULL,
        rolled INTEGER NOT NULL,
        purged INTEGER NOT NULL,
        PRIMARY KEY (root, night)
    ) WITHOUT ROWID;
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        until INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
)
"""Step by step from an empty file to today's schema; a step is never changed, only followed."""


class NotOurs(Exception):
    """The file is no archive, or a newer version's."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring a file to today's schema; each step is one transaction, so none is left half done.

    Raises:
        NotOurs: it is no archive, or one of a newer version.
    """
    while _marks(db)[:2] != (APPLICATION, len(STEPS)):  # a reader waits for no writer
        db.execute("BEGIN IMMEDIATE")  # two recorders may open a new file at the same time
        try:
            application, version, tables = _marks(db)
            if (application != APPLICATION and tables) or version > len(STEPS):
                raise NotOurs("a newer version's" if application == APPLICATION else "no archive")
            if version == len(STEPS):
                break
            for statement in STEPS[version].split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={APPLICATION}")
            db.execute(f"PRAGMA user_version={version + 1}")
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")


def _marks(db: sqlite3.Connection) -> tuple[int, int, int]:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return application, version, tables
