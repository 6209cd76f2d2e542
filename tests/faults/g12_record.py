"""G12: the archive is whole after kill -9 of its recorder or its server.

Afterwards everything that was said is in the archive, or counted there as missing, and nothing is
missing that the recorder has claimed.
"""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pyros_mqtt.recorder.writer import GATHER
from tests.faults.harness import Harness, RunTrial, Setting, Trial
from tests.faults.processes import Process
from tests.faults.record_site import Site
from tests.system.own_mosquitto import OwnMosquitto
from tests.system.own_postgres import OwnPostgres
from tests.system.tcp_proxy import wait_out

MESSAGES = 300
"""Published in each trial."""

BEFORE = 150
"""Recorded in each trial before a transaction in which the recorder dies."""

LARGE = "x" * 2000
"""A value that fills pages."""

PAGE = 4096
"""Bytes of SQLite's pages; a transaction writes about one for each message."""


# -- kill -9 of the recorder ----------------------------------------------------------------------


class Yard:
    """One archive, whose recorder is killed again and again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.begin_heard()

    def trial(self, number: int) -> Trial:
        """Kill it at work, and look at what it leaves."""
        site, chance = self._site, random.Random(number)  # noqa: S311 - a seed
        missing = site.counted().missing
        kill = (self._kill_as_it_waits, self._kill_as_it_writes, self._kill_anywhere)[number % 3]
        claimed = kill(chance)
        broken = site.wounds() + site.overclaim(claimed)
        if broken:
            return Trial(1, broken)
        site.begin_heard()
        account = site.counted()
        lost = account.missing - missing
        return Trial(1, site.unaccounted(account), {"messages missing after a kill": float(lost)})

    def _kill_anywhere(self, chance: random.Random) -> int:
        timer = threading.Timer(chance.uniform(0, 0.8), self._site.recorder.kill)
        timer.start()
        self._site.measure(MESSAGES)
        timer.join()
        self._site.recorder.wait()
        return int(self._site.counts()["recorded"])

    def _kill_as_it_waits(self, _chance: random.Random) -> int:
        """Kill it while it waits with a transaction; what it claims cannot be of that."""
        with self._stalled() as claimed:
            self._site.recorder.kill()
        return claimed

    def _kill_as_it_writes(self, chance: random.Random) -> int:
        """Kill it in the midst of a transaction, which is a large one."""
        site = self._site
        share = chance.uniform(0.1, 1.2)
        with self._stalled() as claimed:
            enough = _written_by(site.recorder) + share * MESSAGES * PAGE
        deadline = time.monotonic() + 1.0
        while _written_by(site.recorder) < enough and time.monotonic() < deadline:
            wait_out(0.0001)
        site.recorder.kill()
        return claimed

    @contextlib.contextmanager
    def _stalled(self) -> Iterator[int]:
        """The recorder has much to write, has begun, and waits; gives what it claims to have."""
        site = self._site
        site.measure(BEFORE)
        site.until_listening()
        with site.stalled():
            site.measure(MESSAGES, value=LARGE)
            wait_out(3 * GATHER)
            yield int(site.ask("recorder", "counts")["recorded"])


def _written_by(process: Process) -> int:
    """Bytes that a process has written so far (`wchar` of proc(5))."""
    table = Path(f"/proc/{process.pid}/io").read_text().split()
    return int(table[table.index("wchar:") + 1])


@contextlib.contextmanager
def _kills(setting: Setting) -> Iterator[RunTrial]:
    with (
        OwnMosquitto(setting.folder) as broker,
        Site(setting, broker.url, "g12", setting.folder) as site,
    ):
        yield Yard(site).trial


# -- kill -9 of the server ------------------------------------------------------------------------


@contextlib.contextmanager
def _servers(setting: Setting) -> Iterator[RunTrial]:
    with (
        OwnMosquitto(setting.folder) as broker,
        OwnPostgres() as server,
        Site(setting, broker.url, "g12", setting.folder) as site,
    ):
        site.archive_url = server.database()
        site.begin_heard()

        def trial(number: int) -> Trial:
            chance = random.Random(number)  # noqa: S311 - a seed
            timer = threading.Timer(chance.uniform(0, 0.8), server.signal, (signal.SIGKILL,))
            timer.start()
            site.measure(MESSAGES)
            timer.join()
            wait_out(chance.uniform(0, 2.0))
            server.restart()
            site.settle()
            account = site.account()
            broken = site.unaccounted(account)
            if account.missing:
                broken.append(f"{account.missing} messages are missing, for which there was room")
            return Trial(1, broken)

        yield trial


KILLS = Harness(
    name="g12-kills",
    promise="G12",
    title="the archive is whole after kill -9, has what was claimed, and tells what it lacks",
    full=100,
    gate=3,
    mutants=("claims-before-commit", "archive-without-journal"),
    open=_kills,
)

SERVERS = Harness(
    name="g12-server-kills",
    promise="G12",
    title="a server that is killed loses nothing of the record",
    full=30,
    gate=0,  # too long for each change
    mutants=(),
    open=_servers,
    needs=("mosquitto", "postgres"),
)

HARNESSES = (KILLS, SERVERS)
