"""The weather's agent on a stage: what it publishes, and what it does with a broken station."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from pyros_agents.devices.drivers import DriverError
from pyros_agents.devices.station import Conditions
from pyros_agents.weather import Weather
from pyros_mqtt import Failed, Rejected, State
from pyros_mqtt.testing import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Iterator

FAST = {"start": "2026-01-10T20:00:00Z", "speed": 60.0}
FIELDS = {"temperature", "humidity", "wind", "gust", "rain", "ice", "pressure", "cloud"}
FINE = Conditions(12.0, 50.0, 9.0, 12.0, rain=False, ice=False, pressure=901.0, cloud=0.1)


class BrokenStation:
    """A station that says what it is told to, or fails."""

    def __init__(self) -> None:
        self.answer: Conditions | Exception = FINE
        self.reads = 0
        self.was_read = threading.Event()

    def read(self) -> Conditions:
        self.reads += 1
        self.was_read.set()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def stage() -> Iterator[Rehearsal]:
    with Rehearsal() as stage:
        yield stage


def conditions(stage: Rehearsal) -> dict[str, Any]:
    latest: dict[str, Any] = stage.latest("weather", "conditions") or {}
    return latest


def test_all_instruments_are_published(stage: Rehearsal) -> None:
    stage.start(Weather(bus=stage.bus))
    stage.wait_until(lambda: set(conditions(stage)) == FIELDS)
    assert conditions(stage)["rain"] is False


def test_each_number_has_a_channel_with_its_unit_and_range(stage: Rehearsal) -> None:
    weather = stage.start(Weather(bus=stage.bus))
    stage.wait_until(lambda: stage.latest("weather", "pressure") is not None)
    temperature = weather.channels[1]
    assert (temperature.name, temperature.unit, temperature.range) == (
        "temperature",
        "deg_C",
        (-40, 60),
    )


def test_the_conditions_are_kept_for_those_who_come_later(stage: Rehearsal) -> None:
    weather = stage.start(Weather(bus=stage.bus))
    stage.wait_until(lambda: conditions(stage))
    assert [channel.name for channel in weather.channels if channel.retain] == ["conditions"]
    stage.wait_until(lambda: stage.bus.retained("pyros/weather/telemetry/conditions"))  # type: ignore[attr-defined]


def test_a_scripted_front_brings_rain_and_a_clear_one_ends_it(stage: Rehearsal) -> None:
    stage.start(Weather(bus=stage.bus, sky=FAST))
    stage.wait_until(lambda: conditions(stage).get("rain") is False)
    assert stage.ask("weather", "front", kind="rain") == {"kind": "rain", "seconds": 1800.0}
    stage.wait_until(lambda: conditions(stage)["rain"])
    stage.ask("weather", "front", kind="clear", seconds=1200)
    stage.wait_until(lambda: not conditions(stage)["rain"])


@pytest.mark.parametrize("args", [{"kind": "frogs"}, {}, {"kind": "rain", "seconds": -1}])
def test_a_front_that_does_not_exist_is_rejected(stage: Rehearsal, args: dict[str, Any]) -> None:
    stage.start(Weather(bus=stage.bus))
    with pytest.raises(Rejected):
        stage.ask("weather", "front", **args)


def test_a_real_station_has_no_scripted_fronts(stage: Rehearsal) -> None:
    stage.start(Weather(bus=stage.bus, driver=BrokenStation()))
    with pytest.raises(Failed, match="real"):
        stage.ask("weather", "front", kind="rain")


def test_an_instrument_that_says_nothing_is_null_and_shown(stage: Rehearsal) -> None:
    station = BrokenStation()
    station.answer = Conditions(12.0, None, 9.0, 12.0, rain=None, ice=False, pressure=9e2, cloud=0)
    stage.start(Weather(bus=stage.bus, driver=station), until=State.DEGRADED)
    assert stage.status("weather").detail == "no value for humidity, rain"
    stage.wait_until(lambda: conditions(stage))
    assert conditions(stage)["humidity"] is None


@pytest.mark.parametrize("error", [DriverError("no carrier"), OSError("no route to host")])
def test_a_station_that_does_not_answer_is_followed_by_silence(
    stage: Rehearsal, error: Exception
) -> None:
    station = BrokenStation()
    station.answer = error
    stage.start(Weather(bus=stage.bus, driver=station), until=State.DEGRADED)
    assert str(error) in stage.status("weather").detail
    assert conditions(stage) == {}
    station.answer = FINE
    stage.wait_until(lambda: stage.status("weather").state is State.READY)
    stage.wait_until(lambda: conditions(stage))
