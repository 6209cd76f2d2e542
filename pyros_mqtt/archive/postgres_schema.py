"""Where an archive lies in a PostgreSQL database, and how TimescaleDB parts its samples."""

from __future__ import annotations

from pyros_mqtt.archive.tables import MARK, POSTGRESQL, steps

SCHEMA = "pyros"
"""The schema that holds them, so that other tables of the database are left alone."""

LOCK = MARK
"""Whoever changes the tables holds this advisory lock."""

STEPS = steps(POSTGRESQL)

HAS_TIMESCALE = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"

TO_HYPERTABLE = (
    "SELECT public.create_hypertable('pyros.samples', 't', "
    "chunk_time_interval => 86400000000::bigint, if_not_exists => true, migrate_data => true)"
)
"""A chunk a day of the only table that grows large."""
