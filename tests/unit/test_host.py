"""The machine itself as telemetry, and its clock."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from pyros_mqtt import Agent, AgentError
from pyros_mqtt.telemetry import Channels, clock
from pyros_mqtt.telemetry.clock import Clock, clock_of, offset_of, read_clock
from pyros_mqtt.telemetry.host import CHANNELS, Host
from pyros_mqtt.testing import Rehearsal
from pyros_mqtt.topics import Topics
from tests.unit.hand_transport import HandTransport


def measured(folder: Path) -> tuple[dict[str, Any], Channels]:
    transport = HandTransport()
    channels = Channels("dome", Topics(), [])
    channels.connect(transport)
    Host(channels, 10, folder).measure()
    names = [parcel.topic.rsplit("/", 1)[1] for parcel in transport.sent]
    values = [body["v"] for body in transport.bodies()]
    return dict(zip(names, values, strict=True)), channels


def test_a_machine_tells_its_load_memory_and_disk(tmp_path: Path) -> None:
    values, channels = measured(tmp_path / "not" / "made" / "yet")
    assert values["host-load"] >= 0
    assert 0 < values["host-memory"] <= 100
    assert 0 <= values["host-disk"] <= 100
    assert channels.declared["host-disk"].unit == "%"


def test_it_tells_the_hottest_sensor_and_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"cpu": [SimpleNamespace(current=41.0), SimpleNamespace(current=55.5)], "disk": []}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: rows, raising=False)
    kept = Clock(0.0001, 0.002, is_kept=True)
    monkeypatch.setattr("pyros_mqtt.telemetry.host.read_clock", lambda: kept)
    values, _ = measured(tmp_path)
    assert list(values) == [channel.name for channel in CHANNELS]
    assert (values["host-temperature"], values["host-clock-offset"]) == (55.5, 0.0001)
    assert values["host-clock-error"] == 0.002


def test_what_a_machine_does_not_have_is_not_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    monkeypatch.setattr("pyros_mqtt.telemetry.host.read_clock", lambda: None)
    values, channels = measured(tmp_path)
    assert set(values) == set(channels.declared) == {"host-load", "host-memory", "host-disk"}


class Guard(Agent):
    """Watches the machine that it runs on."""

    def __init__(self, **options: Any) -> None:
        super().__init__("guard", **options)
        self.sample_host(every=0.02)


class LateGuard(Agent):
    """Begins with it in `work()`."""

    def work(self) -> None:
        self.sample_host()


@pytest.mark.parametrize(("kind", "name"), [(Guard, "guard"), (LateGuard, "late_guard")])
def test_one_line_in_an_agent_is_enough(kind: Any, name: str) -> None:
    with Rehearsal() as stage:
        stage.start(kind(bus=stage.bus))
        stage.wait_until(lambda: stage.latest(name, "host-memory") is not None)


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf")])
def test_an_impossible_pause_is_refused(every: float) -> None:
    with pytest.raises(AgentError, match="more than 0"):
        Guard().sample_host(every)


def test_without_psutil_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(AgentError, match=r"pip install 'pyros-mqtt\[host\]'"):
        Guard()


# -- the clock ------------------------------------------------------------------------------------


def test_the_kernel_says_how_far_the_clock_is_ahead() -> None:
    assert clock_of(0, 0x2001, -1_500_000, 20_000) == Clock(0.0015, 0.02, is_kept=True)
    assert clock_of(0, 0x0001, 1_500, 20_000) == Clock(-0.0015, 0.02, is_kept=True)


@pytest.mark.parametrize(("state", "status"), [(5, 0x2001), (0, 0x40), (5, 0x40)])
def test_a_clock_that_nobody_keeps_tells_nothing(state: int, status: int) -> None:
    assert clock_of(state, status, 0, 16_000_000) == Clock(None, None, is_kept=False)


def test_chrony_says_how_far_the_clock_is_ahead() -> None:
    line = "C0A80101,ntp.example,2,1763841600.1,-0.000012500,0.0001,0.0002,1.5,0.01,0.2,0.01,0.001"
    assert offset_of(line) == 0.0000125
    with pytest.raises((ValueError, IndexError)):
        offset_of("506 Cannot talk to daemon")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="adjtimex is Linux's")
def test_this_machines_clock_can_be_read() -> None:
    told = read_clock()
    assert told is None or told.is_kept == (told.error is not None)


def test_where_chrony_keeps_the_clock_its_word_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "chronyc"
    program.write_text("#!/bin/sh\necho 'C0A80101,ntp,2,1763841600.1,0.000250000,0,0,0'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(clock, "_kernel", lambda: Clock(0.0, 0.004, is_kept=True))
    assert read_clock() == Clock(-0.00025, 0.004, is_kept=True)
    program.write_text("#!/bin/sh\necho '506 Cannot talk to daemon'\nexit 1\n")
    assert read_clock() == Clock(0.0, 0.004, is_kept=True)
