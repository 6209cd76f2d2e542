"""A dome that has to close: whatever fails meanwhile, it is asked again, and it closes."""

from __future__ import annotations

from pyros_agents.devices.enclosure import ShutterState
from tests.agents.lone_devices import LoneDome


def test_an_order_to_close_that_fails_is_given_again_a_second_later() -> None:
    dome = LoneDome()
    dome.shutter.failures = 2
    assert [str(error) for error in dome.watch(2)] == ["the serial line is busy"] * 2
    assert "does not take the order" in dome.troubles["order to close"]
    assert dome.watch(20) == []
    assert dome.shutter.ordered == ["close"]
    assert dome.shutter.read().shutter is ShutterState.CLOSED
    assert dome.troubles == {}
