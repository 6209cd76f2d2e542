"""The simulated dome, the rules of opening, and a closing that is watched."""

from __future__ import annotations

from typing import Any

import pytest

from pyros_agents.astronomy.night import night_of, sunset
from pyros_agents.astronomy.sky import Site
from pyros_agents.devices.enclosure import ShutterState
from pyros_agents.devices.enclosure_simulator import SimulatedEnclosure
from pyros_agents.devices.helm import Helm
from pyros_agents.safeguards.closing import Closing
from pyros_agents.safeguards.opening_rules import EngineeringMode, OpeningCount, OpeningRules
from tests.agents.night_clock import NIGHT, NOON, NightClock

SITE = Site.of(None)
SAFE = {"safe": True, "reasons": [], "since": NIGHT}
RULES = OpeningRules(SITE, verdict_age=30.0)


@pytest.fixture
def clock() -> NightClock:
    return NightClock()


@pytest.fixture
def dome(clock: NightClock) -> SimulatedEnclosure:
    return SimulatedEnclosure(clock, travel=20.0, speed=6.0)


# -- the simulator -------------------------------------------------------------------------------


def test_the_shutter_takes_its_travel_time(dome: SimulatedEnclosure, clock: NightClock) -> None:
    assert dome.read().shutter is ShutterState.CLOSED
    dome.open()
    clock.turn(5.0)
    reading = dome.read()
    assert reading.shutter is ShutterState.OPENING
    assert reading.fraction == pytest.approx(0.25)
    clock.turn(15.1)
    assert dome.read().shutter is ShutterState.OPEN


def test_closing_from_half_open_takes_half_the_time(
    dome: SimulatedEnclosure, clock: NightClock
) -> None:
    dome.open()
    clock.turn(10.0)
    dome.close()
    assert dome.read().shutter is ShutterState.CLOSING
    clock.turn(10.1)
    assert dome.read().shutter is ShutterState.CLOSED


def test_twenty_closes_are_one_movement(dome: SimulatedEnclosure, clock: NightClock) -> None:
    dome.open()
    clock.turn(30.0)
    for _ in range(20):
        dome.close()
        clock.turn(2.0)
    assert dome.read().shutter is ShutterState.CLOSED
    assert dome.movements == 2


def test_a_held_dome_does_not_move(dome: SimulatedEnclosure, clock: NightClock) -> None:
    dome.open()
    dome.rotate(90.0)
    clock.turn(5.0)
    dome.hold()
    dome.close()
    dome.rotate(0.0)
    clock.turn(100.0)
    reading = dome.read()
    assert reading.held
    assert reading.shutter is ShutterState.STOPPED
    assert (reading.fraction, reading.azimuth) == (0.25, 150.0)
    dome.release()
    dome.close()
    clock.turn(100.0)
    assert dome.read().shutter is ShutterState.CLOSED


def test_a_jammed_shutter_says_that_it_closes_and_never_does(
    dome: SimulatedEnclosure, clock: NightClock
) -> None:
    dome.open()
    clock.turn(30.0)
    dome.jam()
    dome.close()
    clock.turn(1000.0)
    assert dome.read().shutter is ShutterState.CLOSING
    dome.mend()
    assert dome.read().shutter is ShutterState.OPEN


# -- the rules -----------------------------------------------------------------------------------


def test_it_may_be_open_at_night_under_a_fresh_good_verdict() -> None:
    assert RULES.why_not(SAFE, 1.0, NIGHT) is None


@pytest.mark.parametrize(
    ("verdict", "age", "word"),
    [
        (None, float("inf"), "none has come"),
        (SAFE, 30.5, "30 s ago"),
        ({"safe": False, "reasons": ["rain", "wind"]}, 1.0, "rain; wind"),
        ({"safe": None}, 1.0, "not safe"),
        ({"safe": 1}, 1.0, "not safe"),
        ({}, 1.0, "not safe"),
        (None, 1.0, "not safe"),
        ("safe", 1.0, "not safe"),
    ],
)
def test_no_news_is_bad_news_and_only_true_is_safe(verdict: Any, age: float, word: str) -> None:
    assert word in (RULES.why_not(verdict, age, NIGHT) or "")


def test_by_day_it_wants_engineering_mode() -> None:
    assert "engineering mode is off" in (RULES.why_not(SAFE, 1.0, NOON) or "")
    assert RULES.why_not(SAFE, 1.0, NOON, by_day=True) is None


def test_engineering_mode_ends_by_itself() -> None:
    assert not EngineeringMode().is_on(0.0)
    mode = EngineeringMode(until=600.0)
    assert mode.is_on(599.0)
    assert not mode.is_on(600.0)


def test_engineering_mode_does_not_overrule_the_weather() -> None:
    assert RULES.why_not({"safe": False}, 1.0, NOON, by_day=True) is not None
    assert RULES.why_not(SAFE, 60.0, NOON, by_day=True) is not None


def test_the_day_ends_with_sunset() -> None:
    sets = sunset(night_of(NIGHT, SITE), SITE)
    assert sets is not None
    assert RULES.why_not(SAFE, 1.0, sets - 30.0) is not None
    assert RULES.why_not(SAFE, 1.0, sets + 30.0) is None


def test_three_openings_in_ten_minutes_at_most() -> None:
    count = OpeningCount()
    for number in range(3):
        assert not count.is_full(NIGHT + number)
        count.add(NIGHT + number)
    assert count.is_full(NIGHT + 599.0)
    assert not count.is_full(NIGHT + 600.0)


# -- a closing that is watched -------------------------------------------------------------------


def test_a_closing_that_takes_too_long_has_failed_once() -> None:
    closing = Closing(patience=60.0)
    closing.order(NIGHT)
    assert not closing.look(ShutterState.CLOSING, NIGHT + 59.0)
    assert closing.look(ShutterState.CLOSING, NIGHT + 61.0)
    assert closing.has_failed
    assert not closing.look(ShutterState.STOPPED, NIGHT + 1000.0)
    assert closing.has_failed


def test_a_closing_is_over_when_the_shutter_is_seen_closed() -> None:
    closing = Closing(patience=60.0)
    closing.order(NIGHT)
    closing.look(ShutterState.CLOSED, NIGHT + 20.0)
    assert not closing.is_under_way
    assert not closing.look(ShutterState.OPEN, NIGHT + 100.0)


def test_a_shutter_that_closes_late_after_all_is_forgiven() -> None:
    closing = Closing(patience=60.0)
    closing.order(NIGHT)
    closing.look(ShutterState.CLOSING, NIGHT + 61.0)
    closing.look(ShutterState.CLOSED, NIGHT + 70.0)
    assert not closing.has_failed


# -- who steers ----------------------------------------------------------------------------------


def test_an_order_of_somebody_who_was_overtaken_is_not_given() -> None:
    helm, orders = Helm(), list[str]()
    early = helm.take()
    helm.take(lambda: orders.append("close"))
    assert not helm.steer(early, lambda: orders.append("open"))
    assert orders == ["close"]


def test_whoever_has_the_helm_steers() -> None:
    helm, orders = Helm(), list[str]()
    turn = helm.take()
    assert helm.steer(turn, lambda: orders.append("open"))
    assert helm.steer(helm.turn, lambda: orders.append("stop"))
    assert orders == ["open", "stop"]


def test_who_relieves_a_helm_that_has_passed_on_changes_nothing() -> None:
    helm, orders = Helm(), list[str]()
    turn = helm.take()
    assert helm.relieve(turn, lambda: orders.append("park"))
    assert not helm.relieve(turn, lambda: orders.append("stop"))
    assert not helm.steer(turn, lambda: orders.append("slew"))
    assert orders == ["park"]
