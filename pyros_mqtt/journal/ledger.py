"""Ends of commands on their way into the journal; a full disk takes them later."""

from __future__ import annotations

import logging
import threading

from pyros_mqtt.condition import Condition
from pyros_mqtt.errors import JournalError
from pyros_mqtt.journal.entry import Journal
from pyros_mqtt.messages import Command, Report

log = logging.getLogger(__name__)

End = tuple[Command, Report]
"""A command and its terminal report."""

JOURNAL = "journal"
"""What a degraded agent complains of where its disk is full."""


class Ledger:
    """Notes what has come to its end, now or as soon as it can be; for any thread.

    What has been done cannot be undone because the disk is full: so an end is told, kept here, and
    noted later, while the agent shows that it is degraded.
    """

    def __init__(self, journal: Journal, condition: Condition) -> None:
        self._journal = journal
        self._condition = condition
        self._lock = threading.Lock()
        self._owed: dict[tuple[str, str], End] = {}
        self._held: list[End] = []
        self._suffers = False

    def note(self, command: Command, report: Report) -> None:
        """Note one end."""
        self.note_all([(command, report)])

    def note_all(self, ends: list[End]) -> None:
        """Note many ends in one transaction."""
        self._write(ends)
        try:
            self._journal.commit()
        except JournalError as error:
            self._owe(ends, error)

    def hold(self, command: Command, report: Report) -> None:
        """Write one end, to be noted by `release`; both are for the agent's thread alone."""
        self._journal.write(command, report)
        self._held.append((command, report))

    def release(self) -> tuple[list[End], JournalError | None]:
        """Note what is held, with all that this thread has written, in one transaction.

        Gives what was held, which can be told now, and why the disk did not take it, if it did
        not: then the ends are owed, and whatever else was written is forgotten.
        """
        held, self._held = self._held, []
        try:
            self._journal.commit()
        except JournalError as error:
            self._owe(held, error)
            return held, error
        return held, None

    @property
    def holds(self) -> bool:
        """Something waits to be noted."""
        return bool(self._held)

    def suffer(self, error: JournalError) -> None:
        """Show that the disk takes nothing, until `settle` finds that it does again."""
        self._suffers = True
        self._condition.degrade(str(error), JOURNAL)

    def settle(self) -> None:
        """Try again to note what is owed, or anything at all where the disk took nothing."""
        with self._lock:
            owed = list(self._owed.values())
        if not (owed or self._suffers):
            return
        self._write(owed)
        try:
            self._journal.commit()
            self._journal.check()
        except JournalError:
            return
        with self._lock:
            for command, report in owed:
                if self._owed.get((command.sender, command.id)) == (command, report):
                    del self._owed[command.sender, command.id]
            is_settled = not self._owed
        if is_settled:
            self._suffers = False
            self._condition.recover(JOURNAL)

    def _owe(self, ends: list[End], error: JournalError) -> None:
        if not ends:
            return
        log.error("%s", error)
        with self._lock:
            self._owed |= {(command.sender, command.id): (command, r) for command, r in ends}
        self.suffer(error)

    def _write(self, ends: list[End]) -> None:
        for command, report in ends:
            self._journal.write(command, report)
