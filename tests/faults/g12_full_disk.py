"""G12: a full disk leaves the archive whole, and is told within 10 s.

A recorder's disk is filled to the last byte. Once there is room again, everything that was said is
in the archive, or counted as missing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from tests.faults.company import await_true
from tests.faults.harness import Figures, Harness, RunTrial, Setting, Trial
from tests.faults.record_site import PATIENCE, Site
from tests.faults.small_disk import SmallDisk
from tests.system.own_mosquitto import OwnMosquitto

MESSAGES = 300
"""Published in each trial."""

LARGE = "x" * 2000
"""A value with which memory is soon full."""

DISK = 16 * 2**20

TOLD = 10.0
"""Seconds within which the recorder has to say that it cannot write."""


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
        site.begin_heard(memory=1, disk=0)
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
        site.begin_heard()
        figures, broken = self._fill(site, disk)
        broken = broken or self._recovered(site, disk)
        if lost := site.account().missing:
            broken.append(f"{lost} messages are missing, for which there was room")
        return Trial(1, broken, figures)

    def _die(self, site: Site, disk: SmallDisk) -> Trial:
        """It is killed while the disk is full, and is started on it."""
        site.begin_heard()
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
        site.settle()
        return site.wounds() + site.unaccounted(site.account())


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


G12 = Harness(
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
