"""How an SQLite file becomes an archive, and an older one a newer one."""

from __future__ import annotations

import sqlite3

from pyros_mqtt.archive.tables import MARK, SQLITE, steps

APPLICATION = MARK
"""Marks an SQLite file as an archive of ours."""

STEPS = steps(SQLITE)


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
