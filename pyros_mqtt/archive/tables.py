"""The tables of an archive, whatever database holds them, step by step from none to today's.

A step is never changed, only followed.
"""

from __future__ import annotations

from typing import NamedTuple

MARK = 0x50595241
"""What tells an archive of ours from other data ("PYRA")."""


class Dialect(NamedTuple):
    """A database's words for what a table holds."""

    key: str
    """A number that is made for each new row."""
    big: str
    """An integer of 64 bits."""
    small: str
    """An integer that is always small."""
    real: str
    blob: str
    end: str = ""
    """Behind a table whose rows lie in the order of their key."""


SQLITE = Dialect("INTEGER PRIMARY KEY", "INTEGER", "INTEGER", "REAL", "BLOB", " WITHOUT ROWID")
POSTGRESQL = Dialect(
    "INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "BIGINT",
    "SMALLINT",
    "DOUBLE PRECISION",
    "BYTEA",
)


def steps(dialect: Dialect) -> tuple[str, ...]:
    """Give each step's statements, parted by semicolons, in the words of a database."""
    return tuple(step.format(**dialect._asdict()) for step in _STEPS)


_STEPS = (
    """
    CREATE TABLE sources (
        id {key},
        root TEXT NOT NULL,
        agent TEXT NOT NULL,
        branch TEXT NOT NULL,
        leaf TEXT NOT NULL,
        UNIQUE (root, agent, branch, leaf)
    );
    CREATE TABLE samples (
        source INTEGER NOT NULL,
        t {big} NOT NULL,
        mark {big} NOT NULL,
        life {big} NOT NULL,
        seq {big},
        ahead {big},
        n INTEGER NOT NULL,
        span {big} NOT NULL,
        flags {small} NOT NULL,
        value {real},
        body {blob},
        PRIMARY KEY (source, t, mark)
    ){end};
    CREATE TABLE events (
        source INTEGER NOT NULL,
        t {big} NOT NULL,
        mark {big} NOT NULL,
        heard {big} NOT NULL,
        body {blob} NOT NULL,
        PRIMARY KEY (source, t, mark)
    ){end};
    CREATE TABLE rolls (
        source INTEGER NOT NULL,
        step INTEGER NOT NULL,
        field TEXT NOT NULL,
        t {big} NOT NULL,
        n {big} NOT NULL,
        low {real} NOT NULL,
        high {real} NOT NULL,
        total {real} NOT NULL,
        PRIMARY KEY (source, step, field, t)
    ){end};
    CREATE TABLE nights (
        root TEXT NOT NULL,
        night TEXT NOT NULL,
        rolled INTEGER NOT NULL,
        purged INTEGER NOT NULL,
        PRIMARY KEY (root, night)
    ){end};
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        until {big} NOT NULL
    ){end};
    """,
)
