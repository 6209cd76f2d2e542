"""A telescope that watches its limits: what it does by itself, and whom it does not disturb."""

from __future__ import annotations

import pytest

from pyros_agents.devices.mount import MountState
from tests.agents.lone_devices import LoneTelescope


def test_a_telescope_whose_driver_has_lost_the_altitude_still_keeps_its_limits() -> None:
    telescope = LoneTelescope()
    telescope.track(16.0, 280.0)
    telescope.device.knows_altitude = False
    telescope.turn(1800.0)
    with pytest.raises(TypeError):
        telescope.measure()
    assert telescope.device.read().state is MountState.STOPPED
