"""A bench on which recorders and what they record are killed and started again in no time."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from pyros_mqtt.archive import Account, Archive
from pyros_mqtt.archive.accounting import account_of
from pyros_mqtt.archive.rows import Counted
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.settings import BrokerUrl
from tests.faults.company import await_true
from tests.faults.harness import Setting
from tests.faults.processes import Process, environment
from tests.system.raw_mqtt import RawClient
from tests.system.recorder_bench import FIRST, Bench

PATIENCE = 30.0
"""Seconds in which a recorder hears and writes again, on a machine with much other work."""

_ROWS = "SELECT (SELECT count(*) FROM samples) + (SELECT count(*) FROM events)"

_MARKS = "SELECT count(*) FROM samples JOIN sources ON source = id WHERE leaf = ?"

_COUNTED = (
    "SELECT t, life, seq, ahead, n FROM samples JOIN sources ON source = id "
    "WHERE leaf = 'azimuth' ORDER BY life, seq, t"
)


class Site(Bench):
    """A bench whose processes are forks of a build.

    Args:
        state: the folder of the recorder's state; by default beside the archive.
    """

    def __init__(
        self, setting: Setting, url: BrokerUrl, root: str, folder: Path, state: Path | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(url, root, folder)
        self._setting = setting
        self._state = state or folder / "state"
        self._marks = itertools.count()
        self._forks: list[Process] = []
        self._recorder: Process | None = None
        self._before = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def file(self) -> Path:
        """The archive, where it is a file."""
        return Path(self.archive_url.removeprefix("sqlite:///"))

    @property
    def recorder(self) -> Process:
        """The one that records now."""
        assert self._recorder is not None
        return self._recorder

    def fork(self, url: BrokerUrl, *words: str, **more: str) -> Process:
        """Start a process under test, on the way to the broker that `url` names."""
        variables = environment(self._setting, url, self.root, self._state / words[0], **more)
        process = Process(variables, *words)
        self._forks.append(process)
        return process

    def begin(self, **options: Any) -> None:
        """Start the recorder; returns at once."""
        self._before = self.rows()
        self._latest.pop(f"{self.root}/recorder/telemetry/traffic", None)
        words = json.dumps({"archive": self.archive_url, **options})
        self._recorder = self.fork(self.url, "recorder", "recorder", words)

    def until_listening(self) -> None:
        """Wait until what is said now is recorded, and all that was said before has been."""
        number = next(self._marks)

        def is_heard() -> bool:
            with RawClient(self.url) as client:
                body = json.dumps({"t": FIRST + number, "v": number}).encode()
                client.publish(f"{self.root}/mark/telemetry/mark-{number}", body, qos=1)
            return self._has_mark(number)

        if not await_true(is_heard, PATIENCE):
            lives = "lives" if self.recorder.is_alive else "has ended"
            raise AssertionError(f"nothing is recorded; the recorder {lives}, {self.state()}")

    def begin_heard(self, **options: int) -> None:
        """Start the recorder, and let a message be recorded from which on the missing are known."""
        self.begin(**options)
        self.until_listening()
        self.settle()

    def settle(self) -> None:
        """Let a last message be recorded, after which nothing is under way."""
        self.measure(1)
        self.until_listening()

    def unaccounted(self, account: Account) -> list[str]:
        """Compare what was published with what is there and what is known to be missing."""
        if account.messages + account.missing == self.sent:
            return []
        there = f"{account.messages} are recorded and {account.missing} known to be missing"
        return [f"{self.sent} messages were published, {there}"]

    def moment(self) -> float:
        """The time of the next measurement: anywhere among the others, so that pages are split."""
        return FIRST + self.sent * 61_803 % 100_000

    def rows(self) -> int:
        """How many messages the archive has."""
        return self._count(_ROWS)

    def counted(self) -> Account:
        """The account of what was measured, without `Archive`, which would change the file."""
        with contextlib.closing(sqlite3.connect(self.file, timeout=PATIENCE)) as db:
            return account_of(itertools.starmap(Counted, db.execute(_COUNTED)))

    def _has_mark(self, number: int) -> bool:
        if self.archive_url.startswith("sqlite:"):
            return self._count(_MARKS, f"mark-{number}") > 0
        return self.account("mark", f"mark-{number}").messages > 0

    def _count(self, query: str, *values: str) -> int:
        if not self.file.exists():
            return 0
        with contextlib.closing(sqlite3.connect(self.file, timeout=PATIENCE)) as db:
            try:
                ((count,),) = db.execute(query, values).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    raise
                return 0  # it has not been made yet
        return int(count)

    def wounds(self) -> list[str]:
        """What is wrong with the archive as it is."""
        try:
            with contextlib.closing(sqlite3.connect(self.file, timeout=PATIENCE)) as db:
                told = [str(row[0]) for row in db.execute("PRAGMA integrity_check")]
            found = [] if told == ["ok"] else [f"integrity check: {told[0]} ({len(told)} lines)"]
            with Archive(self.archive_url, root=self.root) as archive:
                found += [f"trouble: {line}" for line in archive.troubles()[:1]]
                for agent, channel in archive.channels():
                    archive.read(agent, channel)
                for _ in archive.events():
                    pass
        except (ArchiveError, sqlite3.Error) as error:
            return [f"the archive cannot be read: {error}"]
        return found

    def overclaim(self, recorded: int) -> list[str]:
        """Compare what a recorder has claimed to have recorded with what is there after it."""
        there = self.rows() - self._before
        if recorded > there:
            return [f"it said that {recorded} messages were recorded, and {there} are there"]
        return []

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing can be written for the while of a block."""
        with contextlib.closing(sqlite3.connect(self.file, isolation_level=None)) as db:
            db.execute("PRAGMA busy_timeout=5000")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                db.execute("ROLLBACK")

    def close(self) -> None:
        """End everything."""
        for one in self._forks:
            one.kill()
        super().close()
