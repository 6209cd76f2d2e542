"""What is shown, entry by entry, each with the version at which it last changed.

Network threads put; the event loop asks what has changed since the version that a browser has. A
slow browser therefore costs nothing: whenever it comes back, it gets the newest state once.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MOST_ENTRIES = 10_000
"""Of one section; whoever floods the bus with names does not grow the dashboard."""

MOST_GRAVES = 1_000
"""So many removals are remembered; a browser that missed older ones gets everything anew."""

NEWS_KEPT = 400
"""Commands and reports that a new browser is shown."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delta:
    """Everything that changed after one version; `is_whole` replaces what was known before.

    `sections` holds None for an entry that is gone. `missed` counts passings that had been
    forgotten before they could be told.
    """

    version: int
    is_whole: bool
    sections: dict[str, dict[str, Any]]
    passings: list[Row]
    missed: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing has changed."""
        return not (self.is_whole or self.sections or self.passings)


@dataclass(slots=True)
class _Entry:
    version: int
    value: Any


@dataclass(slots=True)
class _Passings:
    """The last commands and reports, each with its version."""

    rows: deque[tuple[int, Row]] = field(default_factory=lambda: deque(maxlen=NEWS_KEPT))
    count: int = 0


class Board:
    """All that every browser is shown. Every method is for any thread.

    Attributes:
        refused: entries that were passed over because a section was full.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._lock = threading.Lock()
        self._versions = itertools.count(1)
        self._version = 0
        self._entries: dict[tuple[str, str], _Entry] = {}
        """In the order of their last change, which is what makes `since` cheap."""
        self._counts: dict[str, int] = {}
        self._graves = 0
        self._floor = 0
        self._passings = _Passings()

    def put(self, section: str, key: str, value: Any) -> None:
        """Show `value`, anything that JSON can say but None; nothing happens if it is known."""
        with self._lock:
            known = self._entries.get((section, key))
            if known is not None and known.value == value:
                return
            if known is None or known.value is None:
                if self._counts.get(section, 0) >= MOST_ENTRIES:
                    self.refused += 1
                    return
                self._counts[section] = self._counts.get(section, 0) + 1
                self._graves -= known is not None
            self._change(section, key, value)

    def drop(self, section: str, key: str) -> None:
        """Show it no longer."""
        with self._lock:
            known = self._entries.get((section, key))
            if known is None or known.value is None:
                return
            self._counts[section] -= 1
            self._graves += 1
            self._change(section, key, None)
            if self._graves > MOST_GRAVES:
                self._forget_graves()

    def get(self, section: str, key: str) -> Any:
        """What is shown there; None where nothing is."""
        with self._lock:
            entry = self._entries.get((section, key))
            return None if entry is None else entry.value

    def keys(self, section: str) -> list[str]:
        """What a section shows, the longest unchanged first."""
        with self._lock:
            return [key for (one, key), entry in self._entries.items()
                    if one == section and entry.value is not None]  # fmt: skip

    def tell(self, row: Row) -> None:
        """Add one command or report that passed."""
        with self._lock:
            self._version = next(self._versions)
            self._passings.count += 1
            self._passings.rows.append((self._version, {"n": self._passings.count, **row}))

    def since(self, version: int) -> Delta:
        """Collect what has changed after `version`; after 0, or too long ago: everything."""
        with self._lock:
            if version <= 0 or version < self._floor or version > self._version:
                return self._whole()
            sections: dict[str, dict[str, Any]] = {}
            for (section, key), entry in reversed(self._entries.items()):
                if entry.version <= version:
                    break
                sections.setdefault(section, {})[key] = entry.value
            fresh = [row for at, row in self._passings.rows if at > version]
            missed = 0
            if fresh and len(fresh) == len(self._passings.rows):
                missed = fresh[0]["n"] - 1
            return Delta(self._version, False, sections, fresh, missed)  # noqa: FBT003 - a field

    # -- with the lock held ------------------------------------------------------------------

    def _whole(self) -> Delta:
        sections: dict[str, dict[str, Any]] = {}
        for (section, key), entry in self._entries.items():
            if entry.value is not None:
                sections.setdefault(section, {})[key] = entry.value
        rows = [row for _, row in self._passings.rows]
        return Delta(self._version, True, sections, rows)  # noqa: FBT003 - a field

    def _change(self, section: str, key: str, value: Any) -> None:
        self._version = next(self._versions)
        self._entries.pop((section, key), None)
        self._entries[section, key] = _Entry(self._version, value)

    def _forget_graves(self) -> None:
        self._entries = {key: one for key, one in self._entries.items() if one.value is not None}
        self._graves = 0
        self._floor = self._version
