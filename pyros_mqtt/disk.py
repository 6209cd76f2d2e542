"""Files of SQLite: for nobody but their user, and, if one cannot be used, why."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

LEAST_ROOM = 128 * 1024
"""Bytes that SQLite needs on the disk, even to read."""

SECRET_FOLDER = 0o700
SECRET_FILE = 0o600

_BROKEN = ("not a database", "malformed")


def private_folder(folder: Path) -> None:
    """Make a folder that only its user may look into, and those above it that are missing.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.parent.exists():
        private_folder(folder.parent)
    folder.mkdir(mode=SECRET_FOLDER, exist_ok=True)


def open_private(path: Path) -> sqlite3.Connection:
    """Open a database for any thread; what we make of it is for its user alone to read.

    Raises:
        OSError: its folder cannot be made.
        sqlite3.Error: it cannot be opened.
    """
    private_folder(path.parent)
    is_new = not path.exists()
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    if is_new:  # not by opening it ourselves: closing that would end SQLite's locks
        path.chmod(SECRET_FILE)
    return db


def trouble_of(error: Exception, path: Path) -> str:
    """Say what went wrong and what to do: SQLite tells a full disk as an error of input."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(path.parent).free < LEAST_ROOM:
            return f"its disk is full ({error})"
    if any(word in str(error) for word in _BROKEN):
        return f"{error}; move it away, and a new one is made"
    return str(error)
