"""The simulated station: plausible days, fronts as scripted, all in sky time."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pyros_agents.astronomy.sky import Site
from pyros_agents.devices.station_simulator import Front, Noise, Passage, SimulatedStation
from pyros_agents.safeguards.rules import RULES
from pyros_agents.safeguards.weather_watch import WeatherWatch
from tests.agents.hand_clock import HandClock

MIDNIGHT = 1.7639e9 // 86400 * 86400 - 55.4108 / 15 * 3600
"""Local midnight at the default site."""

HOUR, DAY = 3600.0, 86_400.0
NUMBERS = ("temperature", "humidity", "wind", "gust", "pressure", "cloud")


@pytest.fixture
def clock() -> HandClock:
    return HandClock(hand=[MIDNIGHT])


@pytest.fixture
def station(clock: HandClock) -> SimulatedStation:
    return SimulatedStation(Site.of(None), clock)


def over(
    station: SimulatedStation, clock: HandClock, name: str, seconds: float, step: float = 60.0
) -> list[Any]:
    """What one instrument says from now on."""
    start = clock.hand[0]
    values = []
    for i in range(int(seconds / step)):
        clock.hand[0] = start + i * step
        values.append(getattr(station.read(), name))
    return values


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_afternoons_are_warmer_and_drier_than_nights(
    station: SimulatedStation, clock: HandClock
) -> None:
    night = {name: mean(over(station, clock, name, 0.5 * HOUR)) for name in NUMBERS}
    clock.hand[0] = MIDNIGHT + 14 * HOUR
    noon = {name: mean(over(station, clock, name, 0.5 * HOUR)) for name in NUMBERS}
    assert noon["temperature"] > night["temperature"] + 4
    assert noon["humidity"] < night["humidity"] - 5


@pytest.mark.parametrize("seed", range(5))
def test_without_a_front_a_week_breaks_no_rule(seed: int, clock: HandClock) -> None:
    station = SimulatedStation(Site.of(None), clock, seed=seed)
    for minute in range(0, 7 * 24 * 60, 7):
        clock.hand[0] = MIDNIGHT + minute * 60.0
        read = station.read()
        assert [r.field for r in RULES if r.complaint(getattr(read, r.field))] == []
        assert 0.0 <= (read.cloud or 0.0) <= 1.0
        assert (read.gust or 0.0) >= (read.wind or 0.0) >= 0.0


def test_the_pressure_is_that_of_the_sites_height(clock: HandClock) -> None:
    low = SimulatedStation(Site(0.0, 0.0, 0.0), clock).read().pressure
    high = SimulatedStation(Site(0.0, 0.0, 2600.0), clock).read().pressure
    assert low == pytest.approx(1013, abs=8)
    assert high == pytest.approx(743, abs=12)


@pytest.mark.parametrize("name", ["temperature", "humidity", "wind", "gust", "pressure"])
def test_no_number_stands_still(station: SimulatedStation, clock: HandClock, name: str) -> None:
    values = over(station, clock, name, HOUR, step=10.0)
    longest = still = 0
    for before, after in itertools.pairwise(values):
        still = still + 1 if before == after else 0
        longest = max(longest, still)
    assert longest < 60  # of the 120 that make a sensor frozen


def test_two_runs_under_one_sky_see_one_weather(station: SimulatedStation) -> None:
    clock = HandClock(hand=[MIDNIGHT])
    assert SimulatedStation(Site.of(None), clock).read() == station.read()
    assert SimulatedStation(Site.of(None), clock, seed=1).read() != station.read()


def test_another_climate_can_be_set(clock: HandClock) -> None:
    means = {"temperature": -15.0, "humidity": 93.0}
    read = SimulatedStation(Site.of(None), clock, means=means).read()
    assert (read.temperature or 0.0) < -5.0
    assert read.ice is True


# -- fronts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "strength"),
    [(-1.0, 0.0), (0.0, 0.0), (60.0, 0.5), (120.0, 1.0), (500.0, 1.0), (940.0, 0.5), (1001.0, 0.0)],
)
def test_a_front_comes_and_goes_by_ramps(seconds: float, strength: float) -> None:
    assert Passage(Front.RAIN, 0.0, 1000.0).strength(seconds) == pytest.approx(strength)


def test_a_short_front_has_short_ramps() -> None:
    assert Passage(Front.WIND, 0.0, 40.0).strength(10.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "name", "limit"),
    [(Front.WIND, "wind", 40.0), (Front.WIND, "gust", 60.0), (Front.HUMID, "humidity", 85.0)],
)
def test_a_front_brings_its_weather_and_takes_it_away(
    station: SimulatedStation, clock: HandClock, kind: Front, name: str, limit: float
) -> None:
    station.front(kind, 1800.0)
    assert getattr(station.read(), name) < limit
    clock.hand[0] += 900.0
    assert getattr(station.read(), name) > limit
    clock.hand[0] += 901.0
    assert getattr(station.read(), name) < limit


def test_rain_falls_through_most_of_a_rainy_front_and_not_after_it(
    station: SimulatedStation, clock: HandClock
) -> None:
    station.front(Front.RAIN, 1200.0)
    rain = over(station, clock, "rain", 1800.0, step=10.0)
    assert not rain[0]
    assert 100 < sum(rain) < 120
    assert not any(rain[120:])


def test_a_clear_front_sweeps_the_others_away(station: SimulatedStation, clock: HandClock) -> None:
    station.front(Front.RAIN, DAY)
    clock.hand[0] += HOUR
    assert station.read().rain
    station.front(Front.CLEAR, HOUR)
    clock.hand[0] += 120.0
    read = station.read()
    assert not read.rain
    assert (read.humidity or 100.0) < 50.0
    clock.hand[0] += HOUR
    assert not station.read().rain


def test_the_rules_close_for_a_front_and_open_again_after_it(
    station: SimulatedStation, clock: HandClock
) -> None:
    watch = WeatherWatch(settle=0.0)
    station.front(Front.RAIN, 1800.0)
    safe = []
    for _ in range(360):
        clock.hand[0] += 10.0
        read = station.read()
        fields = {rule.field: getattr(read, rule.field) for rule in RULES}
        watch.feed(clock.hand[0], fields, 0.0)
        safe.append(not watch.reasons)
    assert safe[0]
    assert not any(safe[6:180])  # from the first drops to the last
    assert not any(safe[180:205])  # and dry for 300 s
    assert all(safe[215:])


def test_noise_is_smooth_and_stays_between_minus_one_and_one() -> None:
    noise = Noise("seed", 10.0, 1000.0)
    values = [noise.at(t / 10) for t in range(50_000)]
    assert max(values) <= 1.0
    assert min(values) >= -1.0
    assert max(abs(b - a) for a, b in itertools.pairwise(values)) < 0.1
    assert max(values) - min(values) > 0.8
