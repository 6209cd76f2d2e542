"""The tables of an archive in SQLite, and how older files become newer ones."""

from __future__ import annotations

from pyros_mqtt.file_schema import FileSchema

SCHEMA = FileSchema(
    "archive",
    0x50595241,  # "PYRA"
    (
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
    ),
)
