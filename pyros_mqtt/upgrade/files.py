"""The files of this machine that an older version may have written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pyros_mqtt.archive import archive_url
from pyros_mqtt.archive.place import SQLITE
from pyros_mqtt.archive.schema import SCHEMA as ARCHIVE
from pyros_mqtt.file_schema import FileSchema, NotOurs
from pyros_mqtt.journal.schema import SCHEMA as JOURNAL
from pyros_mqtt.settings import Settings
from pyros_mqtt.spool import SCHEMA as SPOOL


@dataclass(frozen=True, slots=True)
class StateFile:
    """A journal, spool or archive.

    Attributes:
        version: of its schema; None where it cannot be read.
        becomes: the version that the next start makes of it.
        problem: why this version cannot use it, for people; empty where it can.
    """

    path: Path
    kind: str
    version: int | None
    becomes: int
    problem: str = ""

    @property
    def is_migrated(self) -> bool:
        """The next start changes it."""
        return self.version is not None and self.version < self.becomes


def files_of(settings: Settings) -> list[StateFile]:
    """Look at the journals, the spools and the archive here; an archive in PostgreSQL is not."""
    return [_look(path, schema) for path, schema in _places(settings) if path.is_file()]


def _places(settings: Settings) -> Iterator[tuple[Path, FileSchema]]:
    for schema in (JOURNAL, SPOOL):
        for path in sorted((settings.state_dir / schema.kind).glob("*.sqlite")):
            yield path, schema
    url = archive_url(settings)
    if url.startswith(SQLITE):
        yield Path(unquote(url.removeprefix(SQLITE))).expanduser().absolute(), ARCHIVE


def _look(path: Path, schema: FileSchema) -> StateFile:
    try:
        return StateFile(path, schema.kind, schema.version_of(path), schema.version)
    except (NotOurs, sqlite3.Error) as error:
        why = f"it is {error}" if isinstance(error, NotOurs) else f"it cannot be read: {error}"
        return StateFile(path, schema.kind, None, schema.version, why)
