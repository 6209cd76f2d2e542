"""Whoever delivers what waits on the disk: its pauses, its end, and a disk that fails it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pyros_mqtt import Agent, Command, State, on
from pyros_mqtt.errors import SpoolError
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.sender import spool_path
from pyros_mqtt.sender.courier import AGAIN, ROUND, Courier
from pyros_mqtt.settings import Settings
from pyros_mqtt.spool import Spool
from pyros_mqtt.supervisor.keeper import Keeper
from pyros_mqtt.supervisor.supervisor import Supervisor
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Rehearsal]:
    with Rehearsal(settings=Settings(state_dir=tmp_path, journal="memory")) as one:
        yield one


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "waits.sqlite")


class Clock(Agent):
    """Wakes the dome, and keeps that on the disk."""

    def __init__(self, stage: Rehearsal) -> None:
        super().__init__("clock", bus=stage.bus, settings=stage.settings)

    @on("wake")
    def wake(self) -> str:
        return self.send_to("dome", "open", durable=True, ttl=600).state


# -- what an earlier life has left --------------------------------------------------------------


class Dome(Agent):
    """Counts how often it was opened."""

    def __init__(self, stage: Rehearsal) -> None:
        super().__init__("dome", bus=stage.bus, settings=stage.settings)
        self.opened = 0

    @on("open")
    def open(self) -> None:
        self.opened += 1


def spool_file(stage: Rehearsal) -> Path:
    return spool_path(stage.settings.state_dir, stage.settings.root)


def test_an_agent_that_is_started_again_delivers_what_its_earlier_life_has_left(
    stage: Rehearsal,
) -> None:
    clock = stage.start(Clock(stage))
    stage.ask("clock", "wake")
    clock.stop()
    assert clock.join(10)
    dome = stage.start(Dome(stage))
    assert dome.opened == 0
    stage.start(Clock(stage))
    stage.wait_until(lambda: dome.opened == 1)


def test_an_agent_needs_no_second_connection_for_what_others_have_left(stage: Rehearsal) -> None:
    with closing(Spool(spool_file(stage))) as left:
        left.put(Command("dome", "open", id="1", sender="ops", deadline=9e9), time.time(), 8e9)
    clock = stage.start(Clock(stage))
    assert clock._alive.desk._courier is None


# -- a spool that cannot be used ----------------------------------------------------------------


@pytest.fixture
def broken(tmp_path: Path) -> Settings:
    settings = Settings(state_dir=tmp_path, journal="memory")
    file = spool_path(settings.state_dir, settings.root)
    file.parent.mkdir(mode=0o700)
    file.write_text("this was a spool once, and something has written over it\n" * 20)
    return settings


TOLD = r"not a database; move it away.* Until that is mended and this process started anew"


def test_a_broken_spool_keeps_nobody_from_sending_and_no_agent_from_its_start(
    broken: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with Rehearsal(settings=broken) as stage:
        assert len(re.findall(TOLD, caplog.text)) == 1
        stage.start(Dome(stage))
        assert len(re.findall(TOLD, caplog.text)) == 2
        stage.ask("dome", "open")
        with pytest.raises(SpoolError, match="move it away"):
            stage.sender.send_to("dome", "open", durable=True)


def test_a_broken_spool_keeps_no_supervisor_from_starting_its_agents(
    broken: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started: list[str] = []
    monkeypatch.setattr(Keeper, "start", lambda keeper: started.append(keeper.name))
    table = {"dome": {"class": "pyros_agents.dome:Dome"}}
    supervisor = Supervisor(
        Settings(state_dir=broken.state_dir, agents=table, brokers="mqtt://127.0.0.1:1")
    )
    supervisor.start()
    supervisor.kill()
    assert started == ["dome"]
    assert re.search(TOLD, caplog.text)


# -- pauses -------------------------------------------------------------------------------------


def paused(spool: Spool) -> tuple[Courier, Command]:
    """A courier that has just met nobody, with a command of two hours ago."""
    wall = time.time()
    command = Command("dome", "open", id="1", sender="ops", deadline=wall + 600)
    spool.put(command, wall - 7200)
    courier = Courier(Loopback(), Topics(), spool)
    courier._again(command, "nobody listens")
    return courier, command


def test_a_command_that_is_dropped_while_it_pauses_is_not_looked_for_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyros_mqtt.sender.courier.AGAIN", 0.0)
    courier, command = paused(spool)
    spool.remove(command.id)
    assert courier._go_round() == ROUND
    courier.close()


def test_a_pause_is_not_longer_where_the_clock_is_set_back(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier, command = paused(spool)
    courier._go_round()
    assert command.id not in courier._under_way
    wall, clock = time.time(), time.monotonic()
    monkeypatch.setattr(time, "time", lambda: wall - 3600)
    monkeypatch.setattr(time, "monotonic", lambda: clock + AGAIN)
    courier._go_round()
    assert command.id in courier._under_way
    courier.close()


# -- the end ------------------------------------------------------------------------------------


def test_a_full_disk_does_not_break_the_goodbye_of_an_agent(
    stage: Rehearsal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = stage.start(Clock(stage))
    assert stage.ask("clock", "wake") == "sent"

    def full(_spool: Spool, _courier: str) -> None:
        raise SpoolError("the spool cannot be written: its disk is full")

    monkeypatch.setattr(Spool, "release", full)
    clock.stop()
    assert clock.join(10)
    stage.wait_until(lambda: stage.status("clock").state is State.STOPPED)
    assert "its disk is full; others deliver what we held in 5 s only" in caplog.text


def test_a_courier_that_cannot_end_well_closes_its_file_all_the_same(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = Courier(Loopback(), Topics(), spool)

    def broken(timeout: float = 2.0) -> None:
        raise OSError(timeout)

    monkeypatch.setattr(courier._transport, "close", broken)
    courier.close()
    with pytest.raises(SpoolError, match="closed"):
        spool.listing()
