"""When a rule's condition holds: each kind of rule, with its delays and dead bands."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_mqtt.claims import Health
from pyros_mqtt.messages import Sample, State
from tests.unit.alarm_rules import START, Hand

SPEEDS = st.lists(st.floats(0, 100), min_size=1, max_size=60)


def test_a_value_above_its_limit_is_told_with_value_limit_and_moment() -> None:
    hand = Hand({"above": 60, "unit": "km/h", "text": "Close the dome"})
    hand.measure(50, 72.4)
    assert hand.shown is not None
    assert (hand.state, hand.shown.value, hand.shown.limit) == ("raised", 72.4, 60)
    assert hand.shown.unit == "km/h"
    moment = "20:00:02"
    assert hand.shown.text == (
        f"Close the dome: weather/wind is 72.4 km/h, above 60 km/h, since {moment} UTC"
    )


def test_a_value_on_its_limit_is_no_alarm() -> None:
    hand = Hand({"above": 60, "below": 10})
    hand.measure(60, 10)
    assert hand.state == "normal"
    hand.measure(9.9)
    assert hand.shown is not None
    assert "below 10" in hand.shown.text


def test_within_the_dead_band_an_alarm_stays() -> None:
    hand = Hand({"above": 60, "dead_band": 5})
    hand.measure(57, 61, 57, 55.1)
    assert hand.events == ["raised"]
    hand.measure(55)
    assert hand.events == ["raised", "cleared"]


@given(SPEEDS)
def test_it_flaps_only_over_the_whole_dead_band(speeds: list[float]) -> None:
    hand = Hand({"above": 60, "dead_band": 10})
    is_up = False
    for speed in speeds:
        hand.measure(speed)
        is_up = speed > 50 if is_up else speed > 60
        assert (hand.state == "raised") == is_up


@given(SPEEDS, st.integers(1, 10), st.integers(1, 10))
def test_each_condition_has_to_last_for_its_delay(
    speeds: list[float], delay: int, clear_delay: int
) -> None:
    hand = Hand({"above": 60, "delay": delay, "clear_delay": clear_delay})
    is_up, other_for = False, -1  # for how long it has been otherwise; -1: it is not
    for speed in speeds:
        hand.measure(speed)  # a second passes first
        other_for += other_for >= 0
        if other_for >= (clear_delay if is_up else delay):
            is_up, other_for = not is_up, -1
        other_for = max(other_for, 0) if (speed > 60) != is_up else -1
        assert (hand.state == "raised") == is_up


def test_a_delay_passes_without_further_news() -> None:
    hand = Hand({"above": 60, "delay": 30})
    hand.measure(70)
    hand.go_on(29)
    assert hand.state == "normal"
    hand.go_on(1)
    assert hand.state == "raised"


@pytest.mark.parametrize("value", [None, True, "70", float("nan")])
def test_what_is_no_number_is_neither_above_nor_below(value: object) -> None:
    hand = Hand({"above": 60})
    hand.measure(70, value)
    assert hand.events == ["raised"]


def test_bad_and_late_samples_count_for_nothing() -> None:
    hand = Hand({"above": 60})
    hand.measure(70, quality="bad")
    hand.measure(70, late=True)
    assert hand.state == "normal"


def test_a_field_of_a_channel_can_be_watched() -> None:
    hand = Hand({"about": "weather/wind.gust", "above": 60})
    hand.measure({"speed": 80, "gust": 50}, 80, {"speed": 80})
    assert hand.state == "normal"
    hand.measure({"speed": 50, "gust": 80})
    assert hand.state == "raised"


def test_true_is_not_1() -> None:
    hand = Hand({"equals": True})
    hand.measure(*[1, "true", False])
    assert hand.state == "normal"
    hand.measure(*[True])
    assert hand.state == "raised"


# -- rates --------------------------------------------------------------------------------------


def test_a_rate_is_per_second_over_the_window() -> None:
    hand = Hand({"rises": 0.5, "window": 10, "unit": "degC"})
    hand.measure(*[0.4 * i for i in range(20)])
    assert hand.state == "normal"
    hand.measure(*[8 + 0.6 * i for i in range(12)])
    assert hand.shown is not None
    assert 0.5 < hand.shown.value < 0.6
    assert "faster than 0.5 degC/s" in hand.shown.text


def test_a_single_spike_is_no_rate_over_a_long_window() -> None:
    hand = Hand({"rises": 0.5, "falls": 0.5, "window": 60})
    hand.measure(*[10.0] * 70, 30.0, *[10.0] * 3)
    assert hand.state == "normal"


def test_over_a_gap_nobody_knows_the_rate() -> None:
    hand = Hand({"falls": 1.0, "window": 10})
    hand.measure(*[100.0] * 12)
    hand.measure(0.0, every=600)
    hand.measure(*[0.0] * 5)
    assert hand.state == "normal"


@given(st.floats(-50, 50), st.lists(st.floats(-1.9, 1.9), min_size=30, max_size=60))
def test_slow_changes_never_raise_a_rate(start: float, steps: list[float]) -> None:
    hand = Hand({"rises": 2, "falls": 2, "window": 5})
    for step in steps:
        start += step
        hand.measure(start)
    assert hand.events == []


# -- frozen and missing -------------------------------------------------------------------------


def test_a_frozen_sensor_is_told_while_news_comes() -> None:
    hand = Hand({"frozen": 30, "tolerance": 0.1})
    hand.measure(*[5.0, 5.05] * 15)
    assert hand.state == "normal"
    hand.measure(5.0, 5.0)
    assert hand.shown is not None
    assert "frozen at 5 for" in hand.shown.text
    assert hand.shown.limit is None, "seconds are no limit of such a value"
    hand.measure(5.2)
    assert hand.state == "cleared"


def test_a_sensor_without_news_is_missing_and_not_frozen() -> None:
    frozen, missing = Hand({"frozen": 30}), Hand({"missing": 30})
    for hand in (frozen, missing):
        hand.measure(5.0)
        hand.go_on(31)
    assert (frozen.state, missing.state) == ("normal", "raised")
    assert missing.shown is not None
    assert "more than 30 s; it was 5, since 20:00:01 UTC" in missing.shown.text


def test_a_value_that_nobody_knows_the_age_of_is_no_news() -> None:
    missing, frozen, rate = Hand({"missing": 10}), Hand({"frozen": 10}), Hand({"rises": 0.5})
    for hand in (missing, frozen, rate):
        hand.measure(5.0, age=math.inf)
        hand.go_on(11)
        hand.measure(5.0, age=math.inf)
    assert (missing.state, frozen.state, rate.state) == ("raised", "normal", "normal")
    assert missing.shown is not None
    assert "; it was 5" in missing.shown.text
    missing.measure(6.0)
    missing.measure(5.0, age=math.inf)
    assert missing.state == "cleared"
    rate.measure(*[100.0] * 70)
    assert rate.state == "normal"


def test_news_without_a_usable_value_are_missing() -> None:
    hand = Hand({"missing": 10})
    hand.measure(5.0, *[None] * 12)
    assert hand.state == "raised"
    hand.measure(6.0)
    assert hand.state == "cleared"


def test_a_channel_that_never_was_is_missing_after_its_time() -> None:
    hand = Hand({"missing": 10})
    hand.go_on(10)
    assert hand.state == "normal"
    hand.go_on(1)
    assert hand.state == "raised"


def test_what_the_broker_had_kept_is_as_old_as_it_says() -> None:
    hand = Hand({"missing": 10})
    sample = Sample(START - 100, 5.0)
    hand.engine.hear(START, "weather", "wind", sample, age=100)
    hand.go_on(10)
    assert hand.state == "normal"
    hand.go_on(1)
    assert hand.state == "raised"


# -- set points ---------------------------------------------------------------------------------

DOME = {"about": "weather/wind.at", "set_point": "weather/wind.to", "within": 2}


def test_a_read_back_has_to_reach_its_set_point_in_time() -> None:
    hand = Hand({**DOME, "delay": 10})
    hand.measure({"to": 90, "at": 0}, *[{"to": 90, "at": 15 * i} for i in range(7)])
    assert hand.state == "normal"
    hand.measure(*[{"to": 180, "at": 90}] * 12)
    assert hand.shown is not None
    assert (hand.shown.value, hand.shown.limit) == (90, 180)
    assert "90 away from its set point 180; allowed is 2" in hand.shown.text


def test_on_a_circle_359_is_near_1() -> None:
    hand = Hand({**DOME, "wraps": 360})
    hand.measure({"to": 1, "at": 359.5}, {"to": 359.5, "at": 1})
    assert hand.state == "normal"
    hand.measure({"to": 1, "at": 358.9})
    assert hand.state == "raised"


# -- agents -------------------------------------------------------------------------------------


def test_a_state_is_told_with_its_name() -> None:
    hand = Hand({"about": "weather", "state": ["fault", "lost", "silent"]})
    hand.see(Health.LIVE, State.READY)
    assert hand.state == "normal"
    hand.see(Health.SILENT, State.READY)
    assert hand.shown is not None
    assert hand.shown.value == "silent"
    hand.see(Health.UNKNOWN, State.READY)
    assert hand.events == ["raised"]
    hand.see(Health.LIVE, State.READY)
    assert hand.events == ["raised", "cleared"]


@pytest.mark.parametrize("health", [Health.SILENT, Health.LOST, Health.UNKNOWN])
def test_who_says_nothing_any_more_has_not_said_that_it_is_well(health: Health) -> None:
    hand = Hand({"about": "weather", "state": "fault"})
    hand.see(Health.LIVE, State.FAULT)
    hand.see(health, State.LOST if health is Health.LOST else State.FAULT)
    assert hand.events == ["raised"]
    hand.see(Health.STOPPED, State.STOPPED)
    assert hand.events == ["raised", "cleared"]


def test_an_agent_that_was_removed_is_silent_since_its_last_news() -> None:
    hand = Hand({"about": "weather", "silent": 60})
    hand.go_on(1000)
    hand.see(Health.LIVE, State.READY, age=0)
    hand.see(Health.UNKNOWN, None, age=float("inf"))
    hand.go_on(60)
    assert hand.events == ["raised", "cleared"]
    hand.go_on(1)
    assert hand.shown is not None
    assert "since 20:16:40 UTC" in hand.shown.text


def test_silence_counts_from_the_last_news() -> None:
    hand = Hand({"about": "weather", "silent": 60})
    hand.go_on(100)
    hand.see(Health.LIVE, State.READY, age=2)
    assert hand.events == ["raised", "cleared"]
    hand.go_on(58)
    assert hand.events == ["raised", "cleared"]
    hand.go_on(1)
    assert hand.state == "raised"


def test_a_last_will_is_no_news_of_an_agent_that_was_silent_before() -> None:
    hand = Hand({"about": "weather", "silent": 60})
    hand.go_on(1000)
    hand.see(Health.LIVE, State.READY, age=0)
    hand.go_on(61)
    before = list(hand.events)
    assert hand.state == "raised"
    hand.see(Health.LOST, State.LOST, age=0)
    hand.go_on(1)
    assert hand.events == before
    assert hand.state == "raised"


def test_an_agent_that_said_goodbye_is_not_silent() -> None:
    hand = Hand({"about": "weather", "silent": 60})
    hand.see(Health.STOPPED, State.STOPPED, age=2)
    hand.go_on(1000)
    assert hand.state == "normal"
