"""The stage for those who write agents."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt import ActionFailed, Agent, Channel, Failed, NobodyListens, Sender, State, every, on
from pyros_mqtt.settings import Settings
from pyros_mqtt.testing import Rehearsal
from tests.unit.stranger import Stranger


class Dome(Agent):
    """Opens."""

    channels = (Channel("azimuth", unit="deg"),)

    def __init__(self, **options: Any) -> None:
        super().__init__("dome", **options)

    @on("open")
    def open(self, side: str = "west") -> str:
        return f"open to the {side}"

    @on("fail")
    def fail(self) -> None:
        raise ActionFailed("stuck")

    @every(seconds=0.05)
    def measure(self) -> None:
        self.telemetry("azimuth", 182.4)


@pytest.fixture
def settings() -> Settings:
    return Settings(brokers=(), beat=0.2, root="stage")


def test_an_agent_can_be_asked_and_watched(settings: Settings) -> None:
    with Rehearsal(settings=settings) as stage:
        dome = stage.start(Dome(bus=stage.bus, settings=settings))
        assert stage.ask("dome", "open", side="east") == "open to the east"
        receipt = stage.send("dome", "open")
        assert receipt.result(5) == "open to the west"
        with pytest.raises(Failed, match="stuck"):
            stage.ask("dome", "fail")
        stage.wait_until(lambda: stage.latest("dome", "azimuth") == 182.4)
        assert stage.status("dome").state is State.READY
        assert [r.state.value for r in stage.reports][:2] == ["accepted", "done"]
        assert dome.is_alive
    assert not dome.is_alive


def test_what_has_not_been_seen_is_told(settings: Settings) -> None:
    with Rehearsal(settings=settings) as stage:
        assert stage.latest("dome", "azimuth") is None
        with pytest.raises(LookupError, match="dome has no status"):
            stage.status("dome")
        with pytest.raises(TimeoutError, match="not true within"):
            stage.wait_until(lambda: False, timeout=0.05)
        with pytest.raises(NobodyListens):
            stage.sender.send_to("dome", "open", ttl=0.1)


def test_a_broken_sample_on_the_bus_ends_nothing(settings: Settings) -> None:
    with Rehearsal(settings=settings) as stage, Stranger(stage.bus) as stranger:  # type: ignore[arg-type]
        stranger.say("stage/dome/telemetry/azimuth", b"\xff{")
        stranger.say("stage/dome/telemetry/azimuth", b'{"t":[],"v":[]}')
        stranger.say("stage/dome/outbox/rehearsal", b"{}")
        stranger.say("stage/dome/status", b"what?")
        stranger.say("stage/dome/telemetry/azimuth", b"5")
        stage.wait_until(lambda: stage.latest("dome", "azimuth") == 5)


def test_an_agent_that_the_test_has_stopped_is_no_trouble(settings: Settings) -> None:
    with Rehearsal(settings=settings) as stage:
        dome = stage.start(Dome(bus=stage.bus, settings=settings))
        dome.stop()
        assert dome.join(5)


def test_an_agent_can_be_started_without_waiting(settings: Settings) -> None:
    with Rehearsal(settings=settings) as stage:
        dome = stage.start(Dome(bus=stage.bus, settings=settings), until=None)
        assert dome.wait_ready()
        assert stage.ask("dome", "open") == "open to the west"


def test_nothing_of_the_machines_observatory_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYROS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("PYROS_JOURNAL", "sqlite")
    with Rehearsal() as stage, Sender("ops", bus=stage.bus) as ops:
        stage.start(Dome(bus=stage.bus))
        ops.send_to("dome", "open", durable=True).result(5)
        folder = stage.settings.state_dir
        assert any(folder.rglob("*.sqlite")), "the spool has a folder of its own"
    assert not any(tmp_path.iterdir())
    del stage, ops
    gc.collect()
    assert not folder.exists()


def test_the_settings_of_a_rehearsal_are_those_of_its_agents(settings: Settings) -> None:
    with Rehearsal(settings=settings) as stage:
        stage.start(Dome(bus=stage.bus))
        assert stage.ask("dome", "open") == "open to the west"
