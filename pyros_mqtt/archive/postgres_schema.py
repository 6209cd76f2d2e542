"""The tables of an archive in PostgreSQL, and how older databases become newer ones."""

from __future__ import annotations

SCHEMA = "pyros"
"""The schema that holds them, so that other tables of the database are left alone."""

LOCK = 0x50595241
"""Whoever changes the tables holds this advisory lock."""

STEPS = (
    """
    CREATE TABLE sources (
        id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        root TEXT NOT NULL,
        agent TEXT NOT NULL,
        branch TEXT NOT NULL,
        leaf TEXT NOT NULL,
        UNIQUE (root, agent, branch, leaf)
    );
    CREATE TABLE samples (
        source INTEGER NOT NULL,
        t BIGINT NOT NULL,
        mark BIGINT NOT NULL,
        life BIGINT NOT NULL,
        seq BIGINT,
        ahead BIGINT,
        n INTEGER NOT NULL,
        span BIGINT NOT NULL,
        flags SMALLINT NOT NULL,
        value DOUBLE PRECISION,
        body BYTEA,
        PRIMARY KEY (source, t, mark)
    );
    CREATE TABLE events (
        source INTEGER NOT NULL,
        t BIGINT NOT NULL,
        mark BIGINT NOT NULL,
        heard BIGINT NOT NULL,
        body BYTEA NOT NULL,
        PRIMARY KEY (source, t, mark)
    );
    CREATE TABLE rolls (
        source INTEGER NOT NULL,
        step INTEGER NOT NULL,
        field TEXT NOT NULL,
        t BIGINT NOT NULL,
        n BIGINT NOT NULL,
        low DOUBLE PRECISION NOT NULL,
        high DOUBLE PRECISION NOT NULL,
        total DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (source, step, field, t)
    );
    CREATE TABLE nights (
        root TEXT NOT NULL,
        night TEXT NOT NULL,
        rolled INTEGER NOT NULL,
        purged INTEGER NOT NULL,
        PRIMARY KEY (root, night)
    );
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        until BIGINT NOT NULL
    );
    """,
)
"""Step by step from an empty schema to today's; a step is never changed, only followed."""

HAS_TIMESCALE = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"

TO_HYPERTABLE = (
    "SELECT public.create_hypertable('pyros.samples', 't', "
    "chunk_time_interval => 86400000000::bigint, if_not_exists => true, migrate_data => true)"
)
"""A chunk a day of the only table that grows large."""
