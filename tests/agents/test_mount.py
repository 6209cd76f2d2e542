"""The simulated mount, and the rules of where a telescope may point."""

from __future__ import annotations

import pytest

from pyros_agents.astronomy.ephemeris import Equatorial, equatorial, horizontal, separation, sun
from pyros_agents.astronomy.sky import Site
from pyros_agents.devices.drivers import DriverError, load
from pyros_agents.devices.mount import MountState
from pyros_agents.devices.mount_simulator import SimulatedMount
from pyros_agents.safeguards.pointing_rules import PointingRules
from tests.agents.night_clock import NIGHT, NOON, NightClock

SITE = Site.of(None)


def place(altitude: float, azimuth: float, when: float = NIGHT) -> Equatorial:
    return equatorial(altitude, azimuth, when, SITE)


@pytest.fixture
def clock() -> NightClock:
    return NightClock()


@pytest.fixture
def mount(clock: NightClock) -> SimulatedMount:
    mount = SimulatedMount(SITE, clock, speed=5.0, settle=3.0, park=(30.0, 180.0))
    mount.unpark()
    return mount


def test_a_slew_takes_the_time_of_its_longer_axis_and_of_settling(
    mount: SimulatedMount, clock: NightClock
) -> None:
    mount.slew(*place(50.0, 240.0))
    clock.turn(60 / 5 + 3 - 0.2)
    assert mount.read().state is MountState.SLEWING
    clock.turn(0.4)
    assert mount.read().state is MountState.TRACKING


def test_it_points_where_it_was_sent_to_within_its_error_and_tracks(
    mount: SimulatedMount, clock: NightClock
) -> None:
    target = place(60.0, 300.0)
    mount.slew(*target)
    clock.turn(100.0)
    one = mount.read()
    clock.turn(1800.0)
    other = mount.read()
    assert 0.0 < separation(target, (one.ra, one.dec)) * 3600 < 5.0
    assert (other.ra, other.dec) == (one.ra, one.dec)
    assert other.azimuth != pytest.approx(one.azimuth, abs=0.5)


def test_between_here_and_there_it_is_on_its_way(mount: SimulatedMount, clock: NightClock) -> None:
    mount.slew(*place(50.0, 240.0))
    clock.turn(2.0)
    reading = mount.read()
    assert (reading.altitude, reading.azimuth) == pytest.approx((40.0, 190.0))
    assert horizontal(reading.ra, reading.dec, clock.now(), SITE) == pytest.approx((40.0, 190.0))


def test_a_stopped_mount_stands_still_and_lets_the_sky_pass(
    mount: SimulatedMount, clock: NightClock
) -> None:
    mount.slew(*place(50.0, 240.0))
    clock.turn(2.0)
    mount.stop()
    one = mount.read()
    clock.turn(3600.0)
    other = mount.read()
    assert other.state is MountState.STOPPED
    assert (other.altitude, other.azimuth) == (one.altitude, one.azimuth)
    assert separation((one.ra, one.dec), (other.ra, other.dec)) > 5.0


def test_parked_is_what_it_is_only_once_it_is_there(
    mount: SimulatedMount, clock: NightClock
) -> None:
    mount.slew(*place(50.0, 240.0))
    clock.turn(100.0)
    mount.park()
    assert mount.read().state is MountState.PARKING
    clock.turn(100.0)
    reading = mount.read()
    assert reading.state is MountState.PARKED
    assert (reading.altitude, reading.azimuth) == (30.0, 180.0)


def test_a_mount_that_sticks_is_never_parked(mount: SimulatedMount, clock: NightClock) -> None:
    mount.slew(*place(50.0, 240.0))
    clock.turn(100.0)
    mount.jam()
    mount.park()
    clock.turn(1e6)
    assert mount.read().state is MountState.PARKING


def test_a_parked_mount_does_not_slew(mount: SimulatedMount, clock: NightClock) -> None:
    mount.slew(*place(50.0, 240.0))
    clock.turn(100.0)
    mount.park()
    with pytest.raises(DriverError, match="unpark"):
        mount.slew(*place(50.0, 240.0))
    with pytest.raises(DriverError):
        mount.unpark()
    clock.turn(100.0)
    with pytest.raises(DriverError, match="parked"):
        mount.slew(*place(50.0, 240.0))


def test_stopping_and_parking_a_parked_mount_leaves_it_parked(clock: NightClock) -> None:
    mount = SimulatedMount(SITE, clock)
    mount.stop()
    mount.park()
    assert mount.read().state is MountState.PARKED


def test_a_stop_on_the_way_to_the_park_position_leaves_it_unparked(
    mount: SimulatedMount, clock: NightClock
) -> None:
    mount.slew(*place(50.0, 240.0))
    clock.turn(100.0)
    mount.park()
    clock.turn(1.0)
    mount.stop()
    clock.turn(100.0)
    assert mount.read().state is MountState.STOPPED


def test_the_celestial_pole_is_a_target_like_others(
    mount: SimulatedMount, clock: NightClock
) -> None:
    mount.slew(123.0, -90.0)
    clock.turn(100.0)
    reading = mount.read()
    assert separation((0.0, -90.0), (reading.ra, reading.dec)) * 3600 < 5.0


# -- rules ---------------------------------------------------------------------------------------


def test_below_the_horizon_limit_is_refused_with_the_numbers() -> None:
    rules = PointingRules(SITE, horizon=20.0)
    reason = rules.why_not(*place(19.5, 90.0), NIGHT)
    assert reason is not None
    assert "19.500" in reason
    assert "20 deg" in reason
    assert rules.why_not(*place(20.5, 90.0), NIGHT) is None


def test_a_limit_has_a_tolerance() -> None:
    rules = PointingRules(SITE, horizon=48.0)
    assert rules.why_not(*place(47.9998, 120.0), NIGHT) is None
    assert rules.why_not(*place(47.99, 120.0), NIGHT) is not None


def test_nothing_within_the_avoidance_radius_of_the_sun() -> None:
    rules = PointingRules(SITE, sun_radius=30.0)
    star = sun(NOON)
    assert "from the Sun" in (rules.why_not(star.ra, star.dec, NOON) or "")
    assert rules.why_not(star.ra, star.dec + 29.9, NOON) is not None
    assert rules.why_not(star.ra, star.dec + 29.9998, NOON) is None
    assert rules.why_not(star.ra, star.dec + 30.1, NOON) is None


def test_the_sun_burns_only_while_it_is_up() -> None:
    rules = PointingRules(SITE)
    assert rules.sun_burns(*sun(NOON), NOON)
    assert not rules.sun_burns(*sun(NIGHT), NIGHT)


# -- drivers -------------------------------------------------------------------------------------


def test_a_driver_is_the_simulator_a_named_class_or_one_made_already(clock: NightClock) -> None:
    named = "pyros_agents.devices.mount_simulator:SimulatedMount"
    for word in ("simulator", named):
        made = load(word, SimulatedMount, site=SITE, clock=clock, speed=9.0)
        assert isinstance(made, SimulatedMount)
    assert load(made, SimulatedMount) is made


def test_a_driver_that_is_no_word_we_know_is_refused() -> None:
    with pytest.raises(ValueError, match="write 'simulator'"):
        load("simulated", SimulatedMount)
