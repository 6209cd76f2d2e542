"""A telescope that watches its limits: what it does by itself, and whom it does not disturb."""

from __future__ import annotations

from typing import Any

import pytest

from pyros_agents.astronomy.ephemeris import equatorial
from pyros_agents.devices.mount import MountState
from tests.agents.lone_devices import SITE, LoneTelescope
from tests.agents.night_clock import NIGHT, NOON

MORNING = NOON - 3 * 3600.0


def test_a_telescope_whose_driver_has_lost_the_altitude_still_keeps_its_limits() -> None:
    telescope = LoneTelescope()
    telescope.track(16.0, 280.0)
    telescope.device.knows_altitude = False
    telescope.turn(1800.0)
    with pytest.raises(TypeError):
        telescope.measure()
    assert telescope.device.read().state is MountState.STOPPED


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_clock_that_is_set_ends_no_slew(step: float) -> None:
    telescope = LoneTelescope(mount={"speed": 1.0})
    steps = [step]
    telescope.meanwhile = lambda: telescope.step(steps.pop() if steps else 0.0)
    result = telescope.goto(*equatorial(60.0, 240.0, NIGHT, SITE))
    assert 50.0 < result["seconds"] < 100.0


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_clock_that_is_set_makes_no_parking_late(step: float) -> None:
    telescope = LoneTelescope()
    telescope.track(60.0, 240.0)
    telescope.park()
    telescope.measure()
    telescope.step(step)
    telescope.turn(1.0)
    telescope.measure()
    assert telescope.told["pointing"]["state"] == "parking"
    assert telescope.troubles == {}


def test_a_parking_that_was_ordered_meanwhile_is_not_stopped() -> None:
    telescope = LoneTelescope()
    telescope.track(16.0, 280.0)
    telescope.turn(1800.0)
    telescope.device.after_reading = telescope.park
    telescope.measure()
    assert telescope.device.ordered == ["park"]
    assert telescope.device.read().state is MountState.PARKING


# -- the Sun: in the MORNING it is 47 degrees high in the east; parked is 30 degrees in the south --


def standing(
    altitude: float, azimuth: float, *, seen_parked: bool = True, **options: Any
) -> LoneTelescope:
    """A telescope that has been stopped somewhere in the sky of the morning."""
    telescope = LoneTelescope(MORNING, mount={"speed": 2.0}, is_parked=True, **options)
    if seen_parked:
        telescope.measure()
    telescope.device.unpark()
    telescope.device.stand_at(altitude, azimuth)
    return telescope


def live(telescope: LoneTelescope, looks: int, seconds: float = 1.0) -> float:
    """Look again and again; returns how near the Sun has come, degrees."""
    nearest = 180.0
    for _ in range(looks):
        telescope.turn(seconds)
        telescope.measure()
        reading, now = telescope.device.read(), telescope.clock.now()
        distance = telescope.rules.sun_distance(reading.ra, reading.dec, now)
        nearest = min(nearest, distance)
    return nearest


def test_a_telescope_that_stands_near_the_sun_parks_where_the_way_is_clear() -> None:
    telescope = standing(40.0, 131.0)
    telescope.measure()
    assert "the Sun is nearer than 30 deg" in telescope.troubles["the Sun"]
    assert live(telescope, 60) > 25.0
    assert telescope.device.ordered == ["park"]
    assert telescope.device.read().state is MountState.PARKED
    assert telescope.troubles == {}


def test_a_telescope_to_which_the_sun_drifts_parks() -> None:
    telescope = standing(60.0, 150.0)
    telescope.measure()
    assert telescope.troubles == {}
    assert live(telescope, 60, 60.0) > 28.0
    assert telescope.device.read().state is MountState.PARKED


def test_beyond_the_sun_it_stands_still_and_calls_for_a_person() -> None:
    telescope = standing(47.0, 60.0)
    live(telescope, 5)
    assert telescope.device.ordered == []
    assert "no way" in telescope.troubles["the Sun"]


def test_a_telescope_that_was_never_seen_parked_wants_to_be_told_where_that_is() -> None:
    telescope = standing(40.0, 131.0, seen_parked=False)
    live(telescope, 5)
    assert telescope.device.ordered == []
    told = standing(40.0, 131.0, seen_parked=False, park_position=(30.0, 180.0))
    live(told, 5)
    assert told.device.ordered == ["park"]


def test_a_slew_that_is_stopped_before_the_sun_does_not_stay_there() -> None:
    telescope = standing(40.0, 170.0)
    telescope.device.slew(*equatorial(47.0, 20.0, MORNING, SITE))
    assert live(telescope, 60) > 27.0
    assert telescope.device.ordered == ["stop", "park"]
    assert telescope.device.read().state is MountState.PARKED


def test_a_parking_that_leads_past_the_sun_is_stopped_and_not_tried_again() -> None:
    telescope = standing(47.0, 30.0)
    telescope.measure()
    telescope.park()
    assert live(telescope, 60) > 27.0
    assert telescope.device.ordered == ["park", "stop"]
    assert "no way" in telescope.troubles["the Sun"]


def test_a_slew_away_from_the_sun_is_let_go() -> None:
    telescope = standing(47.0, 60.0)
    live(telescope, 2)
    telescope.device.slew(*equatorial(47.0, 10.0, MORNING, SITE))
    live(telescope, 60)
    assert telescope.device.ordered == []
    assert telescope.device.read().state is MountState.TRACKING
    assert telescope.troubles == {}


# -- the end of its agent ------------------------------------------------------------------------


def test_an_agent_that_ends_lets_no_mount_track_on() -> None:
    telescope = LoneTelescope()
    telescope.track(60.0, 240.0)
    telescope.device.failures = 2
    telescope.shutdown()
    assert telescope.device.read().state is MountState.STOPPED
    assert telescope.device.ordered == ["stop"]


def test_an_agent_that_ends_parks_where_it_is_told_to() -> None:
    telescope = LoneTelescope(at_end="park")
    telescope.track(60.0, 240.0)
    telescope.shutdown()
    assert telescope.device.read().state is MountState.PARKED


def test_an_agent_that_ends_lets_a_parking_come_to_its_end() -> None:
    telescope = LoneTelescope()
    telescope.track(60.0, 240.0)
    telescope.park()
    telescope.shutdown()
    assert telescope.device.read().state is MountState.PARKED


def test_an_agent_that_ends_does_not_wait_for_ever_for_a_mount_that_sticks() -> None:
    telescope = LoneTelescope(at_end="park", patience=30.0)
    telescope.track(60.0, 240.0)
    telescope.device.jam()
    telescope.shutdown()
    assert telescope.device.read().state is MountState.PARKING


def test_an_end_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at_end"):
        LoneTelescope(at_end="fly")
