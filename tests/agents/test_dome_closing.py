"""A dome that has to close: whatever fails meanwhile, it is asked again, and it closes."""

from __future__ import annotations

import pytest

from pyros_agents.devices.enclosure import ShutterState
from pyros_mqtt import ActionFailed
from tests.agents.lone_devices import LoneDome
from tests.agents.night_clock import NOON


def test_an_order_to_close_that_fails_is_given_again_a_second_later() -> None:
    dome = LoneDome()
    dome.shutter.failures = 2
    assert [str(error) for error in dome.watch(2)] == ["the serial line is busy"] * 2
    assert "does not take the order" in dome.troubles["order to close"]
    assert dome.watch(20) == []
    assert dome.shutter.ordered == ["close"]
    assert dome.shutter.read().shutter is ShutterState.CLOSED
    assert dome.troubles == {}


def test_a_dome_whose_driver_has_lost_the_azimuth_still_closes_by_itself() -> None:
    dome = LoneDome()
    dome.shutter.knows_azimuth = False
    assert {type(error) for error in dome.watch(20)} == {TypeError}
    assert dome.shutter.read().shutter is ShutterState.CLOSED
    assert dome.told["shutter"]["state"] == "closed"


def test_a_shutter_that_does_not_close_is_told_of_also_without_an_azimuth() -> None:
    dome = LoneDome(close_patience=30.0)
    dome.shutter.knows_azimuth = False
    dome.shutter.jam()
    dome.watch(40)
    assert "does not close" in dome.troubles[""]
    assert dome.shutter.ordered == ["close", "stop"]


def test_an_agent_that_ends_closes_its_dome_without_reading_it_and_ends() -> None:
    dome = LoneDome(close_patience=30.0)
    dome.shutter.is_dumb = True
    began = dome.clock.now()
    dome.shutdown()
    assert dome.clock.now() - began < 65.0
    dome.shutter.is_dumb = False
    assert dome.shutter.ordered == ["close"]
    assert dome.shutter.read().shutter is ShutterState.CLOSED


def test_an_agent_that_ends_asks_again_where_an_order_to_close_fails() -> None:
    dome = LoneDome()
    dome.shutter.failures = 3
    dome.shutdown()
    assert dome.shutter.read().shutter is ShutterState.CLOSED


def test_an_agent_that_ends_does_not_wait_for_a_shutter_that_sticks() -> None:
    dome = LoneDome(close_patience=30.0)
    dome.shutter.jam()
    dome.shutdown()
    assert dome.shutter.ordered == ["close", "stop"]


def test_an_agent_that_ends_moves_nothing_that_is_held() -> None:
    dome = LoneDome()
    dome.emergency_stop()
    dome.shutdown()
    assert dome.shutter.ordered == ["stop"]


def test_an_agent_that_ends_does_not_close_against_a_stop() -> None:
    dome = LoneDome()
    dome.meanwhile = dome.stop_motion
    dome.shutdown()
    assert dome.shutter.ordered == ["close", "stop"]


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_clock_that_is_set_does_not_stop_a_shutter_half_way(step: float) -> None:
    dome = LoneDome()
    dome.watch(2)
    dome.step(step)
    assert dome.watch(20) == []
    assert dome.shutter.ordered == ["close"]
    assert dome.troubles == {}


def test_a_clock_that_is_set_back_hides_no_jam() -> None:
    dome = LoneDome()
    dome.shutter.jam()
    dome.watch(2)
    dome.step(-7200.0)
    dome.watch(62)
    assert "does not close" in dome.troubles[""]


@pytest.mark.parametrize(("step", "seconds", "is_on"), [(-7200.0, 61, False), (7200.0, 50, True)])
def test_engineering_mode_lasts_as_long_as_it_was_asked_for(
    step: float,
    seconds: int,
    is_on: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    dome = LoneDome(now=NOON)
    dome.hear_good_verdict()
    dome.engineering(on=True, seconds=60.0)
    dome.step(step)
    dome.watch(seconds)
    assert (dome.shutter.ordered == []) is is_on


def test_a_clock_that_is_set_forgets_no_opening() -> None:
    dome = LoneDome()
    dome.hear_good_verdict()
    for _ in range(3):
        dome.close()
        dome.turn(20.0)
        dome.open()
    dome.close()
    dome.turn(20.0)
    dome.step(7200.0)
    with pytest.raises(ActionFailed, match="3 times"):
        dome.open()


def test_a_dome_that_a_switch_has_held_for_long_closes_once_it_is_let_go() -> None:
    dome = LoneDome()
    dome.watch(2)
    dome.shutter.hold()
    dome.watch(120)
    assert "emergency stop is held" in dome.troubles[""]
    dome.shutter.release()
    dome.watch(20)
    assert dome.shutter.read().shutter is ShutterState.CLOSED
    assert dome.troubles == {}


def test_a_release_begins_a_new_attempt_after_one_that_has_failed() -> None:
    dome = LoneDome(close_patience=20.0)
    dome.shutter.jam()
    dome.watch(30)
    dome.shutter.mend()
    dome.release()
    dome.watch(20)
    assert dome.shutter.read().shutter is ShutterState.CLOSED


def test_an_order_that_failed_is_no_trouble_any_more_once_the_dome_may_be_open() -> None:
    dome = LoneDome()
    dome.hear_good_verdict()
    dome.shutter.failures = 1
    with pytest.raises(OSError, match="serial line"):
        dome.close()
    assert "does not take the order" in dome.troubles["order to close"]
    dome.watch(1)
    assert dome.troubles == {}


def test_a_dome_that_cannot_be_read_is_closed_when_a_person_says_so() -> None:
    dome = LoneDome()
    dome.shutter.is_dumb = True
    with pytest.raises(OSError, match="no answer"):
        dome.close()
    assert dome.shutter.ordered == ["close"]
