"""What went wrong, in the log without flooding it, and for the status while it is news."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, fields

PAUSE = 10.0
"""Seconds between two log lines about one kind of trouble; what comes in between is counted."""

NEWS = 60.0
"""Seconds for which a trouble shows in the status."""


@dataclass(slots=True)
class Counts:
    """What has come in, and what became of it, since the gateway's start.

    `messages` are those that could be read; each ends as `delivered` (an agent has accepted it),
    `rejected` or `undelivered`, or still waits.
    """

    connections: int = 0
    refused: int = 0
    silent: int = 0
    empty: int = 0
    broken: int = 0
    unreadable: int = 0
    cut: int = 0
    messages: int = 0
    delivered: int = 0
    rejected: int = 0
    undelivered: int = 0

    def told(self) -> dict[str, int]:
        """Give them by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(slots=True)
class _Kind:
    text: str
    at: float
    logged: float
    more: int = 0


class Notes:
    """Gathers troubles by kind. `add` is for the gateway's thread, `recent` for any.

    All `now` are seconds of one monotonic clock.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}

    def add(self, kind: str, text: str, now: float) -> None:
        """Note one trouble; the first of its kind is logged at once."""
        with self._lock:
            known = self._kinds.get(kind)
            if known is not None and now - known.logged < PAUSE:
                known.text, known.at = text, now
                known.more += 1
                return
            self._kinds[kind] = _Kind(text, now, now)
        self._log.warning("%s", text)

    def over(self, kind: str) -> None:
        """A trouble has ended, so it is no news any longer."""
        if kind in self._kinds:
            with self._lock:
                self._kinds.pop(kind, None)

    def flush(self, now: float) -> None:
        """Log how many more there were, and forget what is no news any longer."""
        told = []
        with self._lock:
            for kind, one in list(self._kinds.items()):
                if one.more and now - one.logged >= PAUSE:
                    told.append(f"{one.text} (and {one.more} of this kind before it)")
                    one.logged, one.more = now, 0
                elif now - one.at > NEWS:
                    del self._kinds[kind]
        for text in told:
            self._log.warning("%s", text)

    def recent(self) -> dict[str, str]:
        """Give the latest text of each kind that is news."""
        with self._lock:
            return {kind: one.text for kind, one in self._kinds.items()}
