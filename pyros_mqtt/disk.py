"""Why a file of SQLite cannot be used, in words that help."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

LEAST_ROOM = 128 * 1024
"""Bytes that SQLite needs on the disk, even to read."""

_BROKEN = ("not a database", "malformed")


def trouble_of(error: Exception, path: Path) -> str:
    """Say what went wrong and what to do: SQLite tells a full disk as an error of input."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(path.parent).free < LEAST_ROOM:
            return f"its disk is full ({error})"
    if any(word in str(error) for word in _BROKEN):
        return f"{error}; move it away, and a new one is made"
    return str(error)
