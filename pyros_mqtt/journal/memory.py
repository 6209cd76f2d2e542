"""A journal in memory, for agents without a disk."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection

from pyros_mqtt.journal.entry import Entry, Key, keep_until
from pyros_mqtt.messages import Command, Report


class MemoryJournal:
    """A journal for agents without a disk. Ended commands are forgotten after their deadline."""

    kind = "memory"

    def __init__(self, allowed_skew: float = 5.0) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._skew = allowed_skew

    def __len__(self) -> int:
        """How many commands are remembered."""
        return len(self._entries)

    def find(self, sender: str, command_id: str) -> Entry | None:
        """The entry of one command, if it is remembered."""
        return self._entries.get((sender, command_id))

    def knows(self, sender: str, command_id: str) -> bool:
        """Say whether a command is remembered."""
        return (sender, command_id) in self._entries

    def accept(self, command: Command, report: Report) -> bool:
        """Note a command that is new, with its first report; False where it is remembered."""
        if self.knows(command.sender, command.id):
            return False
        self.write(command, report)
        return True

    def write(self, command: Command, report: Report) -> None:
        """Note the latest report; ended entries whose time is over make room."""
        entry = Entry(command, report, keep_until(command, report, self._skew))
        with self._lock:
            self._entries[command.sender, command.id] = entry
            self._purge(report.at)

    def commit(self) -> Collection[Key]:
        """Nothing outlives this journal, and what was here before is known at once."""
        return ()

    def check(self) -> None:
        """Memory can always be written."""

    def unfinished(self) -> list[Entry]:
        """Nothing is left of an earlier life."""
        return []

    def begin_life(self, boot: int) -> int:  # noqa: ARG002 - the protocol's signature
        """Nothing to note, and nothing is known of an earlier life."""
        return 0

    def is_taken_over(self) -> bool:
        """Nobody else can."""
        return False

    def close(self) -> None:
        """Nothing to close."""

    def _purge(self, now: float) -> None:
        """Look at two of the oldest entries for each new one, so that no purge takes long."""
        for _ in range(2):
            if not self._entries:
                return
            key, entry = next(iter(self._entries.items()))
            if entry.until >= now or not entry.report.state.is_terminal:
                self._entries.move_to_end(key)
            else:
                del self._entries[key]
