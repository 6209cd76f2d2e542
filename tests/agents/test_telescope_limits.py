"""A telescope that watches its limits: what it does by itself, and whom it does not disturb."""

from __future__ import annotations

import pytest

from pyros_agents.astronomy.ephemeris import equatorial
from pyros_agents.devices.mount import MountState
from tests.agents.lone_devices import SITE, LoneTelescope
from tests.agents.night_clock import NIGHT


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
