"""A recorded span said again under another root."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyros_mqtt.archive import Archive, open_store
from pyros_mqtt.errors import ArchiveError, BadName
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.replay import Replay
from pyros_mqtt.transport import Delivery
from pyros_mqtt.wire import from_rfc3339
from tests.system.archive_filling import EVENING, fill
from tests.system.device import until

STATUS = {"state": "ready", "at": "2025-11-22T20:00:00.000Z"}
COMMAND = {"message": "open", "sent_at": "2025-11-22T20:00:01.000Z"}
STEADY = {"t0": EVENING + 2, "dt": 0.5, "v": {"x": [1, 2], "s": ["a", "b"]}, "q": ["good", "bad"]}
SINGLE = {"t": EVENING + 3, "v": 1.5, "seq": 4}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    store = open_store(url)
    fill(
        store,
        ("dome/telemetry/azimuth", SINGLE),
        ("dome/telemetry/mix", STEADY),
        ("dome/inbox", COMMAND),
        ("dome/status", STATUS),
    )
    store.close()
    with Archive(url) as made:
        yield made


@pytest.fixture
def heard() -> list[tuple[str, object]]:
    return []


@pytest.fixture
def bus(heard: list[tuple[str, object]]) -> Iterator[Loopback]:
    made = Loopback()

    def hear(delivery: Delivery) -> None:
        body = json.loads(delivery.payload) if delivery.payload else None
        heard.append((delivery.topic, body))

    ear = made.transport("ear")
    ear.subscribe("again/#", hear)
    ear.open()
    until(lambda: ear.is_up)
    yield made
    ear.close()


def play(archive: Archive, bus: Loopback, *, commands: bool = False) -> int:
    player = Replay(archive, bus, "again", speed=1000, commands=commands)
    return player.play(EVENING, EVENING + 60, threading.Event()).said


def test_everything_is_said_in_its_order_but_commands(
    archive: Archive, bus: Loopback, heard: list[tuple[str, object]]
) -> None:
    assert play(archive, bus) == 3
    until(lambda: len(heard) == 4)
    status = heard[0][1]
    assert isinstance(status, dict)
    assert from_rfc3339(status["at"]) == pytest.approx(time.time(), abs=60)  # no clock is off
    status["at"] = STATUS["at"]
    batch = {"t": [EVENING + 2, EVENING + 2.5], "v": {"x": [1.0, 2.0], "s": ["a", "b"]}}
    assert heard == [
        ("again/dome/status", STATUS),
        ("again/dome/telemetry/mix", batch | {"q": ["good", "bad"]}),
        ("again/dome/telemetry/azimuth", SINGLE),
        ("again/dome/status", None),  # taken back
    ]
    assert bus.retained("again/dome/status") is None


def test_commands_are_said_where_it_is_asked_for(
    archive: Archive, bus: Loopback, heard: list[tuple[str, object]]
) -> None:
    assert play(archive, bus, commands=True) == 4
    until(lambda: ("again/dome/inbox", COMMAND) in heard)


def test_no_record_is_replayed_where_machines_listen(archive: Archive, bus: Loopback) -> None:
    with pytest.raises(ArchiveError, match="another root"):
        Replay(archive, bus, "pyros")
    with pytest.raises(BadName):
        Replay(archive, bus, "a/#")
    with pytest.raises(ArchiveError, match="speed"):
        Replay(archive, bus, "again", speed=0)


def test_it_ends_when_it_is_told_to(archive: Archive, bus: Loopback) -> None:
    stopping = threading.Event()
    stopping.set()
    assert Replay(archive, bus, "again").play(EVENING, EVENING + 60, stopping).said == 0
