"""Which target comes next, and why."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from astropy.coordinates import get_body
from astropy.time import Time

from pyros_agents.astronomy.ephemeris import horizontal, separation, sun
from pyros_agents.astronomy.moon import moon
from pyros_agents.astronomy.sky import Site
from pyros_agents.scheduling.choosing import Sky, choose
from pyros_agents.scheduling.ranking import Demands, Rated, aspect, rank, rate
from pyros_agents.scheduling.targets import ALERT_PRIORITY, SURVEY, Target
from tests.agents.night_clock import NIGHT

SITE = Site.of(None)
DEMANDS = Demands()

HIGH = Target("high", 40.0, -25.0)
LOWER = Target("lower", 80.0, -30.0)
SETTING = Target("setting", 335.0, -20.0)
SET = Target("set", 200.0, -45.0)
SOUTH = Target("south", 30.0, -80.0)
SKY = Sky(NIGHT, SITE, DEMANDS)


def _order(*targets: Target, visits: dict[str, int] | None = None) -> list[str]:
    return [each.target.name for each in rank(targets, visits or {}, NIGHT, SITE, DEMANDS)]


def _rate(target: Target, **demands: float) -> Rated:
    return rate(target, 0, NIGHT, SITE, Demands(**demands))


def test_the_higher_one_comes_first_and_the_set_one_last() -> None:
    assert _order(SET, LOWER, HIGH) == ["high", "lower", "set"]


def test_priority_outweighs_the_better_sky() -> None:
    assert _order(HIGH, replace(LOWER, priority=20)) == ["lower", "high"]


def test_what_has_been_observed_less_often_comes_before() -> None:
    assert _order(HIGH, LOWER, visits={"high": 1}) == ["lower", "high"]
    assert _order(HIGH, LOWER, visits={"high": 1, "lower": 1}) == ["high", "lower"]


def test_one_that_sets_soon_gains_on_others() -> None:
    soon, later = _rate(SETTING, lowest=20), _rate(LOWER, lowest=20)
    assert soon.aspect.altitude < later.aspect.altitude + 20
    assert soon.aspect.sets_in < 7200 < later.aspect.sets_in
    assert soon.merit > 1.0 / (soon.aspect.airmass or inf)


def test_one_that_sets_before_its_visit_is_done_gains_nothing() -> None:
    soon = _rate(SETTING, lowest=20)
    long_visit = _rate(replace(SETTING, seconds=1200.0), lowest=20)
    assert long_visit.merit < soon.merit
    assert long_visit.merit == pytest.approx(1.0 / (soon.aspect.airmass or inf))


def test_a_target_too_low_says_how_low() -> None:
    rated = _rate(SET)
    assert not rated.is_observable
    assert rated.hindrance == "below the horizon; it has to stand above 25 deg"
    assert "too low" in _rate(SOUTH, lowest=85).hindrance


def test_a_target_near_the_sun_is_not_observed_whatever_it_is() -> None:
    ra, dec = sun(NIGHT)
    near = Target("near", ra, dec, event="Swift 1", priority=ALERT_PRIORITY)
    assert "from the Sun" in _rate(near, lowest=-90).hindrance


def test_only_an_alert_is_observed_beside_the_moon() -> None:
    ra, dec = moon(NIGHT)
    near = Target("near", ra, dec)
    assert "from the Moon" in _rate(near, lowest=-90).hindrance
    assert _rate(replace(near, event="Swift 1"), lowest=-90).is_observable


def test_the_reason_tells_what_speaks_for_it() -> None:
    reason = _rate(HIGH).reason
    for word in ("priority 10", "not yet observed", "airmass 1.", "too low in", "from the Moon"):
        assert word in reason


@pytest.mark.parametrize("target", [*SURVEY, HIGH, LOWER])
def test_when_it_becomes_too_low_it_stands_at_the_limit(target: Target) -> None:
    seen = aspect(target, NIGHT, SITE, 25.0)
    if seen.altitude < 25.0:
        assert seen.sets_in == 0.0
    else:
        then = horizontal(target.ra, target.dec, NIGHT + seen.sets_in, SITE)
        assert then.altitude == pytest.approx(25.0, abs=0.01)
        assert then.azimuth > 180.0 or target.dec < SITE.latitude


def test_near_the_pole_nothing_sets() -> None:
    assert aspect(SOUTH, NIGHT, SITE, 10.0).sets_in == inf


@pytest.mark.parametrize("when", [NIGHT, NIGHT + 7.3e5, 1.58e9])
def test_the_moon_stands_where_astropy_has_it(when: float) -> None:
    theirs = get_body("moon", Time(when, format="unix"))
    assert separation(moon(when), (theirs.ra.deg, theirs.dec.deg)) < 0.05


@pytest.mark.parametrize("hour", range(-5, 7))
@pytest.mark.parametrize("month", range(12))
def test_some_of_the_built_in_survey_is_up_in_every_dark_hour(hour: int, month: int) -> None:
    midnight = NIGHT + 2 * 3600.0 + month * 30.44 * 86_400.0
    ranked = rank(SURVEY, {}, midnight + hour * 3600.0, SITE, DEMANDS)
    assert ranked[0].is_observable


def test_the_latest_alert_is_chosen_before_all_others() -> None:
    alerts = [replace(LOWER, name="new", event="new"), replace(HIGH, name="old", event="old")]
    choice = choose(alerts, [HIGH], {}, HIGH, SKY)
    assert choice.target == alerts[0]
    assert choice.reason.startswith("alert")


def test_an_alert_that_cannot_be_seen_waits_while_the_survey_goes_on() -> None:
    choice = choose([replace(SET, name="GRB", event="GRB")], [HIGH], {}, None, SKY)
    assert choice.target == HIGH
    assert "GRB waits, it is below the horizon" in choice.reason


def test_what_was_begun_is_finished_before_something_better_comes() -> None:
    assert choose([], [HIGH, LOWER], {}, LOWER, SKY).target == LOWER
    assert choose([], [HIGH, LOWER], {}, SET, SKY).target == HIGH


def test_when_nothing_can_be_seen_it_says_so() -> None:
    choice = choose([], [SET], {}, None, SKY)
    assert choice.target is None
    assert choice.reason == "no target can be observed now"
