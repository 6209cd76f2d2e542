"""The schema of an SQLite archive."""

from __future__ import annotations

from pyros_mqtt.archive.tables import MARK, SQLITE, steps
from pyros_mqtt.file_schema import FileSchema

SCHEMA = FileSchema("archive", MARK, steps(SQLITE))
