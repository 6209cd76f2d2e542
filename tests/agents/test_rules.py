"""The rules of safety as data, at their edges."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pyros_agents.safeguards.rules import RULES, Openings, Rule, Stopwatch, as_tables, rules_with

DEFAULTS = {rule.field: rule for rule in RULES}


@pytest.mark.parametrize(
    ("field", "above", "bad_after", "good_after"),
    [
        ("rain", None, 0.0, 300.0),
        ("humidity", 75.0, 90.0, 300.0),
        ("wind", 35.0, 90.0, 600.0),
        ("gust", 40.0, 90.0, 600.0),
        ("ice", None, 3600.0, 86400.0),
    ],
)
def test_the_defaults_are_those_of_the_observatory(
    field: str, above: float | None, bad_after: float, good_after: float
) -> None:
    rule = DEFAULTS[field]
    assert (rule.above, rule.bad_after, rule.good_after) == (above, bad_after, good_after)


def test_there_are_no_other_rules() -> None:
    assert {rule.field for rule in RULES} == {"rain", "humidity", "wind", "gust", "ice"}


# -- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "is_bad"),
    [(74.9, False), (75.0, False), (75.0002, False), (75.01, False), (75.02, True), (100, True)],
)
def test_a_value_is_bad_when_it_is_past_the_limit_by_more_than_the_tolerance(
    value: float,
    is_bad: bool,  # noqa: FBT001
) -> None:
    assert (DEFAULTS["humidity"].complaint(value) is not None) is is_bad


@pytest.mark.parametrize(
    ("value", "is_bad"), [(48.1, False), (48.0, False), (47.9998, False), (47.98, True)]
)
def test_47_9998_is_not_below_48(value: float, is_bad: bool) -> None:  # noqa: FBT001
    battery = Rule("battery", below=48.0, unit="V")
    assert (battery.complaint(value) is not None) is is_bad


def test_a_complaint_says_what_and_by_how_much() -> None:
    assert DEFAULTS["humidity"].complaint(82.1) == "humidity 82.1 % is over 75 %"
    assert Rule("battery", below=48.0).complaint(40) == "battery 40 is under 48"
    assert DEFAULTS["rain"].complaint(True) == "rain"  # noqa: FBT003


@pytest.mark.parametrize("value", [None, True, "wet", [1], {}, math.nan, math.inf, 10**400])
def test_what_is_no_number_cannot_be_judged_by_a_limit(value: Any) -> None:
    assert DEFAULTS["humidity"].unreadable(value)


@pytest.mark.parametrize("value", [None, 0, 1, 0.0, "false", math.nan])
def test_what_is_neither_true_nor_false_is_no_answer_of_a_rain_sensor(value: Any) -> None:
    assert DEFAULTS["rain"].unreadable(value)


@pytest.mark.parametrize("value", [0, -3.5, 75, 1e9])
def test_any_number_can_be_judged(value: float) -> None:
    assert DEFAULTS["humidity"].unreadable(value) is None


# -- the table of the configuration --------------------------------------------------------------


def test_without_limits_the_rules_are_the_defaults() -> None:
    assert rules_with(None) == RULES


def test_limits_change_one_rule_and_leave_its_other_values() -> None:
    (wind,) = (r for r in rules_with({"wind": {"above": 30}}) if r.field == "wind")
    assert (wind.above, wind.bad_after, wind.good_after) == (30.0, 90.0, 600.0)


def test_limits_add_and_take_away_rules() -> None:
    rules = rules_with({"cloud": {"above": 0.8, "frozen_after": None}, "ice": False})
    assert {r.field for r in rules} == {"rain", "humidity", "wind", "gust", "cloud"}


@pytest.mark.parametrize(
    "limits",
    [{"wind": {"abvoe": 30}}, {"wind": 30}, {"wind": True}, {"wind": {"above": "much"}}],
)
def test_wrong_limits_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"wind|above"):
        rules_with(limits)


def test_the_rules_can_be_told() -> None:
    rain, humidity, *_ = as_tables(RULES)
    assert rain["field"] == "rain"
    assert "above" not in rain
    assert humidity["above"] == 75.0


# -- watched time --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "step"), [(1.0, 1.0), (120.0, 120.0), (120.5, 0.0), (-5.0, 0.0), (0.0, 0.0)]
)
def test_only_time_that_was_watched_counts(second: float, step: float) -> None:
    watch = Stopwatch()
    assert watch.step(1e9) == 0.0
    assert watch.step(1e9 + second) == step
    assert watch.total == step


# -- openings ------------------------------------------------------------------------------------


class Shutter:
    """Plays a shutter that is looked at every ten seconds."""

    def __init__(self) -> None:
        self.openings = Openings()
        self.now = 1.7e9
        self.look("closed")

    def look(self, state: str | None, seconds: float = 10.0) -> str | None:
        self.now += seconds
        self.openings.feed(self.now, state)
        return self.openings.reason

    def cycle(self) -> str | None:
        for state in ("opening", "opening", "open", "closing", "closed"):
            self.look(state)
        return self.openings.reason

    def wait(self, seconds: float) -> str | None:
        for _ in range(int(seconds / 10)):
            self.look("closed")
        return self.openings.reason


def test_two_openings_are_no_trouble_and_the_third_is_the_last() -> None:
    shutter = Shutter()
    assert shutter.cycle() is None
    assert shutter.cycle() is None
    assert shutter.cycle() is not None


def test_the_third_opening_may_last_until_the_dome_has_closed() -> None:
    shutter = Shutter()
    shutter.cycle()
    shutter.cycle()
    assert shutter.look("opening") is None
    assert shutter.look("open") is None
    assert shutter.look("closing") is not None


def test_a_fourth_opening_is_one_too_many_while_it_lasts() -> None:
    shutter = Shutter()
    for _ in range(3):
        shutter.cycle()
    assert shutter.look("opening") is not None
    assert shutter.look("open") is not None


def test_after_the_window_the_dome_may_open_again() -> None:
    shutter = Shutter()
    for _ in range(3):
        shutter.cycle()
    # The first opening was seen 140 s ago.
    assert shutter.wait(450) == "3 openings in 600 s, the next is allowed in 10 s"
    assert shutter.wait(10) is None


def test_a_dome_found_open_was_not_seen_opening() -> None:
    openings = Openings(most=1)
    openings.feed(0.0, "open")
    openings.feed(1.0, "closed")
    assert openings.reason is None


def test_a_dome_found_opening_is_seen_opening() -> None:
    openings = Openings(most=1)
    openings.feed(0.0, "opening")
    openings.feed(1.0, "closed")
    assert openings.reason is not None


def test_a_silent_dome_is_compared_with_what_it_was_before() -> None:
    shutter = Shutter()
    shutter.openings = Openings(most=1)
    shutter.look("closed")
    shutter.look(None)
    shutter.look("open")
    shutter.look(None)
    assert shutter.look("closed") is not None


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_clock_that_jumps_does_not_let_openings_grow_old(jump: float) -> None:
    shutter = Shutter()
    for _ in range(3):
        shutter.cycle()
    assert shutter.look("closed", jump) is not None
    assert shutter.wait(440) is not None
    assert shutter.wait(20) is None


def test_openings_outlive_a_restart() -> None:
    shutter = Shutter()
    for _ in range(3):
        shutter.cycle()
    successor = Openings()
    successor.recall(shutter.openings.memory(), gap=30.0)
    successor.feed(shutter.now + 30.0, "closed")
    assert successor.reason == "3 openings in 600 s, the next is allowed in 430 s"
