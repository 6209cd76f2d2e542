"""All rules of the weather together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from pyros_agents.safeguards.weather_watch import WeatherWatch

START = 1.7e9
GOOD = {
    "temperature": 12.0,
    "humidity": 50.0,
    "wind": 10.0,
    "gust": 14.0,
    "rain": False,
    "ice": False,
    "pressure": 900.0,
    "cloud": 0.1,
}


@dataclass
class Weather:
    """Feeds all rules, with values that tremble."""

    watch: WeatherWatch = field(default_factory=lambda: WeatherWatch(settle=0.0))
    now: float = START

    def see(self, age: Any = 0.0, **changes: Any) -> tuple[str, ...]:
        self.now += 1.0
        tremble = 1e-3 * (self.now % 7)
        values = {
            name: value + tremble if isinstance(value, float) else value
            for name, value in (GOOD | changes).items()
        }
        self.watch.feed(self.now, values, age)
        return self.watch.reasons


def test_before_any_weather_it_is_not_safe() -> None:
    watch = WeatherWatch(settle=0.0)
    assert watch.reasons
    watch.feed(START, None, math.inf)
    assert watch.reasons == ("no weather has been heard yet",)


def test_good_weather_is_safe() -> None:
    assert Weather().see() == ()


@pytest.mark.parametrize(("age", "is_safe"), [(0.0, True), (119.9, True), (120.1, False)])
def test_weather_older_than_two_minutes_is_bad_weather(age: float, is_safe: bool) -> None:  # noqa: FBT001
    assert (Weather().see(age) == ()) is is_safe


@pytest.mark.parametrize("name", ["humidity", "wind", "gust", "rain", "ice"])
def test_null_of_a_required_sensor_is_not_safe(name: str) -> None:
    weather = Weather()
    weather.see()
    assert weather.see(**{name: None}) == (f"{name} has no value",)


@pytest.mark.parametrize("name", ["temperature", "pressure", "cloud"])
def test_null_of_another_sensor_is_no_matter(name: str) -> None:
    assert Weather().see(**{name: None}) == ()


@pytest.mark.parametrize("conditions", [None, 12.3, "fine", [1], True])
def test_weather_that_cannot_be_read_is_not_safe(conditions: Any) -> None:
    watch = WeatherWatch(settle=0.0)
    watch.feed(START, conditions, 0.0)
    assert watch.reasons


def test_all_reasons_are_told() -> None:
    weather = Weather()
    weather.see(wind=50.0)
    for _ in range(90):
        reasons = weather.see(wind=50.0, rain=True, humidity=None)
    assert len(reasons) == 3
    assert "rain" in reasons


def test_rain_before_a_silence_is_remembered_in_words() -> None:
    weather = Weather()
    weather.see(rain=True)
    assert weather.see(age=130.0)[1:] == ("rain was bad before",)


def test_the_weather_outlives_a_restart() -> None:
    weather = Weather()
    weather.see(rain=True)
    successor = Weather(WeatherWatch(), weather.now)
    successor.watch.recall(weather.watch.memory(), gap=5.0)
    assert successor.see() == ("rain is good again, 300 s to go",)
