"""What the other agents say while an exposure runs, gathered with one deadline for all of them.

A slow or dead peer leaves a gap in the header; it never costs the exposure.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

FRESH = 5.0
"""Wall seconds for which a peer's word is believed."""


class Source(Protocol):
    """A followed channel: its last value, and how many seconds ago it came."""

    @property
    def value(self) -> Any:
        """The last value, or None."""

    @property
    def age(self) -> float:
        """Wall seconds since it came; infinite if it never did."""


class PeerWords:
    """Collects one fresh word of each peer; the first one after the start of an exposure counts.

    Attributes:
        words: what was said, a dict of fields by the peer's name.
    """

    def __init__(self, sources: Mapping[str, Source], deadline: float = 15.0) -> None:
        """Begin to gather, for at most `deadline` wall seconds from now."""
        self.words: dict[str, dict[str, Any]] = {}
        self._sources = dict(sources)
        self._until = time.monotonic() + deadline
        self.look()

    @property
    def gaps(self) -> tuple[str, ...]:
        """The peers that have not been heard."""
        return tuple(name for name in self._sources if name not in self.words)

    @property
    def is_worth_waiting(self) -> bool:
        """Time is left, and one that has spoken before is missing; a stranger may not exist."""
        awaited = any(self._sources[name].age < float("inf") for name in self.gaps)
        return awaited and time.monotonic() < self._until

    def look(self) -> None:
        """Take what is fresh now."""
        for name in self.gaps:
            value, age = self._sources[name].value, self._sources[name].age
            if isinstance(value, dict) and age <= FRESH:
                self.words[name] = dict(value)
