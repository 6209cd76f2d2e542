"""The writer over a store that fails as it is told to."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from pyros_mqtt.archive import Store, open_store
from pyros_mqtt.errors import AgentError, ArchiveError
from pyros_mqtt.recorder import Recorder
from pyros_mqtt.recorder import writer as writer_room
from pyros_mqtt.recorder.arrivals import Arrivals, Overflow
from pyros_mqtt.recorder.intake import Intake
from pyros_mqtt.recorder.share import Share
from pyros_mqtt.recorder.writer import Writer
from pyros_mqtt.settings import BrokerUrl, Settings
from pyros_mqtt.topics import Topics


class Desk:
    """A writer on a real store, which can be taken away."""

    def __init__(self, folder: Path, *, memory: int = 10**6, disk: int = 10**6) -> None:
        self.url = f"sqlite:///{folder / 'archive.sqlite'}"
        self.arrivals = Arrivals(memory)
        self.folder = folder / "waiting"
        self.overflow = Overflow(self.folder, disk)
        self.is_away = False
        intake = Intake(Topics(), "recorder")
        self.writer = Writer(
            self._open, self.arrivals, self.overflow, intake, lambda _rows, _store: None
        )
        self.stopping = threading.Event()

    def _open(self) -> Store:
        if self.is_away:
            raise ArchiveError("it is away")
        return open_store(self.url)

    def hear(self, *numbers: int) -> None:
        for number in numbers:
            body = {"t": 5.5 + number, "v": 1.5, "seq": number, "session": "a"}
            payload = json.dumps(body).encode()
            self.arrivals.put("pyros/dome/telemetry/azimuth", payload, retain=False)

    @property
    def rows(self) -> int:
        store = open_store(self.url)
        try:
            numbers = store.sources("pyros").values()
            return sum(len(list(store.accounts(one, -(2**62), 2**62))) for one in numbers)
        finally:
            store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_has_come_is_written_at_the_end(desk: Desk) -> None:
    desk.hear(*range(2000))
    assert desk.writer.finish(10) == 0
    assert desk.rows == desk.writer.counts.recorded == 2000


def test_what_the_archive_does_not_take_waits_on_the_disk(desk: Desk) -> None:
    desk.is_away = True
    desk.hear(*range(10))
    assert desk.writer.finish(5) == 0
    assert desk.writer.trouble == "it is away"
    assert len(desk.overflow) == 10
    desk.is_away = False
    desk.hear(10)
    assert desk.writer.finish(5) == 0
    assert (desk.rows, desk.writer.trouble, len(desk.overflow)) == (11, "", 0)


def test_memory_that_gets_full_is_laid_on_the_disk(tmp_path: Path) -> None:
    desk = Desk(tmp_path, memory=20_000)
    desk.is_away = True
    desk.hear(*range(40))
    thread = threading.Thread(target=desk.writer.run, args=(desk.stopping,))
    thread.start()
    sent = 40
    while not len(desk.overflow) and sent < 1000:
        desk.hear(sent)
        sent += 1
        desk.stopping.wait(0.05)
    desk.stopping.set()
    thread.join()
    assert len(desk.overflow) >= 40
    assert desk.writer.waiting + desk.writer.dropped == sent


def test_what_no_room_is_left_for_is_counted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, memory=2000, disk=0)
    desk.is_away = True
    desk.hear(*range(100))
    waiting = len(desk.arrivals)
    assert desk.writer.dropped == 100 - waiting
    assert desk.writer.finish(1) == waiting
    assert desk.writer.dropped == 100


def test_what_cannot_be_read_from_the_disk_now_is_told_and_written_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def read_all_but_one(file: Path) -> bytes:
        if file.name.startswith("000000000001-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(file)

    for number in range(2):
        desk.hear(2 * number, 2 * number + 1)
        assert desk.overflow.put(desk.arrivals.take(2))
    desk.hear(4)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read_all_but_one)
        desk.writer.finish(10)
        assert desk.writer.trouble == "what waits on the disk cannot be read: [Errno 5] " + (
            os.strerror(errno.EIO)
        )
        assert (desk.rows, len(desk.overflow), desk.writer.dropped) == (3, 2, 0)
    desk.writer.finish(10)
    assert (desk.rows, desk.writer.trouble, desk.writer.dropped) == (5, "", 0)


def test_what_an_earlier_life_has_left_is_found_later_where_it_cannot_be_looked_for_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = Desk(tmp_path)
    earlier.hear(0, 1)
    assert earlier.overflow.put(earlier.arrivals.take(2))

    def no_list(_folder: Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", no_list)
        desk = Desk(tmp_path)
        desk.hear(2, 3)
        assert not desk.overflow.put(desk.arrivals.take(2)), "it would take the other's name"
        desk.hear(4)
        desk.writer.finish(10)
        assert "Too many open files" in desk.writer.trouble
        assert desk.rows == 1
    desk.hear(5)
    desk.writer.finish(10)
    assert (desk.rows, desk.writer.trouble, len(desk.overflow)) == (4, "", 0)


def test_a_broken_bundle_is_dropped_and_counted(desk: Desk) -> None:
    desk.hear(*range(3))
    assert desk.overflow.put(desk.arrivals.take(3))
    (file,) = desk.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-10])
    desk.hear(3)
    desk.writer.finish(10)
    assert (desk.rows, len(desk.overflow), desk.writer.dropped) == (1, 0, 3)
    assert not list(desk.folder.iterdir())


def test_one_message_that_is_refused_keeps_no_other_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Intake.rows

    def refuse(self: Intake, arrivals: list[object], register: Store) -> object:
        if any(b'"seq": 7,' in one.payload for one in arrivals):  # type: ignore[attr-defined]
            raise RuntimeError("unforeseen")
        return rows(self, arrivals, register)  # type: ignore[arg-type]

    monkeypatch.setattr(Intake, "rows", refuse)
    desk.hear(*range(20))
    desk.writer.finish(5)
    assert (desk.rows, desk.writer.dropped) == (19, 1)


def test_a_write_that_hangs_is_told_and_broken_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_room, "SLOW", 0.0)
    monkeypatch.setattr(writer_room, "HUNG", 0.0)
    hanging, broken_off = threading.Event(), threading.Event()

    class Hanging:
        def give_up(self) -> None:
            broken_off.set()

        def close(self) -> None:
            pass

        def together(self) -> object:
            hanging.set()
            assert broken_off.wait(10)
            raise ArchiveError("broken off")

    intake = Intake(Topics(), "recorder")
    opener = cast("Callable[[], Store]", Hanging)
    writer = Writer(opener, desk.arrivals, desk.overflow, intake, lambda _rows, _store: None)
    desk.hear(1)
    thread = threading.Thread(target=writer.finish, args=(0.1,))
    thread.start()
    assert hanging.wait(10)
    assert "has not answered" in writer.trouble
    writer.watch()
    thread.join(10)
    assert len(desk.overflow) == 1


def test_what_is_no_archive_or_no_share_is_told_before_the_start() -> None:
    settings = Settings(brokers=(BrokerUrl("mqtt", "127.0.0.1", 1),))
    with pytest.raises(ArchiveError, match="is no archive"):
        Recorder(archive="mysql://host/db", settings=settings)
    with pytest.raises(AgentError, match="which part of how many"):
        Recorder(share="3/2", settings=settings)


def test_each_agent_falls_into_one_share() -> None:
    shares = [Share.of(f"{number}/3") for number in (1, 2, 3)]
    for agent in ("dome", "camera", "weather", "telescope"):
        assert sum(share.has(agent) for share in shares) == 1
    assert Share.of("").has("dome")
