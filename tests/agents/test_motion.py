"""A simulated axis: how far it is, at any moment it is asked."""

from __future__ import annotations

import pytest

from pyros_agents.devices.motion import Axis
from tests.agents.night_clock import NightClock


def test_an_axis_moves_evenly_and_stands_when_it_is_there() -> None:
    clock = NightClock()
    axis = Axis(clock, speed=2.0, place=10.0)
    axis.go(4.0)
    assert axis.seconds_to(4.0) == 3.0
    clock.turn(1.0)
    assert (axis.place, axis.is_moving) == (8.0, True)
    clock.turn(10.0)
    assert (axis.place, axis.is_moving) == (4.0, False)


def test_a_circle_is_gone_the_shorter_way() -> None:
    clock = NightClock()
    axis = Axis(clock, speed=5.0, place=350.0, circle=True)
    axis.go(20.0)
    clock.turn(4.0)
    assert axis.place == 10.0
    axis.go(340.0)
    clock.turn(3.0)
    assert axis.place == 355.0


def test_a_stopped_axis_stays_where_it_is() -> None:
    clock = NightClock()
    axis = Axis(clock, speed=1.0)
    axis.go(10.0)
    clock.turn(3.0)
    axis.stop()
    clock.turn(3.0)
    assert (axis.place, axis.target, axis.is_moving) == (3.0, 3.0, False)


def test_an_axis_that_sticks_never_arrives() -> None:
    clock = NightClock()
    axis = Axis(clock, speed=0.0)
    axis.go(1.0)
    clock.turn(1e6)
    assert (axis.place, axis.is_moving) == (0.0, True)


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_clock_that_is_set_moves_nothing(step: float) -> None:
    clock = NightClock()
    axis = Axis(clock, speed=1.0, place=5.0)
    axis.go(10.0)
    clock.turn(1.0)
    clock.step(step)
    assert axis.place == 6.0
