"""The recorder on real brokers and disks: nothing is lost that it does not tell of."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pyros_mqtt.archive import Archive
from pyros_mqtt.settings import BrokerUrl
from tests.faults.small_disk import SmallDisk
from tests.system.device import until
from tests.system.own_postgres import OwnPostgres
from tests.system.recorder_bench import Bench

LOST_MORE = 10.0
"""Seconds within which the recorder has to say that it cannot write."""


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
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path / "disk", 2 * 2**20) as disk:
        yield disk


def test_a_full_disk_is_told_and_everything_is_written_afterwards(
    bench: Bench, small_disk: SmallDisk
) -> None:
    bench.archive_url = f"sqlite:///{small_disk.folder / 'archive.sqlite'}"
    bench.start()
    bench.measure(50)
    until(lambda: bench.account().messages == 50)
    small_disk.fill()
    bench.measure(500)
    until(lambda: bench.state()[0] == "degraded", LOST_MORE)
    assert "full" in bench.state()[1]
    small_disk.empty()
    until(lambda: bench.state()[0] == "ready")
    until(lambda: bench.account().messages == 550)
    assert bench.account().missing == 0
    with Archive(bench.archive_url, root=bench.root) as archive:
        assert archive.troubles() == []


def test_what_has_no_room_is_counted(bench: Bench, small_disk: SmallDisk) -> None:
    bench.archive_url = f"sqlite:///{small_disk.folder / 'archive.sqlite'}"
    bench.start(memory=1, disk=0)
    small_disk.fill()
    bench.measure(5000)
    until(lambda: bench.counts()["dropped"] > 0)
    small_disk.empty()
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
        with server.paused():
            bench.measure(50)
            until(lambda: bench.state()[0] == "degraded", LOST_MORE)
        until(lambda: bench.account().messages == 100)
        until(lambda: bench.state()[0] == "ready")


def test_it_says_what_it_has_done(bench: Bench) -> None:
    bench.start()
    assert bench.ask("recorder", "counts")["archive"] == bench.archive_url
