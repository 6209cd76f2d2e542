"""The recorder on real brokers and disks: nothing is lost that it does not tell of."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt import Sender
from pyros_mqtt.archive import Account, Archive
from pyros_mqtt.errors import ArchiveError
from pyros_mqtt.link import Brokers
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.transport import Delivery
from tests.system.device import until
from tests.system.own_postgres import OwnPostgres
from tests.system.pyros_command import REPOSITORY
from tests.system.raw_mqtt import RawClient

LOST_MORE = 10.0
"""Seconds within which the recorder has to say that it cannot write."""


class Bench:
    """Recorders in processes of their own, and a client that publishes and hears their status."""

    def __init__(self, url: BrokerUrl, root: str, folder: Path) -> None:
        self.url, self.root, self.folder = url, root, folder
        self.archive_url = f"sqlite:///{folder / 'archive.sqlite'}"
        self.client = RawClient(url, f"{root}-bench")
        self._latest: dict[str, Any] = {}
        self._ear = Brokers(Settings(brokers=(url,))).transport(f"{root}-ear")
        self._ear.subscribe(f"{root}/+/status", self._hear)
        self._ear.subscribe(f"{root}/+/telemetry/traffic", self._hear)
        self._ear.open()
        self.sent = 0
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str = "recorder", **options: Any) -> subprocess.Popen[bytes]:
        """Start a recorder, and wait until it listens and has written something."""
        words = ["run", "pyros_mqtt.recorder:Recorder", "--name", name]
        for key, value in {"archive": self.archive_url, **options}.items():
            words += ["-o", f"{key}={value}"]
        variables = {
            "PYROS_BROKERS": str(self.url),
            "PYROS_ROOT": self.root,
            "PYROS_BEAT": "1",
            "PYROS_STATE_DIR": str(self.folder / "state"),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "agents")]),
        }
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "pyros_mqtt", *words], env=os.environ | variables
        )
        self._processes.append(process)
        self._latest.clear()
        until(lambda: self.counts(name)["recorded"] > 0)
        return process

    def counts(self, name: str = "recorder") -> dict[str, Any]:
        """What a recorder has told last."""
        told = self._latest.get(f"{self.root}/{name}/telemetry/traffic")
        return told["v"] if told else {"recorded": 0}

    def state(self, name: str = "recorder") -> tuple[str, str]:
        """State and detail of a recorder's latest status."""
        told = self._latest.get(f"{self.root}/{name}/status", {})
        return told.get("state", ""), told.get("detail", "")

    def measure(self, count: int, agent: str = "dome") -> None:
        """Publish measurements, one after the other."""
        for _ in range(count):
            body = {"t": 1763841600.5 + self.sent, "v": 1.5, "seq": self.sent, "session": "a"}
            self.client.publish(
                f"{self.root}/{agent}/telemetry/azimuth", json.dumps(body).encode(), qos=1
            )
            self.sent += 1

    def account(self, agent: str = "dome") -> Account:
        """What the archive has of it."""
        with contextlib.suppress(ArchiveError), Archive(self.archive_url, root=self.root) as found:
            return found.account(agent, "azimuth")
        return Account()

    def has_more_than(self, messages: int) -> bool:
        """Whether the archive has more than so many of its messages."""
        return self.account().messages > messages

    def close(self) -> None:
        """End everything."""
        for one in self._processes:
            if one.poll() is None:
                one.kill()
            one.wait(10)
        self._ear.close()
        self.client.close()

    def _hear(self, delivery: Delivery) -> None:
        with contextlib.suppress(ValueError):
            self._latest[delivery.topic] = json.loads(delivery.payload)


@pytest.fixture
def bench(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(mosquitto_url, topic_root, tmp_path)
    yield made
    made.close()


def test_everything_that_passes_is_recorded(bench: Bench) -> None:
    bench.start()
    bench.measure(100)
    said = {
        "dome/status": b'{"state": "ready", "at": "2025-11-22T20:00:00.000Z"}',
        "dome/about": b"{}",
        "dome/inbox": b"close",
        "dome/outbox/ops": b'{"id": "1", "state": "done"}',
        "dome/alarm/rain": b'{"severity": "critical"}',
        "dome/log/info": b'{"text": "closed"}',
        "dome/telemetry/broken": b"{",
    }
    for topic, payload in said.items():
        bench.client.publish(f"{bench.root}/{topic}", payload, qos=1)

    def events() -> dict[str, bytes]:
        with Archive(bench.archive_url, root=bench.root) as archive:
            found = archive.events("dome")
            return {f"dome/{e.branch}/{e.leaf}".rstrip("/"): e.payload for e in found}

    until(lambda: bench.account().messages == 100)
    until(lambda: events() == said)


def test_two_recorders_of_the_same_write_each_message_once(bench: Bench) -> None:
    bench.start()
    bench.start("recorder-2")
    before = bench.account().messages
    bench.measure(500)
    until(lambda: bench.account().messages == 500)
    until(lambda: sum(bench.counts(name)["known"] for name in ("recorder", "recorder-2")) >= 500)
    assert before == 0
    assert (bench.account().samples, bench.account().missing) == (500, 0)


def test_recorders_share_the_agents(bench: Bench) -> None:
    agents = [f"agent-{number}" for number in range(6)]
    for agent in agents:
        bench.client.publish(f"{bench.root}/{agent}/status", b"ready", qos=1, retain=True)
    for number in (1, 2):
        bench.start(f"recorder-{number}", share=f"{number}/2")
    for agent in agents:
        bench.sent = 0
        bench.measure(20, agent)
    until(lambda: all(bench.account(agent).messages == 20 for agent in agents))
    known = [bench.counts(f"recorder-{number}")["known"] for number in (1, 2)]
    assert sum(known) < 20  # nothing was heard twice, but for their own first words


def test_a_recorder_that_is_killed_leaves_a_whole_archive(bench: Bench) -> None:
    for _ in range(3):
        process = bench.start()
        written = bench.account().messages
        bench.measure(300)
        until(partial(bench.has_more_than, written))
        bench.measure(300)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with Archive(bench.archive_url, root=bench.root) as archive:
            assert archive.troubles() == []
    account = bench.account()
    bench.start()
    bench.measure(1)
    until(lambda: bench.account().messages == account.messages + 1)
    account = bench.account()
    assert account.messages + account.missing == bench.sent


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(  # noqa: S603 - as installed
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],  # noqa: S607
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip("a small disk needs the right to mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S603, S607 - as installed


def test_a_full_disk_is_told_and_everything_is_written_afterwards(
    bench: Bench, small_disk: Path
) -> None:
    bench.archive_url = f"sqlite:///{small_disk / 'archive.sqlite'}"
    bench.start()
    bench.measure(50)
    until(lambda: bench.account().messages == 50)
    filling = small_disk / "filling"
    with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    bench.measure(500)
    began = time.monotonic()
    until(lambda: bench.state()[0] == "degraded", LOST_MORE)
    assert time.monotonic() - began < LOST_MORE
    assert "full" in bench.state()[1]
    filling.unlink()
    until(lambda: bench.state()[0] == "ready")
    until(lambda: bench.account().messages == 550)
    assert bench.account().missing == 0
    with Archive(bench.archive_url, root=bench.root) as archive:
        assert archive.troubles() == []


def test_what_has_no_room_is_counted(bench: Bench, small_disk: Path) -> None:
    bench.archive_url = f"sqlite:///{small_disk / 'archive.sqlite'}"
    bench.start(memory=1, disk=0)
    filling = small_disk / "filling"
    with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    bench.measure(5000)
    until(lambda: bench.counts()["dropped"] > 0)
    filling.unlink()
    until(lambda: bench.counts()["waiting"] == 0 and bench.state()[0] == "ready")
    bench.measure(1)
    until(lambda: bench.account().messages + bench.account().missing == bench.sent)
    assert bench.account().missing <= bench.counts()["dropped"]


def test_what_comes_while_the_server_is_away_waits_on_the_disk(bench: Bench) -> None:
    with OwnPostgres() as server:
        bench.archive_url = server.database()
        process = bench.start(memory=2)
        bench.measure(50)
        until(lambda: bench.account().messages == 50)
        server.kill()
        bench.measure(4000)
        until(lambda: bench.state()[0] == "degraded", LOST_MORE)
        spool = bench.folder / "state" / "record"
        until(lambda: any(spool.rglob("*.bundle")))
        until(lambda: bench.counts()["heard"] > bench.sent + 20)  # its own words are heard, too
        process.terminate()  # what waits outlives the recorder
        process.wait(20)
        server.start()
        bench.start(memory=1)
        until(lambda: bench.counts()["waiting"] == 0)
        until(lambda: bench.account().messages == bench.sent, 30)
        assert not any(spool.rglob("*.bundle"))


def test_a_server_that_hangs_is_told_and_everything_is_written_afterwards(bench: Bench) -> None:
    with OwnPostgres() as server:
        bench.archive_url = server.database()
        bench.start()
        bench.measure(50)
        until(lambda: bench.account().messages == 50)
        server.signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            bench.measure(50)
            until(lambda: bench.state()[0] == "degraded", LOST_MORE)
            assert time.monotonic() - began < LOST_MORE
        finally:
            server.signal(signal.SIGCONT)
        until(lambda: bench.account().messages == 100)
        until(lambda: bench.state()[0] == "ready")


def test_it_says_what_it_has_done(bench: Bench, all_told: Callable[[str], Any]) -> None:
    bench.start()
    assert all_told("recorder")["archive"] == bench.archive_url


@pytest.fixture
def all_told(bench: Bench) -> Callable[[str], Any]:
    def ask(name: str) -> Any:
        settings = Settings(brokers=(bench.url,), root=bench.root)
        with Sender("asker", settings=settings) as sender:
            return sender.ask(name, "counts", timeout=10)

    return ask
