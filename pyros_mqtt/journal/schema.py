"""The journal's tables, and how older files become newer ones."""

from __future__ import annotations

from pyros_mqtt.file_schema import FileSchema

SCHEMA = FileSchema(
    "journal",
    0x5059524F,  # "PYRO"
    (
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
        # a start reads the table once; each command wrote this index twice
        "DROP INDEX entries_open",
        # whose file it is: so that a second one, at other brokers, does not throw out the first
        """
    ALTER TABLE lives ADD COLUMN process TEXT NOT NULL DEFAULT '';
    ALTER TABLE lives ADD COLUMN brokers TEXT NOT NULL DEFAULT '';
    """,
    ),
)
