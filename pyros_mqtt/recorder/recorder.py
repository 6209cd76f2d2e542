"""The recorder as an agent: what it hears goes to the archive; its status tells how that goes."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import Any

from pyros_mqtt.agent import Agent
from pyros_mqtt.archive import Store, archive_url, open_store
from pyros_mqtt.archive.moments import Nights
from pyros_mqtt.archive.place import checked, shown
from pyros_mqtt.dispatch import every, on
from pyros_mqtt.errors import ArchiveError, MissingExtra
from pyros_mqtt.messages import Channel
from pyros_mqtt.recorder.arrivals import Arrivals, Overflow
from pyros_mqtt.recorder.housekeeping import Housekeeper, Policy, reopen
from pyros_mqtt.recorder.intake import Intake, Rows
from pyros_mqtt.recorder.share import Ear, Share
from pyros_mqtt.recorder.writer import Counts, Writer
from pyros_mqtt.settings import Settings
from pyros_mqtt.settings.site import site_problems
from pyros_mqtt.topics import Topics
from pyros_mqtt.transport import Bus, Delivery, settings_for

MEMORY = 64
"""MiB of messages that wait in memory at most."""

DISK = 1024
"""MiB of messages that wait on the disk at most."""

AWAY = 2.0
"""Seconds without a broker that are worth a word."""

HOUSE_EVERY = 60.0
"""Seconds between two looks for nights that are over."""

DRAIN = 4.0
"""Seconds for what has come to be written, at the end."""


class Recorder(Agent):
    """Writes what passes on the bus into the archive.

    Args:
        archive: `sqlite:///path` or `postgresql://...`; by default as the settings say.
        share: `1/2` records the first half of the agents, `2/2` the others.
        memory: MiB of messages that may wait in memory while the archive is away.
        disk: MiB of messages that may wait on the disk.

    Raises:
        ArchiveError: the URL names no archive.
        AgentError: `share` is none.
    """

    channels = (
        Channel(
            "traffic",
            description="messages since the start, and what became of them",
            fields=("heard", *Counts().told(), "waiting"),
            rate=1,
        ),
    )

    def __init__(  # noqa: PLR0913 - each is an option
        self,
        name: str = "recorder",
        *,
        archive: str = "",
        share: str = "",
        memory: int = MEMORY,
        disk: int = DISK,
        bus: Bus | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        settings = settings or settings_for(bus)
        ears = bus
        if ears is None:
            from pyros_mqtt.link import Brokers

            bus, ears = Brokers(settings), Brokers(settings, lean=True)
        super().__init__(name, bus=bus, settings=settings, **options)
        self.url = checked(archive or archive_url(settings))
        self._nights = self._nights_of(settings)
        topics = Topics(settings.root)
        self._arrivals = Arrivals(memory * 2**20)
        folder = settings.state_dir / "record" / topics.client_id(name)
        self._writer = Writer(
            self._open_store,
            self._arrivals,
            Overflow(folder, disk * 2**20),
            Intake(topics, name),
            self._on_written,
        )
        start = f"{settings.root.replace('/', '-')}-record-{name}-{secrets.token_hex(3)}"
        self._ear = Ear(
            Share.of(share),
            topics,
            ears.transport(start),
            ears.transport(f"{start}-scout"),
            self._hear,
        )
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._up_at = time.monotonic()

    def _nights_of(self, settings: Settings) -> Nights:
        """Take the place from the settings; a wrong one is told, and costs no record."""
        if problem := next(site_problems(settings.observatory), None):
            self.log.error("nights are reckoned as at Greenwich: %s", problem)
            return Nights()
        return Nights.of(settings.observatory)

    def work(self) -> None:
        """Start to listen and to write."""
        self._ended.clear()
        self._thread = self.thread(self._write, name="writer")
        self.thread(self._keep_house, name="housekeeper")
        self._ear.open()

    def shutdown(self) -> None:
        """Write what has come; what the archive does not take waits on the disk."""
        self._ear.close()
        if self._thread is not None:
            self._thread.join(DRAIN)
        hangs = self._thread is not None and self._thread.is_alive()
        lost = self._writer.finish(0 if hangs else DRAIN)
        if lost:
            self.log.error("%d messages could not be written, and are lost", lost)

    @property
    def has_archive(self) -> bool:
        """The archive is open, and takes what is written."""
        return self._writer.is_open and not self._writer.trouble

    @on("counts", idempotent=True)
    def counts(self) -> dict[str, Any]:
        """Tell what became of the messages since the start, and where they go."""
        return {**self._told(), "archive": shown(self.url), "trouble": self._writer.trouble}

    @every(seconds=1)
    def report(self) -> None:
        """Publish the counts, and show what is wrong."""
        self._writer.watch()
        self.telemetry("traffic", dict(self._told()))
        waiting, dropped = self._writer.waiting, self._writer.dropped
        if trouble := self._writer.trouble:
            lost = f", {dropped} are lost" if dropped else ""
            self.degrade(f"{trouble}; {waiting} messages wait{lost}", "archive")
        else:
            self.recover("archive")
        now = time.monotonic()
        if not (away := self._ear.trouble):
            self._up_at = now
            self.recover("broker")
        elif now - self._up_at > AWAY:
            self.degrade(f"nothing is heard: {away}", "broker")

    def _told(self) -> dict[str, int]:
        writer = self._writer
        counts = {**writer.counts.told(), "dropped": writer.dropped}
        return {"heard": self._arrivals.heard, **counts, "waiting": writer.waiting}

    def _write(self) -> None:
        self._writer.run(self.stopping)

    def _keep_house(self) -> None:
        keeper = Housekeeper(
            self.name, self._settings.root, self._nights, Policy.of(self._settings)
        )
        while not self.stopping.wait(HOUSE_EVERY):
            try:
                with contextlib.closing(self._open_store()) as store:
                    keeper.look(store, time.time(), self.stopping.is_set)
            except ArchiveError as error:
                self.log.warning("the archive is not tidied up: %s", error)
            except MissingExtra as error:
                self.degrade(f"no down-sampling: {error}", "housekeeping")
                return

    def _hear(self, delivery: Delivery) -> None:
        self._arrivals.put(delivery.topic, delivery.payload, retain=delivery.retain)

    def _open_store(self) -> Store:
        return open_store(self.url)

    def _on_written(self, rows: Rows, store: Store) -> None:
        """Let housekeeping look again at nights that something has come late for."""
        reopen(self._nights, self._settings.root, [row.t for row in rows.samples], store)
