"""What an agent must still know after it has died: a person's hold, an alert, an order."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any


class Memory:
    """A small file that is replaced as a whole; without a path it remembers nothing.

    Any thread may call.
    """

    def __init__(self, path: str | Path | None) -> None:
        """Use the file at `path`; its folder is made when there is something to write."""
        self._path = None if path is None else Path(path).expanduser()
        self._lock = threading.Lock()

    def read(self) -> dict[str, Any]:
        """Give what was written last; empty where there is nothing.

        Raises:
            OSError, ValueError: there is something, and it cannot be read.
        """
        if self._path is None or not self._path.exists():
            return {}
        table = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(table, dict):
            raise TypeError(f"{self._path} holds no table")
        return table

    def write(self, table: dict[str, Any]) -> None:
        """Replace what was written before.

        Raises:
            OSError: the disk does not take it.
        """
        if self._path is None:
            return
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new = self._path.with_name(self._path.name + ".new")
            with new.open("w", encoding="utf-8") as file:
                json.dump(table, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
