"""What became of every command: by the reports that passed, and by the agents' journals.

Whoever listens misses what is said while the broker is down; the journals miss what never came to
an agent. Together they miss nothing: a command that is in no journal has never been accepted, and
will not be once its deadline has passed or its sender has ended.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pyros_mqtt import Command, Outcome, Report
from pyros_mqtt.errors import JournalError
from pyros_mqtt.journal import entries_in
from pyros_mqtt.traffic import Passing

NOT_TAKEN = "not taken"
"""The end of a command that no agent has accepted: its sender was told so, or is no more."""

LOOK = 0.5
"""Wall seconds between two looks into the journals, which keep what has ended for 10 s at least."""

_REFUSALS = frozenset({"not-ready", "conflict"})
"""Codes of refusals that say nothing of a command that was, or will be, accepted."""

Key = tuple[str, str, str]


@dataclass(slots=True)
class Account:
    """One command: what was heard of it.

    `at` is when it was first heard of, POSIX seconds; `ends` are its different terminal states;
    `is_open` says that the journal does not know of an end.
    """

    agent: str
    sender: str
    message: str
    at: float
    ends: set[Outcome] = field(default_factory=set)
    refused: Outcome | None = None
    was_accepted: bool = False
    is_open: bool = False

    @property
    def end(self) -> str | None:
        """The one end that it came to; None where there is none, or more than one."""
        if len(self.ends) == 1:
            return next(iter(self.ends)).value
        if self.ends or self.was_accepted:
            return None
        return self.refused.value if self.refused else NOT_TAKEN

    @property
    def is_undone(self) -> bool:
        """It has an end, and nobody knows that it was carried out."""
        return self.end in {"interrupted", "expired", "rejected", NOT_TAKEN}

    def __str__(self) -> str:
        """For people."""
        return f"{self.message} from {self.sender} to {self.agent}"


class Ledger:
    """Keeps an account of every command. Any thread may call."""

    def __init__(self, journals: Iterable[Path]) -> None:
        """Look into `journals`, which need not exist yet."""
        self._journals = tuple(journals)
        self._lock = threading.Lock()
        self._accounts: dict[Key, Account] = {}
        self._looked = 0.0

    def note(self, passing: Passing) -> None:
        """Take in what passed on the bus; commands without an id have a report that tells it."""
        what = passing.what
        if not isinstance(what, Command | Report) or not what.id:
            return
        with self._lock:
            account = self._account(
                passing.agent, passing.sender, what.id, what.message, passing.at
            )
            if isinstance(what, Report):
                _enter(account, what)

    def glance(self) -> None:
        """Look, unless that was done a moment ago; one thread may call."""
        if time.monotonic() - self._looked > LOOK:
            self._looked = time.monotonic()
            self.look()

    def look(self) -> None:
        """Take in what the journals know; often, since they forget what has ended a while ago."""
        for path in self._journals:
            try:
                entries = entries_in(path) if path.exists() else []
            except JournalError:  # it is being made, or locked: the next look will do
                continue
            with self._lock:
                for entry in entries:
                    command, report = entry.command, entry.report
                    at = command.sent_at or report.at
                    account = self._account(
                        command.agent, command.sender, command.id, command.message, at
                    )
                    account.is_open = not report.state.is_terminal
                    _enter(account, report)

    def has(self, agent: str, message: str, end: Outcome) -> bool:
        """Whether a command of this kind has come to this end."""
        return any(
            (each.agent, each.message) == (agent, message) and end in each.ends
            for each in self.accounts()
        )

    def accounts(self) -> list[Account]:
        """List all of them, in the order in which they were given."""
        with self._lock:
            return sorted(self._accounts.values(), key=lambda account: account.at)

    def ends(self) -> dict[str, int]:
        """Count the commands by their end."""
        counts = Counter(account.end for account in self.accounts())
        names = [*(state.value for state in Outcome if state.is_terminal), NOT_TAKEN]
        return {name: counts[name] for name in names}

    def given_again(self) -> int:
        """Count those that came to no good end, and were done when they were given again."""
        accounts = self.accounts()
        return sum(1 for one in accounts if one.is_undone and _was_done_after(one, accounts))

    def left_undone(self) -> list[str]:
        """Name those that came to no good end, and were not done later: nobody wanted it."""
        accounts = self.accounts()
        left = (one for one in accounts if one.is_undone and not _was_done_after(one, accounts))
        return [f"{one}: {one.end}" for one in left]

    def complaints(self) -> list[str]:
        """Name the commands that cannot be accounted for, and why."""
        return [
            f"{account}: {_why(account)}"
            for account in self.accounts()
            if account.end is None or account.is_open
        ]

    def _account(self, agent: str, sender: str, number: str, message: str, at: float) -> Account:
        return self._accounts.setdefault(
            (agent, sender, number), Account(agent, sender, message, at)
        )


def _enter(account: Account, report: Report) -> None:
    """Note a report; a refusal counts only where nothing else is ever heard."""
    code = report.error.code if report.error else ""
    if report.state is Outcome.REJECTED and code in _REFUSALS:
        account.refused = report.state
    elif report.state.is_terminal:
        account.ends.add(report.state)
    else:
        account.was_accepted = True


def _was_done_after(one: Account, accounts: list[Account]) -> bool:
    return any(
        (each.agent, each.message, each.end) == (one.agent, one.message, Outcome.DONE.value)
        and each.at > one.at
        for each in accounts
    )


def _why(account: Account) -> str:
    if len(account.ends) > 1:
        return f"it came to several ends: {', '.join(sorted(account.ends))}"
    if account.ends:
        return f"its journal does not know of its end, {next(iter(account.ends))}"
    return "it was accepted, and has no end"
