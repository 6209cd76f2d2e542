"""Refusals that do not stand: they speak of the moment, and are forgotten soon."""

from __future__ import annotations

import time

from pyros_mqtt.journal import Entry
from pyros_mqtt.messages import Command, Report

COPIES = 1.0
"""Seconds within which copies of one command may arrive one after the other."""


class Lately:
    """Refusals of an agent that was not ready, or whose disk took nothing, for a second each.

    Copies of one command that are under way together get one answer; one that is sent again later
    is judged anew.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def note(self, command: Command, report: Report, now: float) -> None:
        """Remember a refusal."""
        self._entries = {key: e for key, e in self._entries.items() if e.until > now}
        self._entries[command.sender, command.id] = Entry(command, report, now + COPIES)

    def find(self, command: Command) -> Entry | None:
        """The refusal of this command, if it was a moment ago."""
        entry = self._entries.get((command.sender, command.id))
        return entry if entry is not None and entry.until > time.monotonic() else None
