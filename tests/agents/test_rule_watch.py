"""One rule over time, at its edges: bad at once, good slowly, and no news is bad news."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyros_agents.safeguards.rules import RULES, Rule
from pyros_agents.safeguards.weather_watch import RuleWatch

YES, NO = True, False
START = 1.7e9
DEFAULTS = {rule.field: rule for rule in RULES}


@dataclass
class Sky:
    """Feeds one rule; a number is made to tremble, for what stands still is frozen."""

    watch: RuleWatch
    now: float = START
    tremble: float = 1e-4

    def see(self, value: Any, *, after: float = 0.0) -> bool:
        """Look once, `after` seconds later; say whether the rule is kept."""
        self.now += after
        if isinstance(value, float):
            self.tremble = -self.tremble
            value += self.tremble
        self.watch.feed(self.now, value)
        return self.watch.reason is None

    def stay(self, value: Any, seconds: float, step: float = 10.0) -> bool:
        """Look every `step` seconds for so long."""
        kept = self.watch.reason is None
        for _ in range(int(seconds // step)):
            kept = self.see(value, after=step)
        return self.see(value, after=seconds % step) if seconds % step else kept


def sky(rule: Rule | str, settle: float = 0.0) -> Sky:
    rule = DEFAULTS[rule] if isinstance(rule, str) else rule
    return Sky(RuleWatch(rule, settle))


# -- bad at once ---------------------------------------------------------------------------------


def test_rain_is_bad_at_once() -> None:
    rain = sky("rain")
    assert rain.see(NO)
    assert not rain.see(YES, after=1.0)
    assert rain.watch.reason == "rain"


@pytest.mark.parametrize(
    ("name", "bad", "good"), [("humidity", 80.0, 50.0), ("wind", 36.0, 5.0), ("gust", 41.0, 9.0)]
)
def test_a_bad_value_counts_after_ninety_seconds_and_not_before(
    name: str, bad: float, good: float
) -> None:
    one = sky(name)
    assert one.see(good)
    assert one.see(bad, after=1.0)
    assert one.stay(bad, 89.9)
    assert not one.stay(bad, 0.1)


def test_a_good_value_in_between_begins_the_delay_anew() -> None:
    wind = sky("wind")
    wind.see(36.0)
    wind.stay(36.0, 80)
    assert wind.see(34.0, after=1.0)
    assert wind.see(36.0, after=1.0)
    assert wind.stay(36.0, 89)
    assert not wind.stay(36.0, 1)


def test_a_value_at_its_limit_is_never_bad() -> None:
    humidity = sky(Rule("humidity", above=75.0, bad_after=90.0))
    humidity.see(75.0)
    assert humidity.stay(75.0, 600)


def test_ice_is_bad_after_an_hour_and_not_before() -> None:
    ice = sky("ice")
    ice.see(YES)
    assert ice.stay(YES, 3599, step=59)
    assert not ice.stay(YES, 1)


# -- good slowly ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "bad", "good", "delay"),
    [
        ("rain", True, False, 300.0),
        ("humidity", 80.0, 50.0, 300.0),
        ("wind", 36.0, 5.0, 600.0),
        ("gust", 41.0, 9.0, 600.0),
        ("ice", True, False, 86400.0),
    ],
)
def test_it_is_good_again_after_its_delay_and_not_before(
    name: str, bad: Any, good: Any, delay: float
) -> None:
    one = sky(name)
    one.see(bad)
    one.stay(bad, 3600, step=60)
    assert not one.see(good, after=1.0)
    assert not one.stay(good, delay - 0.1, step=100)
    assert one.see(good, after=0.1)


def test_one_bad_moment_owes_the_whole_delay_again() -> None:
    rain = sky("rain")
    rain.see(YES)
    rain.see(NO, after=1.0)
    rain.stay(NO, 299)
    assert not rain.see(YES, after=1.0)
    assert not rain.see(NO, after=1.0)
    assert not rain.stay(NO, 299)
    assert rain.stay(NO, 1)


def test_what_is_good_again_is_bad_only_after_its_delay_as_before() -> None:
    humidity = sky("humidity")
    humidity.see(80.0)
    humidity.stay(80.0, 100)
    humidity.see(50.0, after=1.0)
    assert humidity.stay(50.0, 300)
    assert humidity.see(80.0, after=1.0)
    assert humidity.stay(80.0, 89)


def test_the_reason_tells_how_long_it_takes_still() -> None:
    rain = sky("rain")
    rain.see(YES)
    rain.see(NO, after=1.0)
    rain.stay(NO, 100)
    assert rain.watch.reason == "rain is good again, 200 s to go"


# -- no news -------------------------------------------------------------------------------------


def test_a_sensor_never_seen_is_bad_however_long_one_waits() -> None:
    ice = sky("ice")
    assert ice.watch.reason == "ice has never been seen"
    assert not ice.stay(None, 7200)
    assert ice.watch.reason == "ice has never been seen"


@pytest.mark.parametrize("value", [None, "dry", 0, math.nan])
def test_a_missing_value_is_bad_at_once_and_good_slowly(value: Any) -> None:
    rain = sky("rain", settle=600.0)
    rain.see(NO)
    assert rain.stay(NO, 300)
    assert not rain.see(value, after=1.0)
    assert not rain.see(NO, after=1.0)
    assert not rain.stay(NO, 299)
    assert rain.stay(NO, 1)


def test_a_missing_value_does_not_cost_the_day_that_ice_costs() -> None:
    ice = sky("ice", settle=600.0)
    ice.see(NO)
    ice.stay(NO, 600)
    assert not ice.see(None, after=1.0)
    ice.see(NO, after=1.0)
    assert ice.stay(NO, 600)


def test_a_missing_value_halts_a_delay_that_runs() -> None:
    ice = sky("ice", settle=600.0)
    ice.see(YES)
    ice.stay(YES, 3600, step=60)
    ice.see(NO, after=1.0)
    ice.stay(NO, 80_000, step=100)
    ice.stay(None, 5000, step=100)
    ice.see(NO, after=1.0)
    assert not ice.stay(NO, 6300, step=100)
    assert ice.stay(NO, 100, step=100)


def test_a_number_that_does_not_move_is_bad_after_twenty_minutes_and_not_before() -> None:
    wind = sky("wind")
    wind.tremble = 0.0
    wind.see(7.0)
    assert wind.stay(7.0, 1199.9)
    assert not wind.stay(7.0, 0.1)
    assert "frozen" in (wind.watch.reason or "")
    assert wind.see(7.1, after=1.0)


def test_any_movement_is_a_sign_of_life() -> None:
    wind = sky("wind")
    wind.see(7.0)
    assert wind.stay(7.0, 5000)  # it trembles by a ten-thousandth


def test_a_rain_sensor_that_never_moves_is_not_frozen() -> None:
    rain = sky("rain")
    rain.see(NO)
    assert rain.stay(NO, 7200)


def test_a_sensor_that_comes_back_with_the_same_value_is_still_frozen() -> None:
    wind = sky("wind")
    wind.tremble = 0.0
    wind.see(7.0)
    wind.stay(7.0, 1000)
    wind.stay(None, 100)
    wind.see(7.0, after=1.0)
    assert not wind.stay(7.0, 200)


# -- clocks that jump ----------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [7200.0, -7200.0])
def test_a_jump_of_the_clock_does_not_dry_the_rain(jump: float) -> None:
    rain = sky("rain")
    rain.see(YES)
    rain.see(NO, after=1.0)
    rain.stay(NO, 200)
    assert not rain.see(NO, after=jump)
    assert not rain.stay(NO, 99)
    assert rain.stay(NO, 1)


@pytest.mark.parametrize("jump", [7200.0, -7200.0])
def test_a_jump_of_the_clock_does_not_freeze_a_sensor(jump: float) -> None:
    wind = sky("wind")
    wind.tremble = 0.0
    wind.see(7.0)
    assert wind.see(7.0, after=jump)


@pytest.mark.parametrize("jump", [7200.0, -7200.0])
def test_a_jump_of_the_clock_hides_no_wind(jump: float) -> None:
    wind = sky("wind")
    wind.see(50.0)
    wind.stay(50.0, 60)
    wind.see(50.0, after=jump)
    assert wind.stay(50.0, 29)
    assert not wind.stay(50.0, 1)


# -- a start and a restart -----------------------------------------------------------------------


def test_at_the_start_a_rule_wants_to_see_its_own_delay_at_most() -> None:
    rain = sky("rain", settle=600.0)
    assert not rain.see(NO)
    assert rain.watch.reason == "rain is being watched, 300 s to go"
    assert not rain.stay(NO, 299)
    assert rain.stay(NO, 1)


def test_at_the_start_ice_does_not_want_to_see_a_day() -> None:
    ice = sky("ice", settle=600.0)
    ice.see(NO)
    assert not ice.stay(NO, 599)
    assert ice.stay(NO, 1)


def test_a_short_bad_value_at_the_start_begins_the_watch_anew() -> None:
    humidity = sky("humidity", settle=600.0)
    humidity.see(50.0)
    humidity.stay(50.0, 299)
    humidity.see(80.0, after=0.5)
    humidity.see(50.0, after=0.5)
    assert not humidity.stay(50.0, 299)
    assert humidity.stay(50.0, 1)


def succeed(one: Sky, gap: float) -> Sky:
    successor = Sky(RuleWatch(one.watch.rule, 600.0), one.now + gap)
    successor.watch.recall(one.watch.memory(), gap)
    return successor


def test_a_delay_goes_on_after_a_quick_restart() -> None:
    rain = sky("rain")
    rain.see(YES)
    rain.see(NO, after=1.0)
    rain.stay(NO, 100)
    rain = succeed(rain, gap=5.0)
    assert not rain.see(NO)
    assert not rain.stay(NO, 199)
    assert rain.stay(NO, 1)


def test_a_good_rule_stays_good_over_a_quick_restart() -> None:
    rain = sky("rain")
    rain.see(NO)
    assert succeed(rain, gap=5.0).see(NO)


@pytest.mark.parametrize("gap", [121.0, -10.0])
def test_after_a_long_absence_the_watch_begins_anew(gap: float) -> None:
    rain = sky("rain")
    rain.see(NO)
    rain = succeed(rain, gap)
    assert not rain.see(NO)
    assert rain.stay(NO, 300)


def test_a_day_of_ice_outlives_a_long_absence() -> None:
    ice = sky("ice")
    ice.see(YES)
    ice.stay(YES, 3600, step=60)
    ice = succeed(ice, gap=5000.0)
    ice.see(NO)
    assert not ice.stay(NO, 86_399, step=100)
    assert ice.stay(NO, 1)


# -- what holds for any weather ------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.1, 1.0, 30.0, 119.0, 500.0, -50.0]),
            st.sampled_from([None, 50.0, 60.0, 75.0, 80.0, "x"]),
        ),
        max_size=60,
    )
)
def test_nobody_is_safe_before_three_hundred_good_seconds_since_the_last_missing_value(
    looks: list[tuple[float, Any]],
) -> None:
    humidity = sky("humidity", settle=600.0)
    good_for = 0.0
    for step, value in looks:
        kept = humidity.see(value, after=step)
        is_value = isinstance(value, float)
        good_for = good_for + max(0.0, step) if is_value else 0.0
        assert not (kept and good_for < 300.0)
        assert is_value or not kept
