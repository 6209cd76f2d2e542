"""The safety agent on a bus, with a station, a dome and a telescope that do as they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from pyros_agents.safety import Safety
from pyros_mqtt import Agent, Channel, Rejected, State, on
from pyros_mqtt.testing import Rehearsal
from tests.agents.lone_safety import FINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Station(Agent):
    """Says what the test tells it."""

    channels = (Channel("conditions", fields=tuple(FINE), retain=True),)

    def __init__(self, **options: Any) -> None:
        super().__init__("weather", **options)

    def say(self, **weather: Any) -> None:
        self.telemetry("conditions", FINE | weather)


class Shutter(Agent):
    """A dome that is open, and closes when it is told to."""

    def __init__(self, **options: Any) -> None:
        super().__init__("dome", **options)
        self.closings = 0

    def say(self, state: Literal["open", "closed"]) -> None:
        self.telemetry("shutter", {"state": state, "fraction": 0.0})

    @on("close")
    def close(self) -> None:
        self.closings += 1
        self.say("closed")


class Mount(Agent):
    """A telescope that parks."""

    def __init__(self, **options: Any) -> None:
        super().__init__("telescope", **options)
        self.parkings = 0

    @on("park")
    def park(self) -> None:
        self.parkings += 1
        self.telemetry("pointing", {"state": "parked"})


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


def verdict(stage: Rehearsal) -> dict[str, Any]:
    latest: dict[str, Any] = stage.latest("safety", "verdict") or {}
    return latest


def until(stage: Rehearsal, safe: bool) -> Callable[[], bool]:  # noqa: FBT001
    return lambda: verdict(stage).get("safe") is safe


def test_rain_closes_the_dome_and_parks_the_telescope(stage: Rehearsal) -> None:
    station = stage.start(Station(bus=stage.bus))
    shutter = stage.start(Shutter(bus=stage.bus))
    mount = stage.start(Mount(bus=stage.bus))
    shutter.say("open")
    station.say()
    stage.start(Safety(bus=stage.bus, settle=0.0))
    stage.wait_until(until(stage, safe=True))
    assert (shutter.closings, mount.parkings) == (0, 0)
    station.say(rain=True)
    stage.wait_until(until(stage, safe=False))
    stage.wait_until(lambda: shutter.closings == 1 and mount.parkings == 1)


def test_the_verdict_and_the_rules_can_be_asked_for(stage: Rehearsal) -> None:
    station = stage.start(Station(bus=stage.bus))
    station.say()
    stage.start(Safety(bus=stage.bus, settle=0.0))
    stage.wait_until(until(stage, safe=True))
    assert stage.ask("safety", "verdict") == verdict(stage)
    rules = stage.ask("safety", "limits")
    assert {rule["field"] for rule in rules} == {"rain", "humidity", "wind", "gust", "ice"}


def test_a_person_holds_the_dome_closed_and_releases_it(stage: Rehearsal) -> None:
    station = stage.start(Station(bus=stage.bus))
    station.say()
    stage.start(Safety(bus=stage.bus, settle=0.0))
    stage.wait_until(until(stage, safe=True))
    stage.ask("safety", "hold", reason="Ana is at the mirror")
    stage.wait_until(until(stage, safe=False))
    assert verdict(stage)["reasons"] == ["held: Ana is at the mirror"]
    stage.ask("safety", "release")
    stage.wait_until(until(stage, safe=True))
    with pytest.raises(Rejected):
        stage.ask("safety", "hold", reason="x" * 300)


def test_starting_without_weather_starts_the_agent_and_not_the_telescope(
    stage: Rehearsal,
) -> None:
    safety = stage.start(Safety(bus=stage.bus))
    safety._began -= 10.0
    stage.wait_until(until(stage, safe=False))
    assert verdict(stage)["reasons"] == ["no weather has been heard yet"]
    assert stage.status("safety").state is State.READY
