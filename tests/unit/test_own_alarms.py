"""Alarms that an agent raises itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pyros_mqtt import Agent, AgentError, BadName, Failed, on
from pyros_mqtt.agent.alarms import own_alarms_file
from pyros_mqtt.alarms import Memory
from pyros_mqtt.loopback import Loopback
from pyros_mqtt.messages import Alarm
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from pyros_mqtt.wire import decode_alarm


class Dome(Agent):
    """Sticks."""

    @on("stick")
    def stick(self, severity: str = "critical") -> None:
        self.alarm("shutter", severity, "the shutter is stuck", value=12.5, unit="A")

    @on("free")
    def free(self) -> None:
        self.clear_alarm("shutter")


def settings(tmp_path: Path) -> Settings:
    return Settings(brokers=(), beat=0.2, root="stage", state_dir=tmp_path)


def shown(bus: Loopback) -> Alarm | None:
    payload = bus.retained(Topics("stage").alarm("dome", "shutter"))
    return decode_alarm(payload, "dome", "shutter") if payload else None


def state(bus: Loopback) -> str:
    alarm = shown(bus)
    return alarm.state.value if alarm else "normal"


def test_it_is_shown_acknowledged_and_over(tmp_path: Path) -> None:
    bus = Loopback()
    with Rehearsal(bus, settings(tmp_path)) as stage:
        stage.start(Dome(bus=bus, settings=stage.settings))
        stage.ask("dome", "free")
        assert state(bus) == "normal"
        stage.ask("dome", "stick")
        stage.wait_until(lambda: state(bus) == "raised")
        alarm = shown(bus)
        assert alarm is not None
        assert (alarm.text, alarm.value, alarm.about) == ("the shutter is stuck", 12.5, "dome")
        assert stage.ask("dome", "acknowledge", alarm="shutter", by="guide") == "acknowledged"
        assert stage.ask("dome", "acknowledge", alarm="shutter", by="guide") == "acknowledged"
        stage.ask("dome", "free")
        stage.wait_until(lambda: state(bus) == "normal")


def test_it_is_not_forgotten_by_a_restart(tmp_path: Path) -> None:
    bus = Loopback()
    with Rehearsal(bus, settings(tmp_path)) as stage:
        dome = stage.start(Dome(bus=bus, settings=stage.settings))
        stage.ask("dome", "stick")
        stage.ask("dome", "acknowledge", alarm="shutter", by="guide")
        dome.stop()
        assert dome.join(10)
        bus._retained.pop(Topics("stage").alarm("dome", "shutter"))
        stage.start(Dome(bus=bus, settings=stage.settings))
        stage.wait_until(lambda: state(bus) == "acknowledged")
        stage.ask("dome", "stick")
        assert state(bus) == "acknowledged"
        stage.ask("dome", "free")
        stage.wait_until(lambda: state(bus) == "normal")


def test_a_file_of_alarms_that_cannot_be_read_keeps_no_agent_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Memory) -> list[Alarm]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Memory, "load", fail)
    bus, there = Loopback(), settings(tmp_path)
    file = own_alarms_file(tmp_path, Topics("stage").client_id("dome"))
    file.parent.mkdir(parents=True)
    file.touch()
    with Rehearsal(bus, there) as stage:
        stage.start(Dome(bus=bus, settings=there))
        assert "dome: alarms cannot be read from the disk" in caplog.text
        stage.ask("dome", "stick")
        stage.wait_until(lambda: state(bus) == "raised")


def test_it_can_be_shelved(tmp_path: Path) -> None:
    bus = Loopback()
    with Rehearsal(bus, settings(tmp_path)) as stage:
        stage.start(Dome(bus=bus, settings=stage.settings))
        stage.ask("dome", "stick")
        assert stage.ask("dome", "shelve", alarm="shutter", seconds=0.2) == "shelved"
        stage.wait_until(lambda: state(bus) == "raised")
        with pytest.raises(Failed, match="at most a day"):
            stage.ask("dome", "shelve", alarm="shutter", minutes=2000)
        with pytest.raises(Failed, match="has raised no alarm 'dor'; known are shutter"):
            stage.ask("dome", "unshelve", alarm="dor")


def test_a_wrong_severity_or_name_is_told(tmp_path: Path) -> None:
    bus = Loopback()
    with Rehearsal(bus, settings(tmp_path)) as stage:
        dome = stage.start(Dome(bus=bus, settings=stage.settings))
        with pytest.raises(AgentError, match="one of warning, serious, critical, not 'bad'"):
            dome.alarm("shutter", "bad", "stuck")
        with pytest.raises(BadName):
            dome.alarm("Shutter!", "warning", "stuck")
