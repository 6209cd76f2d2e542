"""G12: the archive is whole after kill -9 and after a full disk, and what it lacks is told.

The recorder is killed while it writes, its disk is filled to the last byte, and its server is
killed. Afterwards everything that was said is in the archive, or counted there as missing, and
nothing is missing that the recorder has claimed.
"""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pyros_mqtt.archive import Account
from pyros_mqtt.recorder.writer import GATHER
from tests.faults.company import await_true
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.faults.processes import Process
from tests.faults.record_site import PATIENCE, Site
from tests.faults.small_disk import SmallDisk
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

DISK = 16 * 2**20

TOLD = 10.0
"""Seconds within which the recorder has to say that it cannot write."""


def _unaccounted(site: Site, account: Account) -> list[str]:
    """Compare what was published with what is there and what is known to be missing."""
    if account.messages + account.missing == site.sent:
        return []
    there = f"{account.messages} are recorded and {account.missing} known to be missing"
    return [f"{site.sent} messages were published, {there}"]


def _begin(site: Site, **options: int) -> None:
    """Start a recorder, and let a message be recorded from which on the missing are known."""
    site.begin(**options)
    site.until_listening()
    _settle(site)


def _settle(site: Site) -> None:
    """Let a last message be recorded, after which nothing is under way."""
    site.measure(1)
    site.until_listening()


# -- kill -9 of the recorder ----------------------------------------------------------------------


class Yard:
    """One archive, whose recorder is killed again and again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        _begin(site)

    def trial(self, number: int) -> Trial:
        """Kill it at work, and look at what it leaves."""
        site, chance = self._site, random.Random(number)  # noqa: S311 - a seed
        missing = site.counted().missing
        kill = (self._kill_as_it_waits, self._kill_as_it_writes, self._kill_anywhere)[number % 3]
        claimed = kill(chance)
        broken = site.wounds() + site.overclaim(claimed)
        if broken:
            return Trial(1, broken)
        _begin(site)
        account = site.counted()
        lost = account.missing - missing
        return Trial(1, _unaccounted(site, account), {"messages missing after a kill": float(lost)})

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


# -- a full disk ----------------------------------------------------------------------------------


class Cellar:
    """Recorders on small disks; one a trial."""

    def __init__(self, setting: Setting, broker: OwnMosquitto) -> None:
        self._setting = setting
        self._broker = broker

    def trial(self, number: int) -> Trial:
        """Fill a recorder's disk, and make room again."""
        trouble = (self._overflow, self._wait, self._die)[number % 3]
        folder = self._setting.folder / f"full-{number}"
        # every other time the recorder's own memory of what waits is on the same disk
        with SmallDisk(folder / "disk", DISK) as disk:
            state = disk.folder if number // 3 % 2 else None
            root = f"g12-{number}"
            with Site(self._setting, self._broker.url, root, folder, state) as site:
                site.archive_url = f"sqlite:///{disk.folder / 'archive.sqlite'}"
                return trouble(site, disk)

    def _overflow(self, site: Site, disk: SmallDisk) -> Trial:
        """What comes meanwhile has no room: what is missing is counted."""
        _begin(site, memory=1, disk=0)
        figures, broken = self._fill(site, disk)
        site.measure(2 * 2**20 // len(LARGE), value=LARGE)
        broken = broken or self._recovered(site, disk)
        if not broken:
            counts, lost = site.ask("recorder", "counts"), site.account().missing
            if not 0 < lost <= counts["dropped"]:
                broken = [f"{lost} messages are missing, and it counts {counts['dropped']}"]
        return Trial(1, broken, figures)

    def _wait(self, site: Site, disk: SmallDisk) -> Trial:
        """What comes meanwhile has room in memory: nothing is missing."""
        _begin(site)
        figures, broken = self._fill(site, disk)
        broken = broken or self._recovered(site, disk)
        if lost := site.account().missing:
            broken.append(f"{lost} messages are missing, for which there was room")
        return Trial(1, broken, figures)

    def _die(self, site: Site, disk: SmallDisk) -> Trial:
        """It is killed while the disk is full, and is started on it."""
        _begin(site)
        figures, broken = self._fill(site, disk)
        site.recorder.kill()
        assert await_true(lambda: site.state()[0] == "lost", PATIENCE)
        broken += site.wounds()
        site.begin()
        broken += _untold(site)
        broken = broken or self._recovered(site, disk)
        return Trial(1, broken, figures)

    def _fill(self, site: Site, disk: SmallDisk) -> tuple[Figures, list[str]]:
        disk.fill()
        began = time.monotonic()
        site.measure(MESSAGES)
        broken = _untold(site)
        return {"degraded on a full disk": time.monotonic() - began}, broken

    def _recovered(self, site: Site, disk: SmallDisk) -> list[str]:
        """Make room, and look whether all is well."""
        disk.empty()
        if not site.recorder.is_alive:  # it could not even note that it lives
            site.begin()
        if not await_true(lambda: site.state()[0] == "ready", PATIENCE):
            return [f"with room again it is still {site.state()}"]
        site.until_listening()
        _settle(site)
        return site.wounds() + _unaccounted(site, site.account())


def _untold(site: Site) -> list[str]:
    """Wait until a full disk is told; where its own state is there, it may refuse to start."""

    def is_told() -> bool:
        told = site.state()[0]
        return told == "degraded" or (told == "lost" and not site.recorder.is_alive)

    if await_true(is_told, TOLD):
        return []
    return [f"its disk is full, and {TOLD:g} s later it is still {site.state()}"]


@contextlib.contextmanager
def _full_disks(setting: Setting) -> Iterator[RunTrial]:
    with OwnMosquitto(setting.folder) as broker:
        yield Cellar(setting, broker).trial


# -- kill -9 of the server ------------------------------------------------------------------------


@contextlib.contextmanager
def _servers(setting: Setting) -> Iterator[RunTrial]:
    with (
        OwnMosquitto(setting.folder) as broker,
        OwnPostgres() as server,
        Site(setting, broker.url, "g12", setting.folder) as site,
    ):
        site.archive_url = server.database()
        _begin(site)

        def trial(number: int) -> Trial:
            chance = random.Random(number)  # noqa: S311 - a seed
            timer = threading.Timer(chance.uniform(0, 0.8), server.signal, (signal.SIGKILL,))
            timer.start()
            site.measure(MESSAGES)
            timer.join()
            wait_out(chance.uniform(0, 2.0))
            server.restart()
            _settle(site)
            account = site.account()
            broken = _unaccounted(site, account)
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

FULL_DISKS = Harness(
    name="g12-full-disk",
    promise="G12",
    title="a full disk is told within 10 s; afterwards everything is written or counted",
    full=60,
    gate=1,
    mutants=("never-degraded", "gives-up-what-it-cannot-write", "loses-beyond-its-room"),
    open=_full_disks,
    limits={"degraded on a full disk": (100, TOLD)},
    needs=("mosquitto", "tmpfs"),
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

HARNESSES = (KILLS, FULL_DISKS, SERVERS)
