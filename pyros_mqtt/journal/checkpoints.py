"""Brings what stands in a journal's write-ahead log into its table, beside the work."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from pathlib import Path

log = logging.getLogger(__name__)

EVERY = 1000
"""Rows written after which the log is worked off; up to five pages of 4 KiB each."""

LONG = 5_000
"""Pages of the log beyond which it is begun anew. Whoever commits waits for that, but for the few
rows only that came since the log was last worked off; while there are any, it would grow."""

AT_LATEST = 20_000
"""Pages of the log at which whoever writes has to do it, in case that our thread cannot."""


class Checkpoints:
    """A thread that waits for the disk, so that no command does.

    SQLite would do it within a commit: some milliseconds of every few hundred commands. The thread
    begins with the first `EVERY` rows. Every method is for any thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = 0
        self._due = threading.Event()
        self._is_over = False
        self._thread: threading.Thread | None = None

    def count(self, rows: int) -> None:
        """So many rows more were written; for one thread at a time."""
        self._rows += rows
        if self._rows < EVERY:
            return
        self._rows = 0
        self._due.set()
        if self._thread is None:
            name = f"checkpoints {self._path.stem}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Do no more of it: the last connection that is closed works off the rest."""
        self._is_over = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._due.wait() and not self._is_over:
            self._due.clear()
            try:
                with contextlib.closing(sqlite3.connect(self._path)) as db:
                    _, length, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if length > LONG:
                        db.execute("PRAGMA wal_checkpoint(RESTART)")
            except sqlite3.Error as error:  # such as a full disk, which the next commit tells
                log.debug("%s: %s", self._path, error)
