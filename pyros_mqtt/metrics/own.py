"""What an agent's process counts of itself: its commands, its journal, its connection.

All agents of one process share one server; each series carries the agent's name.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.messages import Command, Outcome, Report
from pyros_mqtt.metrics.bounds import Admission, Recent, label
from pyros_mqtt.metrics.families import Counter, Histogram, Registry
from pyros_mqtt.metrics.server import Server

if TYPE_CHECKING:
    from pyros_mqtt.journal import Entry, Journal, Key
    from pyros_mqtt.settings import Settings
    from pyros_mqtt.transport import Transport

log = logging.getLogger(__name__)

PORTS = 20
"""So many agents of one machine may share one setting: each process takes the next free port."""

MOST_MESSAGES = 200
"""So many messages have series of their own; the rest shares the message `other`."""

REMEMBERED = 10_000
"""Commands of which is known that they were counted."""

ACTION_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
COMMIT_SECONDS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class _Board:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.registry = registry = Registry()
        self.commands = Counter(
            "pyros_own_commands",
            "Commands of this process's agents, accepted and by how they ended",
            ["agent", "outcome"],
            registry=registry,
        )
        self.actions = Histogram(
            "pyros_own_action_seconds",
            "How long actions ran",
            ["agent", "message"],
            registry=registry,
            buckets=ACTION_SECONDS,
        )
        self.commits = Histogram(
            "pyros_own_journal_commit_seconds",
            "How long the journal took to keep a turn of work",
            ["agent"],
            registry=registry,
            buckets=COMMIT_SECONDS,
        )
        self.failures = Counter(
            "pyros_own_journal_failures",
            "Turns that the journal could not keep",
            ["agent"],
            registry=registry,
        )
        self.connections = Counter(
            "pyros_own_connections",
            "Connections to a broker that were made; all but the first are reconnections",
            ["agent"],
            registry=registry,
        )


class _Place:
    """The one server of this process, while an agent needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._server: Server | None = None
        self._board: _Board | None = None

    def enter(self, settings: Settings) -> _Board:
        """Serve; an agent that comes later joins where the first one is.

        Raises:
            SettingsError: nobody can listen there.
        """
        with self._lock:
            if self._board is None or self._server is None:
                board = _Board()
                port = settings.metrics_port
                self._server = Server(board.registry, settings.metrics_address, port, tries=PORTS)
                self._board = board
                log.info("metrics of this process are at %s", self._server.url)
            self._users += 1
            return self._board

    def leave(self) -> None:
        """One agent less."""
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._server is not None:
                self._server.close()
                self._server = self._board = None

    @property
    def url(self) -> str:
        """Where the process serves; empty where it does not."""
        with self._lock:
            return self._server.url if self._server else ""


place = _Place()


def observed(journal: Journal, name: str, transport: Transport, settings: Settings) -> Journal:
    """Count what agent `name` does, for as long as its journal is open.

    Metrics are no reason for an agent not to start: where they cannot be served, the log says so.
    """
    try:
        board = place.enter(settings)
    except SettingsError as error:
        log.error("%s: %s", name, error)  # noqa: TRY400 - it says all
        return journal
    connections = board.connections.labels(name)
    transport.on_state(lambda up: connections.inc() if up else None)
    return _Observed(journal, name, board)


class _Observed:
    """A journal that counts what passes through it; every command does. For any thread."""

    def __init__(self, journal: Journal, name: str, board: _Board) -> None:
        self.kind = journal.kind
        self._journal = journal
        self._name = name
        self._board = board
        self._commits = board.commits.labels(name)
        self._lock = threading.Lock()
        self._is_written = False
        self._began: Recent[tuple[str, str], float] = Recent(REMEMBERED)
        self._counted: Recent[tuple[str, str, Outcome], None] = Recent(REMEMBERED)
        self._messages: Admission[str] = Admission(MOST_MESSAGES)

    def find(self, sender: str, command_id: str) -> Entry | None:
        """The entry of one command, if it is remembered."""
        return self._journal.find(sender, command_id)

    def check(self) -> None:
        """As the journal."""
        self._journal.check()

    def knows(self, sender: str, command_id: str) -> bool:
        """As the journal."""
        return self._journal.knows(sender, command_id)

    def accept(self, command: Command, report: Report) -> bool:
        """Note a command that is new; False where it is remembered."""
        is_new = self._journal.accept(command, report)
        if is_new:
            self._count(command, report)
        return is_new

    def write(self, command: Command, report: Report) -> None:
        """Note the latest report of a command."""
        self._journal.write(command, report)
        self._count(command, report)

    def commit(self) -> Collection[Key]:
        """Make sure that what was written outlives us.

        Raises:
            JournalError: it does not.
        """
        is_written, self._is_written = self._is_written, False
        start = time.perf_counter()
        try:
            known = self._journal.commit()
        except BaseException:
            self._board.failures.labels(self._name).inc()
            raise
        if is_written:
            self._commits.observe(time.perf_counter() - start)
        return known

    def unfinished(self) -> list[Entry]:
        """What was accepted or running when the last life ended, oldest first."""
        return self._journal.unfinished()

    def begin_life(self, boot: int) -> int:
        """A life begins; gives the boot of the last one."""
        return self._journal.begin_life(boot)

    def is_taken_over(self) -> bool:
        """Say whether another life has begun in it."""
        return self._journal.is_taken_over()

    def close(self) -> None:
        """The agent stops, and is counted no more."""
        self._journal.close()
        place.leave()

    def _count(self, command: Command, report: Report) -> None:
        now = time.monotonic()
        key, state = (command.sender, command.id), report.state
        with self._lock:
            self._is_written = True
            if state is Outcome.RUNNING:
                self._began.note(key, now)
                return
            if not self._counted.note((*key, state), None):
                return  # owed to a full disk, and written once more
            began = self._began.take(key) if state.is_terminal else None
            is_known = began is None or self._messages.admits(label(command.message))
        self._board.commands.labels(self._name, state.value).inc()
        if began is not None:
            message = label(command.message) if is_known else "other"
            self._board.actions.labels(self._name, message).observe(now - began)
