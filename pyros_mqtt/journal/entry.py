"""What a journal remembers of one command, and what an agent asks of its journal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from pyros_mqtt.messages import JSON, Command, Report

REMEMBER = 3600.0
"""Seconds for which the end of a command without a deadline is remembered."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command and the latest that was reported of it; forgotten after POSIX second `until`.

    `left` is the seconds until its deadline by a clock that nobody sets; None where none tells.
    """

    command: Command
    report: Report
    until: float
    left: float | None = None

    def is_same_as(self, command: Command) -> bool:
        """Whether `command` is a repetition: same content, not only the same id."""
        mine = self.command
        return mine.message == command.message and _alike(mine.args, command.args)


def _alike(one: JSON, other: JSON) -> bool:
    """Equal as JSON is: Python also takes true for 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def keep_until(command: Command, report: Report, skew: float) -> float:
    """Until when a command has to be remembered, so that no repetition of it is taken for new.

    That is its deadline, the later one that its sender may have stated, and twice the `skew` by
    which clocks may differ; POSIX seconds.
    """
    ends = command.deadline if command.deadline is not None else report.at + REMEMBER
    return max(ends, command.stated or ends, report.at) + 2 * skew


Key = tuple[str, str]
"""A command's sender and id."""


class Journal(Protocol):
    """What an agent asks of its memory; every method may be called from any thread."""

    kind: str
    """How much it promises: shown in `about`."""

    def find(self, sender: str, command_id: str) -> Entry | None:
        """The entry of one command, if it is remembered."""

    def knows(self, sender: str, command_id: str) -> bool:
        """Say whether a command is remembered; quicker than `find`."""

    def accept(self, command: Command, report: Report) -> bool:
        """Note a command that seems new, with its first report; False where it cannot be.

        Whether it was new in the end is told by `commit`.
        """

    def write(self, command: Command, report: Report) -> None:
        """Note the latest report of a command."""

    def commit(self) -> Collection[Key]:
        """Make sure that what this thread has written outlives us, as far as this journal can.

        Gives the commands among the accepted ones that were here before: they stay as they were.

        Raises:
            JournalError: it does not, and is forgotten, all of it.
        """

    def check(self) -> None:
        """See whether anything can be noted.

        Raises:
            JournalError: it cannot.
        """

    def unfinished(self) -> list[Entry]:
        """What was accepted or running when the last life ended, oldest first."""

    def begin_life(self, boot: int) -> int:
        """A life begins, and takes the journal from any other.

        Args:
            boot: of this life, if it is above that of the last one; else it has the next higher.

        Gives the boot of the last life that used this journal; 0 where there was none.

        Raises:
            JournalInUse: the last life goes on in another process of this machine, at brokers
                where nobody can be told of this one.
            JournalError: that cannot be noted.
        """

    def is_taken_over(self) -> bool:
        """Say whether another life has begun in it since ours, which can note nothing more."""

    def close(self) -> None:
        """The agent stops."""
